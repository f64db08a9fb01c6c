"""`taut gradients`: what it prints is what `compare` measured."""

import json

import pytest


def test_a_toy_has_its_closed_forms_beside_what_was_measured(taut, tmp_path):
    picture = tmp_path / "cos.png"
    result = taut("gradients", "--toy", "cos", "--repeats", "100", "--out", picture, "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)["rows"]
    assert {row["estimator"] for row in rows} == {"reparametrization", "reinforce (none)", "measure-valued"}
    assert {row["parameter"] for row in rows} == {"mean", "sd"}
    for row in rows:  # 1,000 gradients: the seed is fixed, 5 standard errors fail for one of 42 rows once in 40,000
        assert abs(row["mean"] - row["exact"]) <= 5 * row["standard_error"] + 1e-9
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_page_and_both_claims(taut, tmp_path):
    page = tmp_path / "square.html"
    result = taut("gradients", "--toy", "square", "--repeats", "64", "--claims", "--out", page, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [row["estimator"] for row in found["claims"]] == ["reparametrization", "reinforce (none)", "measure-valued"]
    assert all(row["seems_unbiased"] and row["seems_consistent"] for row in found["claims"])
    assert "E[(x - k)" in page.read_text()


def test_the_claims_as_a_table(taut, monkeypatch):
    import polars as pl

    from taut.studies import claims as consistency

    row = {
        "estimator": "mine",
        "point": 0,
        "declared_unbiased": True,
        "gradients": 64,
        "parameters": 2,
        "exact": 1.0,
        "bias": 0.1,
        "worst": 9.5,
        "p_value": 1e-9,
        "seems_unbiased": False,
        "slope": -0.25,
        "slope_error": 0.02,
        "seems_consistent": False,
    }
    made_up = consistency.Claims(pl.DataFrame([row]), None, None)
    monkeypatch.setattr(consistency, "gradient_claims", lambda *_, **__: made_up)
    monkeypatch.setattr(
        "taut.studies.compare.compare_on_toy",
        lambda *_, **__: pl.DataFrame(
            [
                {
                    "estimator": "mine",
                    "declared_unbiased": True,
                    "k": 1.0,
                    "parameter": "mean",
                    "mean": 1.0,
                    "exact": 1.0,
                    "variance": 1.0,
                    "standard_error": 0.1,
                    "seconds": 1e-6,
                    "evaluations": 1,
                    "closed_form_variance": 1.0,
                }
            ]
        ),
    )
    result = taut("gradients", "--toy", "cos", "--claims")
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if "9.5" in line]
    assert line.split() == ["mine", "64", "9.5", "1e-09", "NO", "-0.250", "±", "0.020", "NO"]


@pytest.mark.slow
def test_a_regression_along_a_run(taut, loans, tmp_path):
    page = tmp_path / "loans.html"
    result = taut("gradients", loans, "--target", "bad", "--repeats", "200", "--out", page)
    assert result.exit_code == 0, result.output
    assert "path-derivative" in result.stdout
    assert "a logistic regression on 60 rows" in page.read_text()


def test_either_data_or_a_toy(taut):
    for arguments in ((), ("breast-cancer", "--toy", "cos")):
        result = taut("gradients", *arguments)
        assert result.exit_code == 2
        assert "--toy" in result.stderr

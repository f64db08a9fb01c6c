"""`taut predict` and `taut report`: what was saved, used again."""

import io
import json

import numpy as np
import polars as pl
import pytest

import taut as library


@pytest.fixture(scope="module")
def expected(saved, loans):
    return library.load(saved).predict(pl.read_csv(loans))


def test_predict_prints_what_fit_predict_gives(taut, saved, loans, expected):
    result = taut("predict", saved, loans)
    assert result.exit_code == 0, result.stderr
    frame = pl.read_csv(io.StringIO(result.stdout))
    assert frame.columns == ["probability", "sd", "lower", "upper"]
    for name, values in expected._asdict().items():  # four digits; all of them go into a file
        np.testing.assert_allclose(frame[name].to_numpy(), values, rtol=6e-4)
        assert max(len(f"{value:g}".strip("0.")) for value in frame[name]) <= 4
    assert "'yes'" in result.stderr


def test_predict_as_json_and_at_another_level(taut, saved, loans):
    said = json.loads(taut("predict", saved, loans, "--json", "--level", "0.5").stdout)
    assert (said["positive"], said["level"], said["rows"]) == ("yes", 0.5, 60)
    expected = library.load(saved).predict(pl.read_csv(loans), level=0.5)
    assert [row["lower"] for row in said["predictions"]] == expected.lower.tolist()


def test_predict_into_a_file(taut, saved, loans, tmp_path, expected):
    result = taut("predict", saved, loans, "--out", "p.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
    assert pl.read_csv(tmp_path / "p.csv")["sd"].to_list() == expected.sd.tolist()


def test_rows_that_were_dropped_keep_their_place(taut, loans, tmp_path):
    assert taut("fit", loans, "--target", "bad", "--missing", "drop", "--out", "run").exit_code == 0
    (tmp_path / "new.csv").write_text("age,income,job,owner\n30,25,cook,true\n,25,cook,true\n40,35,baker,false\n")
    first, second, third = json.loads(taut("predict", "run", "new.csv", "--json").stdout)["predictions"]
    assert second == {"probability": None, "sd": None, "lower": None, "upper": None}
    assert 0 < first["lower"] < first["probability"] < first["upper"] < 1
    assert 0 < third["lower"] < third["probability"] < third["upper"] < 1
    assert taut("predict", "run", "new.csv").stdout.splitlines()[2] == ",,,"


def test_columns_are_kept_before_the_prediction(taut, saved, loans, tmp_path):
    first = loans.read_text().splitlines()
    lines = [f"name,{first[0]}", f"007,{first[1]}", f"Bond,{first[2]}"]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    printed = taut("predict", saved, "new.csv", "--keep", "name,job").stdout.splitlines()
    assert printed[0] == "name,job,probability,sd,lower,upper"
    assert [line.split(",")[0] for line in printed[1:]] == ["007", "Bond"]
    assert (
        json.loads(taut("predict", saved, "new.csv", "--keep", "name", "--json").stdout)["predictions"][0]["name"]
        == "007"
    )


def test_a_prediction_does_not_depend_on_the_other_rows(quick, tmp_path):
    rng = np.random.default_rng(1)
    code, flag = rng.choice(["010", "10", "A1", "B7"], 200), rng.choice(["TRUE", "FALSE", "unknown"], 200)
    sick = np.where(rng.random(200) < np.select([code == "010", code == "10"], [0.9, 0.1], 0.5), "yes", "no")
    share = rng.choice(["0,5", "1", "2"], 200)
    lines = [";".join(row) for row in zip(code, flag, share, sick, strict=True)]
    (tmp_path / "fit.csv").write_text("\n".join(["code;flag;share;sick", *lines]) + "\n")
    options = ("--target", "sick", "--separator", ";", "--decimal", ",", "--out", "run")
    fitted = quick("fit", "fit.csv", *options)
    assert fitted.exit_code == 0, fitted.stderr
    assert "'code' became 3 columns, against '010', 'flag' became 2 columns" in fitted.stderr

    def predicted(*rows):
        (tmp_path / "new.csv").write_text("\n".join(["code;flag;share", *rows]) + "\n")
        result = quick("predict", "run", "new.csv")
        assert result.exit_code == 0, result.stderr
        return result.stdout.splitlines()[1:]

    rows = ("010;TRUE;1", "10;FALSE;0,5", "A1;unknown;2")
    together = predicted(*rows)
    assert [predicted(row) for row in rows] == [[line] for line in together]
    assert len(set(together)) == 3


@pytest.mark.slow
def test_the_page_is_made_again(taut, loans, tmp_path):
    assert taut("fit", loans, "--target", "bad", "--out", "run").exit_code == 0
    page = tmp_path / "run" / "report.html"
    original = page.read_text(encoding="utf-8")
    page.unlink()
    assert taut("report", "run").exit_code == 0
    assert len(page.read_text(encoding="utf-8")) == pytest.approx(len(original), rel=0.01)
    result = taut("report", "run", "--out", "elsewhere.html")
    assert "elsewhere.html" in result.stderr
    assert (tmp_path / "elsewhere.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")

"""`taut gradients`: what it prints is what `compare` measured."""

import json


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


def test_either_data_or_a_toy(taut):
    for arguments in ((), ("breast-cancer", "--toy", "cos")):
        result = taut("gradients", *arguments)
        assert result.exit_code == 2
        assert "--toy" in result.stderr

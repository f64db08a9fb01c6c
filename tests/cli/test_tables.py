"""The options that say how a table is read, and what a fit keeps of where it came from."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest

import taut as library


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 80
    age = rng.integers(20, 70, n)
    return pl.DataFrame(
        {
            "id": range(1, n + 1),
            "age": age,
            "job": rng.choice(["baker", "clerk", "cook"], n),
            "price": [f"$1,{p}.50" for p in rng.integers(100, 999, n)],
            "day": rng.choice(["15-Feb-2019", "1-Mar-2019", "2-Mar-2019"], n),
            "times": rng.integers(0, 3, n),
            "bad": np.where(rng.random(n) < 1 / (1 + np.exp(0.1 * (age - 40))), "yes", "no"),
        }
    )


def said(taut, *arguments):
    result = taut("fit", *arguments, "--target", "bad", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_messy_table_takes_the_options_that_its_refusal_names(quick, table, tmp_path):
    table.write_csv(tmp_path / "t.csv")
    refused = quick("fit", "t.csv", "--target", "bad")
    assert refused.exit_code == 2
    for option in ("--drop id", "--numeric price", "--dates number"):
        assert option in refused.stderr
    found = said(quick, "t.csv", "--drop", "id", "--numeric", "price", "--dates", "number", "--weights", "times")
    names = [row["name"] for row in found["coefficients"]]
    assert sorted(names) == ["age", "day", "intercept", "job=clerk", "job=cook", "price"]
    assert said(quick, "t.csv", "--only", "age,job")["provenance"]["columns left out"].count("'") == 8


def test_weights_are_rows_repeated(quick, table, tmp_path):
    table = table.select("age", "job", "times", "bad")
    table.with_columns(age=pl.when(pl.col("times") == 0).then(9999).otherwise("age")).write_csv(tmp_path / "w.csv")
    table[np.repeat(np.arange(80), table["times"])].drop("times").write_csv(tmp_path / "r.csv")
    weighted, repeated = said(quick, "w.csv", "--weights", "times"), said(quick, "r.csv")
    assert weighted["elbo"] == pytest.approx(repeated["elbo"], rel=1e-9)
    for one, other in zip(weighted["coefficients"], repeated["coefficients"], strict=True):
        assert one["mean"] == pytest.approx(other["mean"], rel=1e-6)
    assert "without: a weight above zero" in weighted["provenance"]["rows"]


def test_a_fit_says_where_it_came_from_and_keeps_it(quick, table, tmp_path):
    frame = table.select("age", "job", "bad").with_columns(
        age=pl.when(pl.int_range(80) == 3).then(None).otherwise("age")
    )
    frame.write_csv(tmp_path / "t.csv")
    found = said(quick, "t.csv", "--missing", "drop", "--out", "run", "--seed", "7")["provenance"]
    digest = hashlib.sha256((tmp_path / "t.csv").read_bytes()).hexdigest()
    assert found.pop("date")
    assert found == {
        "data": "t.csv",
        "fingerprint": f"SHA-256 {digest[:12]}",
        "rows": "80 read, 79 used, 1 without: a feature",
        "target": "'bad': 1 is 'yes', 0 is 'no'",
        "categories": "'job' became 2 columns, against 'baker'",
        "version": f"taut {library.__version__}",
        "seed": "7",
        "command": "taut fit t.csv --missing drop --out run --seed 7 --target bad --json",
    }
    loaded = library.load("run").provenance
    assert loaded.pop("date")
    assert loaded == found


def test_a_call_from_python_is_said_too(table):
    fit = library.fit(
        library.models.LogisticRegression(),
        (table.select("age", "price"), table["bad"].to_list()),
        columns=library.data.Columns(numeric="price"),
        positive="no",
        progress=False,
    )
    assert fit.provenance["call"] == (
        "taut.fit(LogisticRegression, tuple, positive='no', columns=Columns, progress=False)"
    )
    assert fit.provenance["target"] == "'target': 1 is 'no', 0 is 'yes'"
    assert "data" not in fit.provenance


def test_a_column_that_tells_the_target_is_fitted_and_remarked_upon(quick, table, tmp_path):
    table.select("age", "bad", treated=pl.col("bad") == "yes").write_csv(tmp_path / "t.csv")
    result = quick("fit", "t.csv", "--target", "bad")
    assert result.exit_code == 0
    assert "'treated' tells 'bad' in every row" in result.stderr
    assert "--drop treated" in result.stderr


def test_the_studies_read_tables_likewise(quick, table, tmp_path):
    table.write_csv(tmp_path / "t.csv")
    options = ("--target", "bad", "--drop", "id,price", "--dates", "drop", "--weights", "times")
    result = quick("calibrate", "t.csv", *options, "--repeats", "10", "--json")
    assert result.exit_code == 0, result.stderr
    assert "age" in result.stdout

"""`taut fit` and `taut predict` with a formula: what is printed, kept and predicted."""

import io
import json
import math

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import taut as library
from taut.cli.app import app

ROWS = 60
KEYS = {"formula", "likelihood", "variances", "groups", "coefficients", "verdict", "elbo", "rows"}


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    """A table with counts, successes of trials, labels, a number, and clinics of numbers."""
    rng = np.random.default_rng(4)
    clinic, age = np.arange(ROWS) % 6 + 1, rng.normal(40, 9, ROWS).round(1)
    frame = pl.DataFrame(
        {
            "clinic": clinic,
            "age": age,
            "arm": rng.choice(["drug", "placebo"], ROWS),
            "visits": rng.poisson(np.exp(0.5 + 0.3 * rng.normal(size=6)[clinic - 1])),
            "cured": rng.binomial(8, 0.4, ROWS),
            "trials": np.full(ROWS, 8),
            "smoker": np.where(rng.random(ROWS) < 0.4, "yes", "no"),
            "kind": rng.choice(["a", "b", "c"], ROWS),
            "weight": 1 + np.arange(ROWS) % 2,
        }
    )
    path = tmp_path_factory.mktemp("visits") / "visits.csv"
    frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def counts(visits, tmp_path_factory):
    """Folder of a saved fit of the counts; not to be written to."""
    return kept(tmp_path_factory, visits, "visits ~ age + arm + (1 | clinic)", "--likelihood", "poisson")


def kept(tmp_path_factory, *arguments):
    folder = tmp_path_factory.mktemp("saved") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.report, "page", lambda fit, path: path)
        result = CliRunner().invoke(app, ["fit", *map(str, arguments), "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def numbers(value):
    """All numbers in what JSON holds."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, (int, float)) else []


def test_json_has_the_parts_of_a_regression_with_groups(quick, visits):
    result = quick("fit", visits, "visits ~ age + arm + (1 | clinic)", "--likelihood", "poisson", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said.keys() >= KEYS
    assert (said["likelihood"], said["formula"]) == ("poisson", "visits ~ age + arm + (1 | clinic)")
    assert [row["name"] for row in said["coefficients"]] == ["Intercept", "age", "arm[placebo]"]
    assert [row["name"] for row in said["variances"]] == ["sd(clinic:Intercept)"]
    assert said["variances"][0].keys() >= {"mean", "sd", "lower", "upper"}
    assert [row["level"] for row in said["groups"]["clinic"]] == ["1", "2", "3", "4", "5", "6"]
    assert said["groups"]["clinic"][0].keys() >= {"term", "mean", "sd", "lower", "upper"}
    assert {"converged", "trust"} <= said["verdict"].keys()
    assert all(math.isfinite(number) for number in numbers(said))


def test_it_says_what_the_library_says(quick, visits):
    formula, prior = "visits ~ age + (1 | clinic)", {"age": library.models.Normal(0, 0.1)}
    given = ("--likelihood", "poisson", "--prior", "age=Normal(0,0.1)", "--weights", "weight", "--seed", "3")
    said = json.loads(quick("fit", visits, formula, *given, "--json").stdout)
    frame = pl.read_csv(visits)
    model = library.models.Regression(formula, likelihood="poisson", prior=prior)
    fit = library.fit(model, frame, sample_weight=frame["weight"].to_numpy(), seed=3)
    for part in ("elbo", "coefficients", "variances", "groups"):
        assert said[part] == fit.to_json()[part]


@pytest.mark.parametrize(
    ("formula", "likelihood", "why"),
    [
        ("smoker ~ age", "bernoulli", "'smoker' holds two values"),
        ("cured / trials ~ age", "binomial", "successes / trials"),
        ("kind ~ age", "multinomial", "'kind' holds 3 labels"),
        ("age ~ arm", "gaussian", "'age' holds numbers"),
    ],
)
def test_the_likelihood_is_found_and_said(quick, visits, formula, likelihood, why):
    result = quick("fit", visits, formula, "--json")
    assert json.loads(result.stdout)["likelihood"] == likelihood
    assert f"the likelihood is {likelihood}, because" in result.stderr
    assert why in result.stderr


def test_counts_without_a_likelihood_are_remarked_upon(quick, visits):
    assert "--likelihood poisson is for counts" in quick("fit", visits, "visits ~ age").stderr


def test_a_target_and_a_likelihood_are_a_formula_of_every_column(quick, visits):
    options = ("--target", "visits", "--likelihood", "poisson", "--drop", "kind,smoker,trials")
    said = json.loads(quick("fit", visits, *options, "--weights", "weight", "--json").stdout)
    assert said["formula"] == "visits ~ ."
    names = [row["name"] for row in said["coefficients"]]
    assert names == ["Intercept", "clinic", "age", "arm[placebo]", "cured"]


def test_bundled_data_have_formulas_too(quick):
    said = json.loads(quick("fit", "breast-cancer", "diagnosis ~ `mean radius` + `mean texture`", "--json").stdout)
    assert (said["likelihood"], said["rows"], len(said["coefficients"])) == ("bernoulli", 569, 3)


def test_options_of_the_table_reach_a_formula(quick, visits, tmp_path):
    frame = pl.read_csv(visits).with_columns(pl.when(pl.col("age") > 50).then(None).otherwise("age").alias("age"))
    frame.write_csv(tmp_path / "holes.csv")
    options = ("--categorical", "clinic", "--missing", "drop", "--positive", "no", "--dtype", "float32", "--json")
    result = quick("fit", "holes.csv", "smoker ~ age + clinic", *options)
    said = json.loads(result.stdout)
    assert said["rows"] == ROWS - frame["age"].null_count()
    assert said["dtype"] == "float32"
    assert [row["name"] for row in said["coefficients"]][2:] == [f"clinic[{k}]" for k in range(2, 7)]
    assert "'clinic' became 5 columns, against '1'" in result.stderr


def test_another_algorithm_fits_a_formula(quick, visits):
    formula = "visits ~ age + (1 | clinic)"
    options = ("--likelihood", "poisson", "--algorithm", "score-regression", "--json")
    assert json.loads(quick("fit", visits, formula, *options).stdout)["algorithm"] == "score regression"


def predicted(taut, run, table, *options):
    result = taut("predict", run, table, *options)
    assert result.exit_code == 0, result.stderr
    return pl.read_csv(io.StringIO(result.stdout)), result.stderr


def test_rows_that_were_fitted_are_predicted_as_by_the_library(taut, counts, visits):
    found, said = predicted(taut, counts, visits, "--keep", "clinic")
    assert found.columns == ["clinic", "mean", "sd", "lower", "upper", "new_lower", "new_upper"]
    expected = library.load(counts).predict(pl.read_csv(visits))
    for name, values in expected._asdict().items():
        np.testing.assert_allclose(found[name].to_numpy(), values, rtol=6e-4)
    assert "the expected 'visits'" in said


def test_new_groups_are_refused_drawn_or_left_at_zero(taut, counts, tmp_path):
    (tmp_path / "new.csv").write_text("clinic,age,arm\n1,40,drug\n77,40,drug\n")
    assert taut("predict", counts, "new.csv").exit_code == 2
    drawn, _ = predicted(taut, counts, "new.csv", "--new-groups", "sample")
    zero, _ = predicted(taut, counts, "new.csv", "--new-groups", "mean")
    assert drawn["sd"][0] == zero["sd"][0]  # of a group that is known
    assert drawn["sd"][1] > zero["sd"][1]


def test_groups_that_are_whole_numbers_are_found_however_a_file_writes_them(taut, counts, tmp_path):
    (tmp_path / "new.csv").write_text("clinic,age,arm\n1,40,drug\n1.0,40,drug\n01,40,drug\n")
    found, _ = predicted(taut, counts, "new.csv")
    assert found["mean"].n_unique() == 1


@pytest.mark.parametrize(
    ("arguments", "columns", "words"),
    [
        (["smoker ~ age"], ["probability", "sd", "lower", "upper"], "the probability of 'yes'"),
        (["smoker ~ age", "--positive", "no"], ["probability", "sd", "lower", "upper"], "the probability of 'no'"),
        (
            ["kind ~ age"],
            [f"{name}[{level}]" for name in ("probability", "sd") for level in "abc"],
            "the probability of each of 3 levels of 'kind'",
        ),
        (
            ["cured / trials ~ age"],
            ["mean", "sd", "lower", "upper", "new_lower", "new_upper"],
            "the expected 'cured / trials' (successes",
        ),
    ],
)
def test_what_is_predicted_depends_on_the_response(taut, visits, tmp_path_factory, arguments, columns, words):
    run = kept(tmp_path_factory, visits, *arguments)
    found, said = predicted(taut, run, visits)
    assert found.columns == columns
    assert words in said
    assert json.loads(taut("predict", run, visits, "--json").stdout)["rows"] == ROWS


def test_rows_that_the_fit_drops_keep_their_place(taut, visits, tmp_path_factory, tmp_path):
    run = kept(tmp_path_factory, visits, "age ~ arm + (1 | clinic)", "--missing", "drop")
    (tmp_path / "new.csv").write_text("clinic,arm\n1,drug\n,drug\n2,\n3,placebo\n")
    rows = json.loads(taut("predict", run, "new.csv", "--json").stdout)["predictions"]
    assert [row["mean"] is None for row in rows] == [False, True, True, False]
    assert taut("predict", run, "new.csv").stdout.splitlines()[2] == ",,,,,"

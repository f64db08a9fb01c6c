"""Wrong formulas, responses, groups and new rows: exit code 2, a sentence with the culprit, nothing left behind."""

import re

import numpy as np
import pytest
from typer.testing import CliRunner

import taut as library
from taut.cli.app import app

from ..helpers.refusals import assert_refused, everything

ROWS = 40


def table(folder, **changed):
    """A table of usable columns, some of them changed: `{row: value}`, or all values; None is missing."""
    rng = np.random.default_rng(0)
    columns = {
        "y": rng.poisson(2, ROWS).tolist(),
        "x": rng.normal(size=ROWS).round(3).tolist(),
        "g": [f"g{i % 6}" for i in range(ROWS)],
        "kind": [("a", "b", "c")[i % 3] for i in range(ROWS)],
        "sick": [("no", "yes")[i % 2] for i in range(ROWS)],
        "hits": [i % 4 for i in range(ROWS)],
        "shots": [4 + i % 3 for i in range(ROWS)],
        "hours": rng.gamma(2, 1, ROWS).round(3).tolist(),
    }
    for name, given in changed.items():
        if isinstance(given, dict):
            given = [given.get(i, value) for i, value in enumerate(columns[name])]
        columns[name] = given
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    path = folder / "table.csv"
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


FORMULAS = {  # the formula, the place that the caret is at, words
    "ends with a sign": ("y ~ x +", 7, ["missing here"]),
    "no tilde": ("y + x", 5, ["'~' between the response and the terms"]),
    "two tildes": ("y ~ x ~ g", 6, ["one '~'"]),
    "no response": ("~ x", 0, ["response is missing"]),
    "nothing on the right": ("y ~", 3, ["terms are missing"]),
    "not closed": ("y ~ x + (1 | g", 8, ["not closed"]),
    "a bar without parentheses": ("y ~ x | g", 6, ["parentheses"]),
    "an unknown column": ("y ~ xx", 4, ["no column 'xx'", "Did you mean 'x'?"]),
    "an unknown group": ("y ~ x + (1 | gg)", 13, ["no column 'gg'", "Did you mean 'g'?"]),
    "an unknown function": ("y ~ lgo(x)", 4, ["no function 'lgo'", "Did you mean 'log'?"]),
    "the response on both sides": ("y ~ x + y", 8, ["'y' is the response"]),
    "the response varies": ("y ~ x + (y | g)", 9, ["'y' is the response"]),
    "the response groups": ("y ~ x + (1 | y)", 13, ["'y' is the response"]),
    "the response in a function": ("log(y) ~ y", 9, ["'y' is the response"]),
    "nothing is learned": ("y ~ 0", 4, ["nothing would be learned"]),
    "not finite": ("y ~ log(x)", 4, ["not a finite number"]),
}


@pytest.mark.parametrize("case", FORMULAS)
def test_a_wrong_formula_is_pointed_at(taut, tmp_path, case):
    formula, place, words = FORMULAS[case]
    path = table(tmp_path)
    before = everything(tmp_path)
    result = taut("fit", path, formula, "--out", "run")
    assert_refused(result.exit_code, result.stdout, result.stderr, words)
    shown, caret = result.stderr.splitlines()[-2:]
    assert (shown.strip(), caret.rstrip()) == (formula, " " * (2 + place) + "^")
    assert everything(tmp_path) == before


OPTIONS = {  # arguments behind the data, words
    "several words": (["y", "~", "x"], ["3 words", "quotation marks"]),
    "a formula and a target": (["y ~ x", "--target", "y"], ["--target", "the formula names the response"]),
    "an unknown likelihood": (["y ~ x", "--likelihood", "poison"], ["'poison'", "Did you mean 'poisson'?"]),
    "an unknown term": (["y ~ x", "--prior", "z=Normal(0,1)"], ["'z'", "'x'"]),
    "an unknown distribution": (["y ~ x", "--prior", "x=Nrmal(0,1)"], ["'Nrmal'", "'Normal'"]),
    "a negative scale": (["y ~ x", "--prior", "x=Normal(0,-1)"], ["x=Normal(0,-1)", "loc, scale"]),
    "a number too many": (["y ~ x", "--prior", "x=Normal(0,1,2)"], ["loc, scale"]),
    "an unknown number": (["y ~ x", "--prior", "x=Normal(0,width=1)"], ["loc, scale"]),
    "an infinite scale": (["y ~ x", "--prior", "x=Normal(0,inf)"], ["'inf'", "finite number"]),
    "no number": (["y ~ x", "--prior", "x=Normal(0,one)"], ["'one'", "number"]),
    "a number for a coefficient": (["y ~ x", "--prior", "x=2"], ["x=2", "'x=Normal(0,1)'"]),
    "no prior": (["y ~ x", "--prior", "x=Normal(0,1"], ["is no prior"]),
    "an unknown word": (["y ~ x", "--prior", "flat"], ["'flat'", "empirical"]),
    "positive alone": (["y ~ x", "--prior", "x=HalfNormal(1)"], ["any real number"]),
    "negative sds": (["y ~ (1 | g)", "--prior", "g=Normal(0,1)"], ["an sd is positive"]),
    "two priors": (["y ~ x", "--prior", "x=Normal(0,1)", "--prior", "x=Normal(0,2)"], ["two priors"]),
    "a prior for all beside others": (["y ~ x", "--prior", "Normal(0,1)", "--prior", "x=Normal(0,2)"], ["for all"]),
    "named priors without a formula": (["--target", "sick", "--prior", "x=Normal(0,1)"], ["by formula"]),
    "another model": (["y ~ x", "--model", "logistic"], ["--model", "--likelihood"]),
    "a scale of all": (["y ~ x", "--prior-scale", "2"], ["--prior-scale", "'Normal(0,1)'"]),
    "no intercept by option": (["y ~ x", "--no-intercept"], ["--intercept", "0 +"]),
    "not standardised": (["y ~ x", "--no-standardise"], ["--standardise"]),
    "columns chosen without a dot": (["y ~ x", "--drop", "g"], ["--drop g", "'.'"]),
    "columns kept without a dot": (["y ~ x", "--only", "x,g"], ["--only x,g", "'.'"]),
    "a positive count": (["y ~ x", "--positive", "2"], ["--positive 2", "two labels"]),
    "a label that is none": (["sick ~ x", "--positive", "maybe"], ["--positive maybe", "'no' (20 rows)"]),
    "imputed": (["y ~ x", "--missing", "impute"], ["--missing impute", "'drop'"]),
    "nothing to resume": (["y ~ x + (1 | g)", "--resume"], ["--resume", "checkpoint"]),
    "no weights": (["y ~ x", "--weights", "w"], ["no column 'w'"]),
    "a target that is not there": (["--target", "yy", "--likelihood", "poisson"], ["no column 'yy'"]),
    "neither formula nor target": (["--likelihood", "poisson"], ["--target", "formula"]),
    "groups of many labels": (["kind ~ x + (1 | g)"], ["multinomial", "group terms"]),
    "three labels for two": (["kind ~ x", "--likelihood", "bernoulli"], ["3 labels", "'a' (14 rows)"]),
    "text for numbers": (["kind ~ x", "--likelihood", "gaussian"], ["'kind' holds 'a', 'b', 'c'"]),
    "fractions for counts": (["hours ~ x", "--likelihood", "poisson"], ["poisson", "row 1"]),
    "no trials": (["hits ~ x", "--likelihood", "binomial"], ["'successes / trials'"]),
    "trials for counts": (["hits / shots ~ x", "--likelihood", "poisson"], ["'hits / shots'", "does not take"]),
    "numbers for grades": (["hours ~ x", "--likelihood", "ordinal"], ["continuous", "levels"]),
    "beyond one": (["hours ~ x", "--likelihood", "beta"], ["between 0 and 1"]),
    "groups of fractions": (["y ~ kind + (1 | x)"], ["'x' holds numbers that are not whole"]),
    "a level that is none": (['kind["z"] ~ x'], ["never holds 'z'", "'a', 'b', 'c'"]),
    "an event that is none": (['censored(hours, sick["ill"]) ~ x'], ["never holds 'ill'"]),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_and_responses_that_do_not_fit_are_refused(taut, tmp_path, case):
    arguments, words = OPTIONS[case]
    path = table(tmp_path)
    before = everything(tmp_path)
    result = taut("fit", path, *arguments, "--out", "run")
    assert_refused(result.exit_code, result.stdout, result.stderr, words)
    assert everything(tmp_path) == before


TABLES = {  # changed columns, arguments behind the data, words
    "a negative count": ({"y": {3: -1}}, ["y ~ x", "--likelihood", "poisson"], ["-1 in row 4"]),
    "half a count": ({"y": {3: 0.5}}, ["y ~ x", "--likelihood", "negative-binomial"], ["0.5 in row 4"]),
    "a negative amount": ({"hours": {0: -2.0}}, ["hours ~ x", "--likelihood", "gamma"], ["-2 in row 1"]),
    "more successes than trials": ({"hits": {5: 99}}, ["hits / shots ~ x"], ["99 in row 6", "exchanged"]),
    "no trial": ({"shots": {4: 0}}, ["hits / shots ~ x"], ["0 in row 5", "nothing was tried"]),
    "half a trial": ({"shots": {4: 4.5}}, ["hits / shots ~ x"], ["4.5 in row 5", "trials"]),
    "trials in words": ({"shots": {4: "many"}}, ["hits / shots ~ x"], ["'many' in row 5"]),
    "one group": ({"g": ["only"] * ROWS}, ["y ~ x + (1 | g)"], ["one group ('only')"]),
    "more effects than rows": (
        {"g": [f"g{i // 2}" for i in range(ROWS)]},
        ["y ~ (x + kind | g)"],
        ["80 effects", "40 rows"],
    ),
    "missing features": ({"x": {0: None, 7: None}}, ["y ~ x"], ["'x' (2)", "2 of 40 rows", "--missing drop"]),
    "missing responses": ({"y": {0: None}}, ["y ~ x"], ["'y' (1)", "--missing drop"]),
    "missing groups": ({"g": {0: None}}, ["y ~ x + (1 | g)"], ["'g' (1)", "--missing drop"]),
    "collinear": ({"z": [2 * i for i in range(ROWS)], "x": list(range(ROWS))}, ["y ~ x + z"], ["Collinear", "'z'"]),
    "a constant response": ({"y": [3] * ROWS}, ["y ~ x"], ["'y' is always 3"]),
    "one label": ({"sick": ["no"] * ROWS}, ["sick ~ x"], ["'sick' is always 'no'"]),
    "a constant column": ({"x": [1.5] * ROWS}, ["y ~ x"], ["Constant", "'x'"]),
    "an infinite number": ({"x": {2: "inf"}}, ["y ~ x"], ["not a finite number"]),
    "the log of nothing": ({"hours": {0: 0.0}}, ["y ~ x + offset(log(hours))"], ["log(hours)", "finite"]),
    "a negative weight": ({"w": [-1, *[1] * (ROWS - 1)]}, ["y ~ x", "--weights", "w"], ["weights in 'w'"]),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_that_a_formula_cannot_be_fitted_to_are_refused(taut, tmp_path, case):
    changed, arguments, words = TABLES[case]
    path = table(tmp_path, **changed)
    before = everything(tmp_path)
    result = taut("fit", path, *arguments, "--out", "run")
    assert_refused(result.exit_code, result.stdout, result.stderr, words)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(("content", "words"), [("", ["is empty"]), ("y,x\n", ["no rows"])])
def test_a_file_without_rows_is_refused(taut, tmp_path, content, words):
    (tmp_path / "table.csv").write_text(content)
    result = taut("fit", "table.csv", "y ~ x", "--out", "run")
    assert_refused(result.exit_code, result.stdout, result.stderr, words)


def test_a_formula_before_the_data_is_put_right(taut, tmp_path):
    table(tmp_path)
    result = taut("fit", "y ~ x", "table.csv")
    assert_refused(result.exit_code, result.stdout, result.stderr, ["the data come first"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of saved fits with and without groups; not to be written to."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.report, "page", lambda fit, path: path)
        for name, formula in {"groups": "y ~ x + kind + (1 | g)", "flat": "y ~ x"}.items():
            given = ["fit", str(table(folder)), formula, "--likelihood", "poisson", "--out", str(folder / name)]
            result = CliRunner().invoke(app, given)
            assert result.exit_code == 0, result.output
    return folder


NEW = {  # which run, the new rows, options, words
    "an unseen level": ("groups", "x,kind,g\n1,z,g1\n", [], ["'kind' holds 'z'", "'a', 'b', 'c'"]),
    "an unseen group": ("groups", "x,kind,g\n1,a,g9\n", [], ["'g' holds 'g9'", "--new-groups sample"]),
    "an unseen group by word": ("groups", "x,kind,g\n1,a,g9\n", ["--new-groups", "refuse"], ["'g' holds 'g9'"]),
    "another word": ("groups", "x,kind,g\n1,a,g1\n", ["--new-groups", "sampel"], ["Did you mean 'sample'?"]),
    "no groups": ("flat", "x\n1\n", ["--new-groups", "mean"], ["--new-groups mean", "has none"]),
    "an absent column": ("groups", "x,kind\n1,a\n", [], ["'g'", "missing"]),
    "a word for a number": ("groups", "x,kind,g\nmuch,a,g1\n", [], ["'x'", "'much' in row 1"]),
    "a missing number": ("groups", "x,kind,g\n,a,g1\n", [], ["'x' (1)"]),
    "no rows": ("groups", "x,kind,g\n", [], ["no rows"]),
    "nothing": ("groups", "", [], ["is empty"]),
    "a name that is taken": ("groups", "x,kind,g,mean\n1,a,g1,3\n", ["--keep", "mean"], ["'mean'", "rename"]),
}


@pytest.mark.parametrize("case", NEW)
def test_new_rows_that_cannot_be_predicted_are_refused(taut, runs, tmp_path, case):
    run, rows, options, words = NEW[case]
    (tmp_path / "new.csv").write_text(rows)
    before = everything(tmp_path)
    result = taut("predict", runs / run, "new.csv", *options, "--out", "p.csv")
    assert_refused(result.exit_code, result.stdout, result.stderr, words)
    assert everything(tmp_path) == before


def test_a_word_on_new_groups_is_refused_by_a_fit_without_a_formula(taut, saved, loans):
    result = taut("predict", saved, loans, "--new-groups", "sample")
    assert_refused(result.exit_code, result.stdout, result.stderr, ["--new-groups sample", "has none"])


def test_no_message_speaks_of_python(taut, tmp_path):
    path = table(tmp_path)
    for arguments, _ in OPTIONS.values():
        said = taut("fit", path, *arguments, "--out", "run").stderr
        assert not re.search(r"\w+=['\[]|taut\.\w+|numpyro", said.replace("taut: ", "")), said

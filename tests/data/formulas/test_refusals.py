"""Every refusal says what is wrong in its own words; those of the formula's text point at the place."""

import contextlib
import copy
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.data import FormulaDesign, prepare_formula
from taut.errors import ArgumentError, DataError, SavedFitError, TautError

from .test_design import TABLE

ROWS = TABLE.with_columns(
    one=pl.lit(1.0), same=pl.lit("a"), twice=pl.col("x") * 2 + 3, share=pl.col("z") / 2, when=pl.date(2020, 1, 1)
)
POINTED = [
    # formula, where the caret stands (a character of the formula, or its end), words
    ("y x", None, "A formula has a '~'"),
    ("y ~ x @~ z", "@", "A formula has one '~'"),
    ("@~ x", "@", "The response is missing"),
    ("y ~", None, "The terms are missing behind '~'"),
    ("y ~ x +", None, "A column or a function is missing here"),
    ("y ~ x + + @* z", "@", "'*' cannot stand here"),
    ("y ~ x @z", "@", "'z' cannot stand here"),
    ("y ~ x @% z", "@", "'%' cannot stand here"),
    ("y ~ @(x + z", "@", "This '(' is not closed"),
    ("y ~ x + z@)", "@", "This ')' closes nothing"),
    ("y ~ log(x@]", "@", "This ']' closes nothing"),
    ("y ~ x@ & z", "&", "'&' is no sign of a formula"),
    ("y @| trials(n) ~ x", "@", 'It is y, y["level"], successes / trials'),
    ("@cbind(hits, tries) ~ x", "@", "Here it is written successes / trials"),
    ("y ~ @'abc", "@", "no closing quotation mark"),
    ("y ~ @`abc", "@", "no closing backtick"),
    ("y ~ @_x", "@", "stands in backticks"),
    ("y ~ z + @xx", "@", "There is no column 'xx'. Did you mean 'x'"),
    ("y ~ log(@xx)", "@", "There is no column 'xx'"),
    ("y ~ z + offset(@xx)", "@", "There is no column 'xx'"),
    ("y ~ (1 | @gg)", "@", "There is no column 'gg'"),
    ("y ~ (@xx | g)", "@", "There is no column 'xx'"),
    ("@yy ~ x", "@", "There is no column 'yy'. Did you mean 'y'"),
    ("@hit / tries ~ x", "@", "There is no column 'hit'. Did you mean 'hits'"),
    ("y ~ z + @lgo(x)", "@", "There is no function 'lgo'. Did you mean 'log'"),
    ("y ~ @factor(job)", "@", "Here it is written C(x)"),
    ("y ~ @eval('1')", "@", "There is no function 'eval'"),
    ("y ~ @np.load('x')", "@", "There is no function 'np.load'"),
    ("y ~ @I.__class__(x)", "@", "There is no function 'I.__class__'"),
    ("y ~ @log.__call__(x)", "@", "There is no function"),
    ("y ~ @Treatment(x)", "@", "There is no function 'Treatment'"),
    ("y ~ x@**2", "@", "write I(x**2)"),
    ("y ~ (x + z)@**9", "@", "a whole number from 1 to 5"),
    ("y ~ 2@*x", "@", "2 is no term"),
    ("y ~ x @== 3", "@", "'==' joins no terms"),
    ("y ~ @-x", "@", "A sign stands only before the 1"),
    ("y ~ @x['a']", "@", "Brackets with a level belong to the response"),
    ("y ~ x@=3", "@", "'=' stands only between"),
    ("y ~ I(x @: z)", "@", "':' cannot stand in a function"),
    ("y ~ I(x + 9@**9)", "@", "A power of numbers alone"),
    ("y ~ x @| g", "@", "'|' stands in a group term"),
    ("y ~ x@*(1 | g)", "@", "is joined to the others by +"),
    ("y ~ (1 | g)@*x", "@", "is joined to the others by +"),
    ("y ~ I((1 @| g))", "@", "stands alone"),
    ("y ~ ((1 @| g))", "@", "stands alone"),
    ("y ~ (1 | g @| h)", "@", "A group term has one '|'"),
    ("y ~ (1 |@)", "@", "The grouping column is missing"),
    ("y ~ (@| g)", "@", "What varies is missing"),
    ("y ~ @(0 | g)", "@", "Nothing varies"),
    ("y ~ @(1 | 1)", "@", "Behind '|' stands a grouping column"),
    ("y ~ (1 | @log(x))", "@", "A grouping factor is a column"),
    ("y ~ (@. | g)", "@", "'.' stands among the terms"),
    ("y ~ log(@.)", "@", "'.' stands among the terms"),
    ("@. ~ x", "@", "'.' is no response"),
    ("y ~ @0", "@", "No term is left"),
    ("y ~ x + @y", "@", "'y' is the response"),
    ("y ~ x + offset(@y)", "@", "'y' is the response"),
    ("y ~ (1 | @y)", "@", "'y' is the response"),
    ("log(y) ~ x + I(z * @y)", "@", "'y' is the response"),
    ("hits / tries ~ x + log(@hits)", "@", "'hits' is the response"),
    ("censored(y, flag) ~ x + @flag", "@", "'flag' is the response"),
    ("@y + 1 ~ x", "@", "Before '~' stands the response"),
    ("@1 ~ x", "@", "Before '~' stands the response"),
    ("@censored(y) ~ x", "@", "censored(time, event) has two columns"),
    ("@p(hits) ~ x", "@", "has two arguments"),
    ("hits @/ log(tries) ~ x", "@", "is two columns"),
    ("hits @/ 2.5 ~ x", "@", "is two columns"),
    ("y ~ @p(hits, tries)", "@", "it stands before '~'"),
    ("y ~ @offset(x, z)", "@", "with one argument"),
    ("y ~ bs(x, df=4)@:z", "@", "A spline cannot be part of an interaction"),
    ("y ~ " + "(@" * 300 + "x" + ")" * 300, None, "nested too deeply"),
]


@pytest.mark.parametrize(("formula", "at", "words"), POINTED)
def test_the_text_of_a_formula(formula, at, words):
    place = formula.index(at) if at == "@" else None
    formula = formula.replace("@", "")
    with pytest.raises(ArgumentError) as caught:
        prepare_formula(formula, ROWS)
    sentence, shown, caret = str(caught.value).rsplit("\n", 2)
    assert words in sentence
    assert caret.strip() == "^"
    if len(formula) < 60:
        assert shown == f"  {formula}"
        expected = place if at == "@" else len(formula) if at is None else formula.rindex(at)
        assert caret.index("^") - 2 == expected


CALLS = [
    ("y ~ z + log(@share)", "log(share) is not a finite number in 3 of 8 rows"),
    ("y ~ @bs(x)", "Must specify either 'df' or 'knots'"),
    ("y ~ @bs(x, dff=3)", "its arguments do not fit"),
    ("y ~ @I(job * 2.5)", "cannot be computed"),
    ("y ~ @T(job, 'kook')", "there is no level 'kook'. Did you mean 'cook'"),
    ("y ~ @C(job, levels=c('cook', 'clerk'))", "The levels said in"),
    ("y ~ @C(job, x)", "its coding is Treatment or Sum"),
    ("y ~ @log(x, z)", "log takes 1 argument"),
    ("y ~ @c(1, 2)", "has 2 values for 8 rows"),
    ("y ~ @I(3)", "is not one number or level for each row"),
    ("y ~ @binary(job)", "say which level counts"),
    ("y ~ @binary(job, 'nurse')", "is always 'false'"),
]


@pytest.mark.parametrize(("formula", "words"), CALLS)
def test_what_cannot_be_computed_is_pointed_at(formula, words):
    formula, place = formula.replace("@", ""), formula.index("@") if "share" not in formula else 8
    with pytest.raises(DataError) as caught:
        prepare_formula(formula, ROWS)
    assert words in str(caught.value)
    assert str(caught.value).splitlines()[-1].index("^") - 2 == place


REFUSED = [
    ("y ~ one", "Constant columns: 'one' (always 1). Leave it out of the formula"),
    ("y ~ same", "'same' is always 'a': a constant column tells nothing"),
    ("y ~ x + twice", "Collinear columns: 'twice' follows from 'x'"),
    ("y ~ x + z + I(x - z)", "'I(x - z)' follows from 'x', 'z'"),
    ("y ~ poly(x, 2) + x", "'x' follows from 'poly(x, 2)[0]'"),
    ("y ~ job + C(job)", "More than one column of the design would be called 'job[clerk]', 'job[cook]'"),
    ("y ~ job*C(g)", "Columns that are zero in every row: 'job[cook]:g[2]'"),
    ("y ~ (1 | x)", "DataError"),
    ("y ~ (1 | share)", "'share' holds numbers that are not whole, the first in row 1 (0.25"),
    ("y ~ (1 | g/share)", "'share' holds numbers that are not whole"),
    ("y ~ (1 | same)", "The grouping column 'same' has one group ('a')"),
    ("y ~ (1 | one)", "The grouping column 'one' has one group ('1')"),
    ("y ~ (1 + x + z | g)", "has 9 effects (3 groups, 3 each) for 8 rows"),
    ("y ~ (1 | g) + (x | g)", "The group terms hold 'Intercept | g' more than once"),
    ("y ~ (1 | g) + (1 | g/h)", "The group terms hold 'Intercept | g' more than once"),
    ("y ~ when", "'when' holds dates or times"),
    ("when ~ x", "The response 'when' is of type Date"),
    ("job['nurse'] ~ x", "'job' never holds 'nurse'"),
    ("job / tries ~ x", "'job' holds successes, which are numbers, and 'clerk' in row 1"),
    ("censored(job, flag) ~ x", "'job' holds times, which are numbers"),
    (
        "censored(y, g) ~ x",
        "'g' says which times were observed: true/false or 1/0 are needed, and it holds '2', '10'",
    ),
    ("censored(y, job['nurse']) ~ x", "'job' never holds 'nurse'"),
    ("poly(y, 2) ~ x", "is not one value for each row"),
    ("y ~ x + offset(job)", "is not one number for each row"),
]


@pytest.mark.parametrize(("formula", "words"), REFUSED)
def test_the_columns_of_a_formula(formula, words):
    if words == "DataError":  # numbers that are whole are groups, as floats too
        assert prepare_formula(formula, ROWS).rows.groups[0].levels == ("1", "2", "3", "4", "5", "6", "7", "9")
        return
    with pytest.raises(DataError) as caught:
        prepare_formula(formula, ROWS)
    assert words in str(caught.value)


def test_several_problems_are_told_at_once():
    with pytest.raises(DataError, match=r"(?s)There are 3 problems.*'one'.*log\(share\).*'same'"):
        prepare_formula("y ~ one + log(share) + same", ROWS)


@pytest.mark.parametrize("formula", ["", "  ", None, 3, "y ~ x" + " " * 30_000])
def test_what_is_no_formula(formula):
    with pytest.raises(ArgumentError, match="formula"):
        prepare_formula(formula, ROWS)


def test_arguments():
    with pytest.raises(ArgumentError, match="missing='impute' is none of 'refuse', 'drop'"):
        prepare_formula("y ~ x", ROWS, missing="impute")
    with pytest.raises(DataError, match="an array was received"):
        prepare_formula("y ~ x", ROWS.select("x", "y").to_numpy())
    with pytest.raises(DataError, match="Every row has a missing value"):
        prepare_formula("y ~ x", ROWS.with_columns(x=pl.lit(None)), missing="drop")
    with pytest.raises(ArgumentError, match="No column is left that"):
        prepare_formula("y ~ .", ROWS.select("y"))


def test_more_columns_than_rows_are_for_the_prior_to_decide():
    rng = np.random.default_rng(0)
    wide = pl.DataFrame({f"x{j}": rng.normal(size=20) for j in range(400)}).with_columns(
        y=pl.Series(rng.normal(size=20))
    )
    assert prepare_formula("y ~ .", wide).rows.X.shape == (20, 401)
    assert prepare_formula("y ~ " + " + ".join(wide.columns[:-1]), wide).rows.X.shape == (20, 401)


def test_row_numbers_are_no_predictors():
    rows = pl.DataFrame({"id": range(30), "x": np.sin(np.arange(30.0)), "y": np.cos(np.arange(30.0))})
    with pytest.raises(DataError, match="'id' seems to number the rows"):
        prepare_formula("y ~ .", rows)
    assert prepare_formula("y ~ id", rows).design.names == ("Intercept", "id")


def test_numbers_and_text_mixed_are_categories_where_they_are_few():
    rows = pl.DataFrame({"n": ["0", "1", "2", "3+"] * 10, "y": np.arange(40.0)})
    assert prepare_formula("y ~ n", rows).design.names == ("Intercept", "n[1]", "n[2]", "n[3+]")
    typed = rows.with_columns(n=pl.Series([*[str(i) for i in range(39)], "unknown"]))
    with pytest.raises(DataError, match="39 of its 40 values are numbers"):
        prepare_formula("y ~ n", typed)


SIGNS = [*"~+-*/:()|.,=[]{}<%!^$0123", "**", "||", "==", "é", "1e3", '"', "`", "True", "None"]
NAMES = ["y", "x", "z", "job", "own", "g", "h", "hits", "xx", "`my col`", "'cook'", "(1 | g)", "(x | g)", "c(1, 2)"]
CALLED = ["log(", "I(", "C(", "S(", "cr(", "offset(", "censored(", "where(", "np.exp(", "I.__class__("]
WHOLE = ["poly(x, 2)", "bs(x, df=4)", "p(hits, tries)", "T(job, ref='cook')"]
PIECES = [*SIGNS, *NAMES, *CALLED, *WHOLE]


@settings(max_examples=600)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(["", "y ~ ", "y ~ x + "]), st.booleans())
def test_no_formula_ends_in_an_error_of_another_library(pieces, begun, apart):
    try:
        data = prepare_formula(begun + (" " if apart else "").join(pieces), ROWS.drop("when"))
    except TautError:
        return
    again = FormulaDesign.from_json(json.loads(json.dumps(data.design.to_json())))
    np.testing.assert_allclose(again.rows(ROWS).X, data.rows.X, rtol=1e-12, atol=1e-12)
    assert np.isfinite(data.rows.X).all()


@settings(max_examples=200)
@given(st.text(max_size=30), st.booleans())
def test_no_text_does(text, begun):
    with contextlib.suppress(TautError):
        prepare_formula("y ~ " * begun + text, ROWS)


SAVED = prepare_formula(
    "log(y + 1) ~ z*job + cr(x, df=3) + poly(code, 2) + S(h) + offset(center(x)) + (x | g/own)",
    pl.concat(
        [TABLE, TABLE.with_columns(x=TABLE["x"] + 0.5, z=TABLE["z"] - 0.3), TABLE.with_columns(h=TABLE["h"][::-1])]
    ),
).design.to_json()


def leaves(saved, path=()):
    yield path
    inner = saved.items() if isinstance(saved, dict) else enumerate(saved) if isinstance(saved, list | tuple) else ()
    for name, value in inner:
        yield from leaves(value, (*path, name))


def changed(saved, path, value):
    saved = json.loads(json.dumps(saved))
    if not path:
        return value
    place = saved
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = copy.deepcopy(value)
    return saved


PATHS = list(leaves(json.loads(json.dumps(SAVED))))
HOSTILE = ["x", "__import__('os').system('true')", "I.__class__(x)", "eval('1')"]
WRONG = [None, True, -1, 0.5, 1e308, *HOSTILE, [], [[]], ["x"], {}, {"x": 1}, [1.0, 2.0], float("nan")]


@settings(max_examples=800)
@given(st.sampled_from(PATHS), st.sampled_from(WRONG))
def test_a_record_that_was_changed_is_refused_or_harmless(path, value):
    try:
        design = FormulaDesign.from_json(changed(SAVED, path, value))
    except SavedFitError:
        return
    try:
        design.rows(TABLE, new_groups="mean")
    except TautError:
        return
    design.raw_scale()


def test_a_record_that_calls_anything_else_is_refused():
    saved = json.loads(json.dumps(SAVED))
    saved["components"][[c["name"] for c in saved["components"]].index("x")] |= {"name": "np.load('x')", "called": True}
    for term in (*saved["terms"], *(t for g in saved["groups"] for t in g["terms"])):
        term["components"] = ["np.load('x')" if name == "x" else name for name in term["components"]]
    with pytest.raises(TautError, match="There is no function 'np.load'"):
        FormulaDesign.from_json(saved).rows(TABLE, new_groups="mean")

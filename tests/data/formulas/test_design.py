"""Designs by hand: columns, names, groups, responses, offsets, exactly."""

import json

import numpy as np
import polars as pl
import pytest

from taut.data import FormulaDesign, prepare_formula
from taut.data.formulas.facts import facts
from taut.data.tables.choices import Columns
from taut.errors import ArgumentError, DataError

X = np.array([1.0, 2.0, 4.0, 7.0, 3.0, 5.0, 6.0, 9.0])
Z = np.array([0.5, -1.0, 2.0, 0.0, 1.0, 3.0, -2.0, 0.25])
JOB = ["clerk", "baker", "cook", "baker", "clerk", "cook", "baker", "cook"]
TABLE = pl.DataFrame(
    {
        "y": [1.0, 2.0, 0.0, 1.0, 4.0, 2.0, 3.0, 1.0],
        "x": X,
        "z": Z,
        "code": [10, 9, 10, 11, 9, 9, 11, 10],
        "flag": [0, 1, 1, 0, 0, 1, 0, 1],
        "own": [True, False, False, True, True, False, True, True],
        "job": JOB,
        "g": [2, 10, 1, 2, 10, 1, 2, 10],
        "h": ["b", "a", "b", "a", "b", "a", "b", "b"],
        "hits": [1, 2, 0, 3, 1, 2, 2, 0],
        "tries": [3, 4, 2, 3, 5, 2, 2, 1],
        "my col": Z[::-1] * 2,
    }
)


def std(values):
    values = np.asarray(values, float)
    return (values - values.mean()) / values.std()


def is_(level, values=JOB):
    return np.array([value == level for value in values], float)


ONE = np.ones(8)
OWN = TABLE["own"].to_numpy().astype(float)
DESIGNS = {
    "x": {"Intercept": ONE, "x": std(X)},
    "0 + x": {"x": X / X.std()},  # through the origin
    "x - 1": {"x": X / X.std()},
    "-1 + x": {"x": X / X.std()},
    "0 + own + x": {"own[false]": 1 - OWN, "own[true]": OWN, "x": std(X)},
    "1": {"Intercept": ONE},
    "flag": {"Intercept": ONE, "flag": std(TABLE["flag"])},
    "own": {"Intercept": ONE, "own[true]": OWN},
    "I(x > 4)": {"Intercept": ONE, "I(x > 4)[true]": (X > 4) * 1.0},
    "I(x**2)": {"Intercept": ONE, "I(x**2)": std(X**2)},
    "I(x^2)": {"Intercept": ONE, "I(x^2)": std(X**2)},
    "(x + z)^2 - x:z": {"Intercept": ONE, "x": std(X), "z": std(Z)},
    "{ x ** 2 }": {"Intercept": ONE, "I(x**2)": std(X**2)},
    "I((x+z)*2) + I(x+z*2)": {"Intercept": ONE, "I((x + z)*2)": std(X + Z), "I(x + z*2)": std(X + 2 * Z)},
    "np.log(x) + sqrt(x)": {"Intercept": ONE, "np.log(x)": std(np.log(X)), "sqrt(x)": std(np.sqrt(X))},
    "center(x):scale(z)": {"Intercept": ONE, "center(x):scale(z)": std(X) * std(Z)},
    "I(scale(x)**2)": {"Intercept": ONE, "I(scale(x)**2)": std(std(X) ** 2)},
    "job": {"Intercept": ONE, "job[clerk]": is_("clerk"), "job[cook]": is_("cook")},
    "0 + job": {"job[baker]": is_("baker"), "job[clerk]": is_("clerk"), "job[cook]": is_("cook")},
    "T(job, 'cook')": {"Intercept": ONE, "job[baker]": is_("baker"), "job[clerk]": is_("clerk")},
    "C(job, Treatment('cook'))": {"Intercept": ONE, "job[baker]": is_("baker"), "job[clerk]": is_("clerk")},
    "S(job)": {
        "Intercept": ONE,
        "S(job)[baker]": is_("baker") - is_("cook"),
        "S(job)[clerk]": is_("clerk") - is_("cook"),
    },
    # levels of numbers go as text: 10 before 11 before 9
    "C(code)": {"Intercept": ONE, "code[11]": TABLE["code"] == 11, "code[9]": TABLE["code"] == 9},
    "C(code, levels=c(9, 10, 11))": {
        "Intercept": ONE,
        "code[10]": TABLE["code"] == 10,
        "code[11]": TABLE["code"] == 11,
    },
    "binary(job, 'cook')": {"Intercept": ONE, 'binary(job, "cook")[true]': is_("cook")},
    "x*job": {
        "Intercept": ONE,
        "x": std(X),
        "job[clerk]": is_("clerk"),
        "job[cook]": is_("cook"),
        "x:job[clerk]": std(X) * is_("clerk"),
        "x:job[cook]": std(X) * is_("cook"),
    },
    "job + job:x": {
        "Intercept": ONE,
        "job[clerk]": is_("clerk"),
        "job[cook]": is_("cook"),
        "job[baker]:x": std(X) * is_("baker"),
        "job[clerk]:x": std(X) * is_("clerk"),
        "job[cook]:x": std(X) * is_("cook"),
    },
    "x:z": {"Intercept": ONE, "x:z": std(X) * std(Z)},
    "(x + z)**2": {"Intercept": ONE, "x": std(X), "z": std(Z), "x:z": std(X) * std(Z)},
    "x/own": {"Intercept": ONE, "x": std(X), "x:own[true]": std(X) * OWN},
    "`my col`": {"Intercept": ONE, "my col": std(Z[::-1])},
    "x + x + z - z": {"Intercept": ONE, "x": std(X)},
    "poly(x, 2, raw=True)": {"Intercept": ONE, "poly(x, 2, raw=True)[0]": std(X), "poly(x, 2, raw=True)[1]": std(X**2)},
}


@pytest.mark.parametrize("terms", DESIGNS)
def test_the_fixed_terms_by_hand(terms):
    data = prepare_formula(f"y ~ {terms}", TABLE)
    expected = DESIGNS[terms]
    assert data.design.names == tuple(expected)
    assert data.rows.X.dtype == np.float64
    np.testing.assert_allclose(data.rows.X, np.column_stack(list(expected.values())), rtol=1e-12, atol=1e-12)


def test_polynomials_and_splines_have_standardised_columns_that_span_the_same():
    data = prepare_formula("y ~ poly(x, 2)", TABLE)
    columns = data.rows.X[:, 1:]
    np.testing.assert_allclose(columns.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(columns.std(0), 1, rtol=1e-12)
    np.testing.assert_allclose(columns.T @ columns / 8, np.eye(2), atol=1e-12)
    raw = np.column_stack([ONE, X, X**2])
    assert np.linalg.matrix_rank(np.column_stack([raw, data.rows.X]), tol=1e-8) == 3
    for spline, width in (("bs(x, df=4)", 4), ("cr(x, df=3)", 3), ("tp(x, df=3)", 3), ("cc(x, period=12, df=3)", 3)):
        columns = prepare_formula(f"y ~ {spline}", TABLE).rows.X[:, 1:]
        assert columns.shape == (8, width)
        np.testing.assert_allclose([columns.mean(0), columns.std(0)], [np.zeros(width), np.ones(width)], atol=1e-12)


def groups_of(terms):
    return [(g.name, g.levels, g.terms, g.index.tolist()) for g in prepare_formula(f"y ~ {terms}", TABLE).rows.groups]


G, H = ("1", "2", "10"), ("a", "b")
OF_G, OF_H = [1, 2, 0, 1, 2, 0, 1, 2], [1, 0, 1, 0, 1, 0, 1, 1]
G_H = ("1:a", "1:b", "2:a", "2:b", "10:a", "10:b")
OF_G_H = [3, 4, 1, 2, 5, 0, 3, 5]
ALONE, SLOPE = ("Intercept",), ("Intercept", "x")
GROUPS = {
    "(1 | g)": [("g", G, ALONE, OF_G)],
    "(x | g)": [("g", G, SLOPE, OF_G)],
    "(1 + x | g)": [("g", G, SLOPE, OF_G)],
    "(0 + x | g)": [("g", G, ("x",), OF_G)],
    "(x - 1 | g)": [("g", G, ("x",), OF_G)],
    "(x || g)": [("g", G, ALONE, OF_G), ("g", G, ("x",), OF_G)],
    "(0 + x || g)": [("g", G, ("x",), OF_G)],
    "(1 | g) + (0 + x | g)": [("g", G, ALONE, OF_G), ("g", G, ("x",), OF_G)],
    "(own || h)": [("h", H, ALONE, OF_H), ("h", H, ("own[true]",), OF_H)],
    "(0 + own | h)": [("h", H, ("own[false]", "own[true]"), OF_H)],
    "(own | h)": [("h", H, ("Intercept", "own[true]"), OF_H)],
    "(1 | g) + (1 | h)": [("g", G, ALONE, OF_G), ("h", H, ALONE, OF_H)],
    "(1 | g + h)": [("g", G, ALONE, OF_G), ("h", H, ALONE, OF_H)],
    "(1 | g:h)": [("g:h", G_H, ALONE, OF_G_H)],
    "(1 | g/h)": [("g", G, ALONE, OF_G), ("g:h", G_H, ALONE, OF_G_H)],
    "(1 | g*h)": [("g", G, ALONE, OF_G), ("h", H, ALONE, OF_H), ("g:h", G_H, ALONE, OF_G_H)],
    "(1 | C(g))": [("g", G, ALONE, OF_G)],
    "x + (1 | g) + z": [("g", G, ALONE, OF_G)],
    "(1|own)": [("own", ("false", "true"), ALONE, OWN.astype(int).tolist())],
}


@pytest.mark.parametrize("terms", GROUPS)
def test_the_group_terms_by_hand(terms):
    assert groups_of(terms) == GROUPS[terms]


def test_only_combinations_that_occur_are_groups():
    rows = pl.DataFrame({"y": [1.0, 2, 3, 4], "g": ["a", "a", "b", "c"], "h": ["u", "v", "u", "u"]})
    assert prepare_formula("y ~ (1 | g:h)", rows).rows.groups[0].levels == ("a:u", "a:v", "b:u", "c:u")


def test_slopes_within_groups_use_coded_columns():
    group = prepare_formula("y ~ job + (0 + x*own | h)", TABLE).rows.groups[0]
    assert group.terms == ("x", "own[false]", "own[true]", "x:own[true]")
    np.testing.assert_allclose(group.Z, np.column_stack([std(X), 1 - OWN, OWN, std(X) * OWN]), atol=1e-12)


def test_the_dot_is_every_other_column():
    rows = TABLE.drop("my col", "code")
    data = prepare_formula("hits / tries ~ . - y + (1 | g) + offset(z)", rows)
    assert data.design.names == ("Intercept", "x", "flag", "own[true]", "job[clerk]", "job[cook]", "h[b]")
    assert data.unused == ("y",)
    few = prepare_formula("y ~ .", TABLE.select("y", "x", "my col"))
    assert few.design.names == ("Intercept", "x", "my col")
    assert prepare_formula("y ~ . + I(x**2)", TABLE.select("y", "x")).design.names == ("Intercept", "x", "I(x**2)")
    dropped = prepare_formula("y ~ .", TABLE.select("y", "x", "z"), columns=Columns(drop="z"))
    assert dropped.design.names == ("Intercept", "x")
    assert prepare_formula("y ~ .*own", TABLE.select("y", "x", "own")).design.names[-1] == "x:own[true]"


def test_columns_may_be_said_to_be_categories():
    data = prepare_formula("y ~ code", TABLE, columns=Columns(categorical="code"))
    assert data.design.names == ("Intercept", "code[11]", "code[9]")


def test_declared_orders_are_kept():
    order = pl.Enum(["low", "high", "mid"])
    rows = pl.DataFrame({"y": [1.0, 2, 3, 4], "a": pl.Series(["mid", "low", "high", "low"], dtype=order)})
    for terms in ("a", "C(a)"):
        assert prepare_formula(f"y ~ {terms}", rows).design.names == ("Intercept", "a[high]", "a[mid]")


RESPONSES = {
    "y": ("y", "column", None),
    "(y)": ("y", "column", None),
    "job['cook']": ("job", "column", "cook"),
    "job[cook]": ("job", "column", "cook"),
    'binary(job, "cook")': ("job", "column", "cook"),
    "C(code)": ("code", "column", None),
    "`my col`": ("my col", "column", None),
    "hits / tries": ("hits / tries", "proportion", None),
    "p(hits, tries)": ("hits / tries", "proportion", None),
    "proportion(hits, 9)": ("hits / 9", "proportion", None),
    "censored(y, flag)": ("y", "censored", None),
    "log(y + 1)": ("log(y + 1)", "expression", None),
}


@pytest.mark.parametrize("left", RESPONSES)
def test_the_response(left):
    data = prepare_formula(f"{left} ~ x", TABLE)
    response = data.rows.response
    assert (response.name, data.design.response.kind, response.success) == RESPONSES[left]
    if "hits" in left:
        assert response.values.to_list() == TABLE["hits"].to_list()
        assert response.trials.tolist() == ([9] * 8 if "9" in left else TABLE["tries"].to_list())
    elif "censored" in left:
        assert response.event.tolist() == TABLE["flag"].to_list()
    elif "log" in left:
        np.testing.assert_allclose(response.values, np.log(TABLE["y"].to_numpy() + 1))
    else:
        assert response.values.to_list() == TABLE[response.name].to_list()


def test_events_may_be_named():
    assert prepare_formula("censored(y, job['cook']) ~ x", TABLE).rows.response.event.tolist() == is_("cook").tolist()
    assert prepare_formula("censored(y, own) ~ x", TABLE).rows.response.event.tolist() == OWN.tolist()


def test_an_expression_of_the_response_may_be_true_or_false():
    values = prepare_formula("I(y > 1) ~ x", TABLE).rows.response.values
    assert values.dtype == pl.Boolean
    assert values.to_list() == (TABLE["y"] > 1).to_list()


@pytest.mark.parametrize("terms", ["x + offset(log(tries))", "offset(log(tries)) + x + offset(z)", "x + offset(2*z)"])
def test_offsets_are_summed_as_they_are(terms):
    data = prepare_formula(f"hits ~ {terms}", TABLE)
    expected = {"z)": np.log(TABLE["tries"].to_numpy()) + Z, "*z": 2 * Z}.get(
        terms[-2:], np.log(TABLE["tries"].to_numpy())
    )
    expected = 2 * Z if "2*z" in terms else expected
    np.testing.assert_allclose(data.rows.offset, expected, rtol=1e-14)
    assert data.design.names == ("Intercept", "x")


def test_weights_are_counts():
    weights = [1, 0, 2, 1, 3, 1, 0, 2]
    repeated = TABLE[np.repeat(np.arange(8), weights).tolist()]
    formula = "y ~ bs(x, df=3) + I(center(z)**2) + (x | h)"
    once, often = prepare_formula(formula, TABLE, weights=weights), prepare_formula(formula, repeated)
    assert once.rows.kept.tolist() == [w > 0 for w in weights]
    assert once.weights.tolist() == [w for w in weights if w]
    assert once.left_out[0] == ("a weight above zero", 2)
    places = [list(repeated["x"]).index(x) for x, w in zip(X, weights, strict=True) if w]
    np.testing.assert_allclose(once.rows.X, often.rows.X[places], rtol=1e-12)
    np.testing.assert_allclose(once.rows.groups[0].Z, often.rows.groups[0].Z[places], rtol=1e-12)
    assert once.rows.groups[0].levels == often.rows.groups[0].levels


def test_a_row_of_weight_zero_is_not_looked_at():
    rows = TABLE.with_columns(
        x=pl.when(pl.col("x") == 9).then(None).otherwise(pl.col("x")), h=pl.Series([*"bababab", "zz"])
    )
    data = prepare_formula("y ~ x + h", rows, weights=[1] * 7 + [0])
    assert data.design.names == ("Intercept", "x", "h[b]")


def test_missing_values_are_counted_or_dropped():
    rows = TABLE.with_columns(
        x=pl.Series([None, *X[1:]]), job=pl.Series([*JOB[:7], None]), y=pl.Series([1.0, None, *[2.0] * 6])
    )
    with pytest.raises(
        DataError, match=r"Missing values in 'y' \(1\), 'x' \(1\), 'job' \(1\), in 3 of 8 rows"
    ) as caught:
        prepare_formula("y ~ x + job + (1 | g)", rows)
    assert "impute" not in str(caught.value)
    data = prepare_formula("y ~ x + job + (1 | g)", rows, missing="drop")
    assert data.design.dropped == 3
    assert data.rows.kept.tolist() == [False, False, True, True, True, True, True, False]
    np.testing.assert_allclose(data.rows.X[:, 1], std(X[2:7]))
    assert data.rows.groups[0].levels == G
    assert prepare_formula("y ~ z", rows.with_columns(y=TABLE["y"])).design.dropped == 0  # others do not matter


def test_json_round_trip_is_exact():
    for terms in [*DESIGNS, *GROUPS, "cr(x, df=3) + offset(z)", "bs(x, df=4)", "tp(x, df=3)", "cc(x, period=12, df=3)"]:
        data = prepare_formula(f"hits / tries ~ {terms}", TABLE)
        again = FormulaDesign.from_json(json.loads(json.dumps(data.design.to_json())))
        assert again == data.design
        rows = again.rows(TABLE)
        np.testing.assert_allclose(rows.X, data.rows.X, rtol=1e-12, atol=1e-12)
        for new, old in zip(rows.groups, data.rows.groups, strict=True):
            np.testing.assert_array_equal(new.index, old.index)
            np.testing.assert_allclose(new.Z, old.Z, rtol=1e-12, atol=1e-12)


def test_names_mean_columns():
    design = prepare_formula("y ~ x*job + C(code)", TABLE).design
    assert design.names[:5] == ("Intercept", "x", "job[clerk]", "job[cook]", "x:job[clerk]")
    places = {name: design.places(name) for name in ("Intercept", "x", "job", "job[cook]", "x:job", "code", "C(code)")}
    assert list(places.values()) == [(0,), (1,), (2, 3), (3,), (4, 5), (6, 7), (6, 7)]
    with pytest.raises(ArgumentError, match="no term 'jobs'. Did you mean 'job'"):
        design.places("jobs")


def test_what_became_of_the_table_is_said():
    rows = TABLE.with_columns(x=pl.Series([None, *X[1:]]))
    found = facts(prepare_formula("y ~ x + S(job) + own + offset(z) + (1 | g/h)", rows, missing="drop"))
    assert found["rows"] == "8 read, 7 used, 1 without a value in a column of the formula"
    assert (
        found["categories"]
        == "'S(job)' became 2 columns, against the mean of all, 'own' became 1 column, against 'false'"
    )
    assert found["groups"].startswith("'g' has 3 groups, of 2 to 3 rows, 'g:h' has 6 groups, of 1 to 2 rows")
    assert found["offset"] == "'z'"
    assert "interactions" not in found
    assert facts(prepare_formula("y ~ x:z", TABLE))["interactions"].startswith("'x:z' without main effects")

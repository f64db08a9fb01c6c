"""New rows go the way that was learned: moments, levels, transforms, groups; and coefficients find the raw scale."""

import contextlib
import io

import numpy as np
import polars as pl
import pytest

from taut.data import FormulaDesign, prepare_formula, read_table
from taut.errors import ArgumentError, DataError

from .test_design import TABLE

WIDE = TABLE.select(pl.all().repeat_by(4).explode()).with_columns(x=np.linspace(1, 9, 32), z=np.sin(np.arange(32.0)))


@pytest.fixture(scope="module")
def learned():
    return prepare_formula("y ~ x + job + I(x**2) + own + C(code) + offset(x) + (1 + x | g) + (1 | g:h)", WIDE)


def test_saved_moments_and_levels_are_used(learned):
    every = learned.rows
    some = learned.design.rows(WIDE[[30, 3, 11]].drop("y"))
    assert some.response is None
    np.testing.assert_allclose(some.X, every.X[[30, 3, 11]], rtol=1e-14)
    np.testing.assert_allclose(some.offset, every.offset[[30, 3, 11]])
    for new, old in zip(some.groups, every.groups, strict=True):
        assert new.index.tolist() == old.index[[30, 3, 11]].tolist()
        np.testing.assert_allclose(new.Z, old.Z[[30, 3, 11]])
        assert new.unseen == ()


@pytest.mark.parametrize(
    "call",
    [
        "center(x)",
        "I(scale(x)**2)",
        "poly(x, 3)",
        "poly(x, degree=2, raw=True)",
        "bs(x, df=5)",
        "bs(x, knots=c(3, 6), degree=2)",
        "cr(x, df=4)",
        "cr(x, df=4, center=False) - 1",
        "cc(x, period=10, df=4)",
        "tp(x, df=4)",
        "bs(scale(x), df=4)",
    ],
)
def test_transforms_remember(call):
    data = prepare_formula(f"y ~ {call}", WIDE)
    one = FormulaDesign.from_json(data.design.to_json()).rows(WIDE[[7]])
    np.testing.assert_allclose(one.X, data.rows.X[[7]], rtol=1e-12, atol=1e-12)
    assert np.isfinite(data.design.rows(WIDE[[7]].with_columns(x=pl.lit(8.5))).X).all()


def test_a_response_may_be_missing_in_part(learned):
    rows = WIDE.with_columns(y=pl.Series([None, *WIDE["y"][1:]]))
    assert learned.design.rows(rows).response.values.null_count() == 1
    logged = prepare_formula("log(y + 1) ~ x", WIDE)
    values = logged.design.rows(rows).response.values
    assert values[0] is None
    np.testing.assert_allclose(values[1:], np.log(WIDE["y"][1:] + 1))
    proportion = prepare_formula("hits / tries ~ x", WIDE)
    assert proportion.design.rows(WIDE.drop("hits")).response.values is None
    assert proportion.design.rows(WIDE.drop("hits")).response.trials.tolist() == WIDE["tries"].to_list()
    assert proportion.design.rows(WIDE.drop("hits", "tries")).response is None


def test_new_groups_are_a_choice(learned):
    rows = WIDE[[0, 5, 9, 13]].with_columns(g=pl.Series([2, 77, 10, 77]), h=pl.Series(["b", "a", "zz", "b"]))
    with pytest.raises(DataError, match=r"'g' holds '77', which the fit has not seen.*new_groups='sample'"):
        learned.design.rows(rows)
    with pytest.raises(ArgumentError, match="new_groups='draw' is none of"):
        learned.design.rows(rows, new_groups="draw")
    g, g_h = learned.design.rows(rows, new_groups="sample").groups
    assert g.index.tolist() == [1, -1, 2, -1]
    assert (g.unseen, g.fresh.tolist()) == (("77",), [-1, 0, -1, 0])
    assert (g_h.unseen, g_h.fresh.tolist()) == (("10:zz", "77:a", "77:b"), [-1, 1, 0, 2])
    assert (g.Z[:, 0] == 1).all()
    g, g_h = learned.design.rows(rows, new_groups="mean").groups
    assert g.index.tolist() == [1, -1, 2, -1]
    assert g.Z[:, 0].tolist() == [1, 0, 1, 0]
    assert g.Z[1].tolist() == [0, 0]
    assert g_h.Z[:, 0].tolist() == [1, 0, 0, 0]


REFUSED = {
    "an unseen level": (pl.lit("nurse").alias("job"), r"'job' holds 'nurse', which the fit has not seen"),
    "an unseen number": (pl.lit(12).alias("code"), r"'C\(code\)' holds '12', which the fit has not seen"),
    "text": (pl.lit("much").alias("x"), r"'x' held numbers in the fit, and holds 'much'"),
    "missing": (pl.when(pl.col("z") > 0).then("x").alias("x"), r"Missing values in 'x' \(\d+\)"),
    "infinite": (pl.lit(float("inf")).alias("x"), r"is not a finite number in 32 of 32 rows"),
    "a group that is no whole number": (pl.lit(2.5).alias("g"), "numbers that are not whole"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_new_rows_cannot_hold(what, learned):
    change, words = REFUSED[what]
    with pytest.raises(DataError, match=words):
        learned.design.rows(WIDE.with_columns(change))


def test_absent_columns_are_named(learned):
    with pytest.raises(DataError, match="Columns that the fit used are missing: 'job', 'h'."):
        learned.design.rows(WIDE.drop("job", "h", "z"))


def test_incomplete_rows_are_dropped_where_the_fit_dropped_them():
    data = prepare_formula("y ~ x", WIDE, missing="drop")
    rows = data.design.rows(WIDE[:3].with_columns(x=pl.Series([1.0, None, 2.0])))
    assert rows.kept.tolist() == [True, False, True]
    assert rows.X.shape == (2, 2)
    assert rows.response.values.to_list() == WIDE["y"][[0, 2]].to_list()


def test_files_of_text_are_read_by_what_was_learned(tmp_path, learned):
    WIDE.write_csv(tmp_path / "new.csv")
    rows = learned.design.rows(read_table(tmp_path / "new.csv", text=True))
    np.testing.assert_allclose(rows.X, learned.rows.X, rtol=1e-12)
    assert rows.groups[1].index.tolist() == learned.rows.groups[1].index.tolist()
    assert rows.response.values.to_list() == WIDE["y"].to_list()


def test_pandas_is_a_table_too(learned):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({name: WIDE[name].to_list() for name in WIDE.columns})
    frame["job"] = frame["job"].astype("category")
    data = prepare_formula("y ~ x + job + I(x**2) + own + C(code) + offset(x) + (1 + x | g) + (1 | g:h)", frame)
    np.testing.assert_array_equal(data.rows.X, learned.rows.X)
    np.testing.assert_array_equal(learned.design.rows(frame).X, learned.rows.X)


def test_nothing_is_printed_or_logged(caplog):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        prepare_formula("y ~ x*own + bs(z, df=5, intercept=False) + (1 | g)", WIDE)
        with pytest.raises(DataError):
            prepare_formula("y ~ bs(x) + log(z)", WIDE)
    assert out.getvalue() == ""
    assert caplog.records == []


RAW = {
    "x": (),
    "x*z": (),
    "x*z*own": (),
    "x + I(x**2) + log(x)": (),
    "x*job": (),
    "job + job:x": (),  # the means go to the levels of job
    "0 + job + x": (),
    "S(job)*x": (),
    "poly(x, 2) + z": (),
    "0 + x + z": (),
    "0 + x*z": (),
    "x:z": ("x:z",),
    "x + x:z": ("x:z",),
    "x/job": ("x:job[clerk]", "x:job[cook]"),
    "z + x:own": ("x:own[false]", "x:own[true]"),
}


@pytest.mark.parametrize("terms", RAW)
def test_coefficients_find_the_raw_scale(terms):
    """The predictor is the same with raw columns; what cannot be mapped stays as it is."""
    design = prepare_formula(f"y ~ {terms}", WIDE).design
    scale = design.raw_scale()
    assert scale.names == design.names
    assert scale.left == RAW[terms]
    coded = design.rows(WIDE).X
    plain = design.to_json()
    for component in plain["components"]:  # the columns as they are
        component["shift"], component["scale"] = [0.0] * len(component["shift"]), [1.0] * len(component["scale"])
    raw = FormulaDesign.from_json(plain).rows(WIDE).X
    left = [scale.names.index(name) for name in scale.left]
    raw[:, left] = coded[:, left]
    beta = np.arange(1.0, len(scale.names) + 1)
    np.testing.assert_allclose(raw @ (scale.matrix @ beta), coded @ beta, rtol=1e-9, atol=1e-9)


def test_group_effects_find_the_raw_scale():
    design = prepare_formula("y ~ x + (x | g) + (z || h) + (0 + x | h)", WIDE).design
    correlated, intercept, slope, alone = design.group_raw_scales()
    m, s = WIDE["x"].mean(), WIDE["x"].std(ddof=0)
    np.testing.assert_allclose(correlated.matrix, [[1, -m / s], [0, 1 / s]])
    assert (intercept.names, intercept.left, intercept.matrix.tolist()) == (("Intercept",), (), [[1.0]])
    assert (slope.names, slope.left) == (("z",), ("z",))
    assert alone.left == ("x",)
    assert len(design.rows(WIDE).groups) == 4

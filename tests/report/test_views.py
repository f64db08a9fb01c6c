"""What results show of themselves in a notebook, and the figures of a page one by one."""

import pickle

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

import taut
from taut.diagnostics.calibration import calibration
from taut.errors import ArgumentError
from taut.report import sections

HARMFUL = ("<script", "onerror", "http://", "https://")


def checked(html, most=12_000):
    assert len(html) < most
    for part in HARMFUL:
        assert part not in html
    return html


def test_a_fit_is_shown_by_the_head_of_its_page(fit, loans, tmp_path):
    html = checked(fit._repr_html_())
    page = taut.report.page(fit, tmp_path / "page.html", loans).read_text(encoding="utf-8")
    for line in html.partition("Figures:")[0].partition("</style>")[2].splitlines()[:-1]:
        assert line in page


@pytest.mark.parametrize("name", ["fit", "noisy"])
def test_the_text_of_a_fit_is_a_few_lines(name, request):
    text = repr(request.getfixturevalue(name))
    assert len(text.splitlines()) <= 4
    assert len(text) < 500


def test_the_text_of_a_latent_fit_is_a_few_lines_too():
    import jax.numpy as jnp

    model = taut.models.LatentVariableModel(lambda z: jnp.zeros(8), latent=2)
    fit = taut.fit(model, np.eye(8, dtype=np.float32), steps=2)
    assert len(repr(fit)) < 600
    checked(fit._repr_html_())
    assert isinstance(fit.plot("training"), Figure)
    with pytest.raises(ArgumentError, match="reconstructions"):
        fit.plot("forest")


def test_a_verdict_and_a_calibration_are_shown(fit):
    assert "trust: <strong>" in checked(fit.verdict._repr_html_())
    assert repr(fit.verdict) == f"Verdict: {fit.verdict}"
    found = calibration(("a", "b"), np.random.default_rng(0).integers(0, 50, (40, 2)), 49)
    assert repr(found) == f"Calibration: {found}"
    checked(found._repr_html_(), 200_000)


NAMES = {
    "fit": ["forest", "trace", "calibration", "probability", "sd"],
    "noisy": ["forest", "trace", "gradient_noise"],
}


@pytest.mark.parametrize(("name", "figure"), [(name, figure) for name, all_of in NAMES.items() for figure in all_of])
def test_each_figure_of_the_page_is_had_by_its_name(name, figure, loans, request):
    of = request.getfixturevalue(name)
    drawn = of.plot(figure, loans if name == "fit" else None)
    assert isinstance(drawn, Figure)
    assert drawn.axes
    assert drawn._repr_png_().startswith(b"\x89PNG"), "what a notebook shows"


def test_no_name_draws_the_first(noisy):
    first = noisy.plot()
    assert len(first.axes) == len(noisy.plot("forest").axes)


def test_a_wrong_name_is_answered_with_the_right_ones(fit):
    with pytest.raises(ArgumentError, match=r"'forest', 'trace', .*Did you mean 'forest'") as raised:
        fit.plot("forrest")
    assert "probability" in str(raised.value)


def test_a_figure_of_data_asks_for_them(fit):
    with pytest.raises(ArgumentError, match="needs the data.*data="):
        fit.plot("calibration")


def test_a_figure_that_has_nothing_to_draw_says_so(fit):
    with pytest.raises(ArgumentError, match="nothing to draw"):
        fit.plot("gradient_noise")


def test_every_section_with_a_figure_names_it():
    for part in (*sections.POSTERIOR, *sections.FORMULA, *sections.LATENT):
        for figure in part.figures:
            assert figure in taut.Fit.plot.__doc__


def test_a_prediction_becomes_a_table_of_the_kind_that_came_in(fit, loans):
    X = loans[0][10:20]
    prediction = fit.predict(X)
    frame = prediction.to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == ["probability", "sd", "lower", "upper"]
    np.testing.assert_array_equal(frame["sd"], prediction.sd)
    probability, *_ = prediction
    np.testing.assert_array_equal(probability, frame["probability"])
    assert isinstance(prediction, taut.models.Prediction)
    assert len(repr(prediction).splitlines()) < 25
    checked(prediction._repr_html_())
    again = pickle.loads(pickle.dumps(prediction))
    np.testing.assert_array_equal(again.probability, probability)


def test_a_pandas_table_gives_one_with_its_index(fit, loans):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(loans[0][:12].to_dict(as_series=False), index=[f"row {i}" for i in range(12)])
    frame = fit.predict(X).to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.index) == [f"row {i}" for i in range(12) if i != 5], "the row that lacks a value is dropped"

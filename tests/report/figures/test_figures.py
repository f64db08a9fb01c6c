"""The figures show the numbers that they should; how they look is for eyes."""

import base64
import io
import re

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from scipy.special import ndtri

from taut.diagnostics.calibration import Calibration
from taut.report import Evidence, rank_plot
from taut.report.figures import forest, surface, trace
from taut.report.figures.calibration import calibration, wilson
from taut.report.figures.near_axis import label_nats
from taut.report.figures.neighbours import neighbour_map
from taut.report.figures.style import inline
from taut.report.posterior_table import Entry, Table
from taut.report.subjects.kinds import subject_of


def entry(name, mean=1.0, sd=1.0):
    half = 2 * sd
    return Entry(name, mean, sd, mean - half, mean + half, 0.5)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (500, 1000)])
def test_wilson_ends_are_where_the_score_test_turns(k, n):
    low, high = (float(end[0]) for end in wilson(np.array([k]), np.array([n])))
    z = ndtri(0.975)
    for end in (low, high):
        if 0 < end < 1:
            assert abs(k / n - end) == pytest.approx(z * np.sqrt(end * (1 - end) / n), rel=1e-9)
    assert (low == 0) == (k == 0)
    assert (high == 1) == (k == n)


def test_the_diagram_draws_observed_against_predicted(fit, loans):
    evidence = Evidence.gather(fit, loans)
    main = calibration(evidence, "yes").axes[0]
    points = main.containers[0].lines[0].get_xydata()
    filled = evidence.count > 0
    np.testing.assert_allclose(points[:, 0], evidence.predicted[filled])
    np.testing.assert_allclose(points[:, 1], evidence.positive[filled] / evidence.count[filled])


def test_rejected_trials_and_the_search_for_the_mode_are_not_drawn():
    history = {
        "elbo": np.array([np.nan, np.nan, -9.0, -20.0, -8.0]),
        "accepted": np.array([True, True, True, False, True]),
    }
    steps, values = trace.path_of(history)
    assert steps.tolist() == [3, 5]
    assert values.tolist() == [-9.0, -8.0]
    line = trace.trace(history, -8.0, noisy=False).axes[0].lines[0]
    assert line.get_xydata().tolist() == [[3.0, -9.0], [5.0, -8.0]]


def test_the_running_mean_covers_the_last_tenth_of_the_way():
    values = np.random.default_rng(0).normal(size=57)
    expected = [values[n - max(1, n // 10) : n].mean() for n in range(1, 58)]
    np.testing.assert_allclose(trace.running_mean(values), expected, atol=1e-12)


def test_long_noisy_runs_from_far_below_are_thinned_and_bent():
    n = 50_000
    values = -60 - 1e5 / np.arange(1, n + 1) + np.random.default_rng(0).normal(size=n)
    figure = trace.trace({"elbo": values}, -60.0, noisy=True)
    whole, end = figure.axes
    lengths = [len(line.get_xdata()) for line in whole.lines]
    assert trace.MOST / 2 < max(lengths) <= trace.MOST
    assert whole.get_xscale() == "log"
    assert whole.get_yscale() == "function"
    assert -70 < end.get_ylim()[0] < -60 < end.get_ylim()[1] < -50
    assert len(inline(lambda: figure)) < 500_000


def test_one_step_and_one_value_can_be_drawn():
    for noisy in (False, True):
        assert inline(trace.trace, {"elbo": np.array([-3.0])}, -3.0, noisy).startswith("data:image/svg+xml;base64,")


def test_the_forest_is_sorted_with_the_intercept_apart(fit):
    table = subject_of(fit).table
    first, second = forest.panels(table)
    assert [e.name for e in first] == ["intercept"]
    strength = [abs(e.mean_standardised) / e.sd_standardised for e in second]
    assert strength == sorted(strength, reverse=True)
    assert {e.name for e in second} == set(fit.design.names) - {"intercept"}
    mean, low, high = second[0].standardised
    assert high - mean == pytest.approx(ndtri(0.975) * second[0].sd_standardised)
    assert mean - low == pytest.approx(high - mean)
    drawn = forest.forest(table, "").axes[1].lines[0].get_xdata()
    np.testing.assert_allclose(drawn[:2], [low, high])


def test_unknowns_of_one_name_share_an_axis_in_their_own_order(noisy):
    groups = forest.panels(subject_of(noisy).table)
    assert [[e.name for e in group] for group in groups] == [["mu"], ["tau"], ["theta[0]", "theta[1]", "theta[2]"]]


def test_of_very_many_the_strongest_are_drawn():
    table = Table([], [entry(f"w[{i}]", mean=float(i % 400)) for i in range(1000)], regression=False)
    shown = forest.shown(table)
    assert len(shown) == forest.MOST
    assert min(e.strength for e in shown) >= np.sort([e.strength for e in table.entries])[-forest.MOST]
    assert [e.name for e in shown] == sorted((e.name for e in shown), key=lambda name: int(name[2:-1]))


@pytest.mark.parametrize("features", [("age", "income"), ("job", "age"), ("owner", "job")])
def test_the_surface_is_the_prediction_for_rows_made_by_hand(fit, loans, features):
    evidence = Evidence.gather(fit, loans, features)
    seen = surface.surface(fit, evidence, [fit_column(fit, name) for name in features])
    complete = loans[0].with_columns(loans[1]).drop_nulls()
    typical = {"age": complete["age"].median(), "income": complete["income"].median(), "job": "clerk", "owner": False}
    for i, j in [(0, 0), (len(seen.y.values) - 1, 0), (1, len(seen.x.values) - 1)]:
        chosen = {seen.x.name: cell(seen.x, j), seen.y.name: cell(seen.y, i)}
        expected = fit.predict(pl.DataFrame([{**typical, **chosen}]))
        assert seen.probability[i, j] == pytest.approx(float(expected.probability[0]), abs=1e-9)
        assert seen.sd[i, j] == pytest.approx(float(expected.sd[0]), abs=1e-9)
    assert len(seen.points) == fit.rows
    for draw in (surface.draw_probability, surface.draw_sd):
        assert isinstance(draw(seen, "yes"), Figure)


def fit_column(fit, name):
    return [column.name for column in fit.design.columns].index(name)


def cell(axis, i):
    if not axis.levels:
        return float(axis.values[i])
    return bool(i) if axis.levels == ("false", "true") else axis.levels[i]


def test_names_from_the_data_are_text_in_a_figure():
    table = Table([], [entry("<script>alert(1)</script>"), entry("$x_{$ 書 \x07")], regression=True)
    svg = base64.b64decode(inline(forest.forest, table, "").partition(",")[2]).decode()
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "$x_{$ 書 \N{REPLACEMENT CHARACTER}" in svg
    assert not re.search(r"<image[^>]*href=\"(?!data:)", svg)


def test_the_users_own_settings_do_not_change_a_figure():
    import matplotlib

    table = Table([], [entry("x")], regression=True)
    before = inline(forest.forest, table, "")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "black"}):
        assert inline(forest.forest, table, "") == before
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize(
    ("low", "high", "reference", "label"),
    [
        (-31.54000002, -31.54, -31.54, "ELBO less −31.54\n(nats)"),
        (1e6, 1e6 + 3, 1e6 + 2, "ELBO less 1e+06\n(nats)"),
        (-60.0, -55.0, -55.5, "ELBO\n(nats)"),
        (-1e-9, 1e-9, 0.0, "ELBO\n(nats)"),
    ],
)
def test_an_axis_of_values_that_are_nearly_alike_shows_differences(low, high, reference, label):
    ax = Figure().subplots()
    ax.set_ylim(low, high)
    label_nats(ax, "ELBO", "nats", reference)
    assert ax.get_ylabel() == label
    ticks = [tick for tick in ax.get_yticks() if low <= tick <= high]
    ax.yaxis.get_major_formatter().set_locs(ticks)
    assert all(len(ax.yaxis.get_major_formatter()(tick, place)) <= 8 for place, tick in enumerate(ticks))
    assert len(ticks) >= 2


def test_the_titles_of_a_rank_plot_do_not_overlap():
    random = np.random.default_rng(0)
    names = tuple(f"a long name of a coefficient, number {i}" for i in range(7))
    ranks = random.integers(0, 100, (30, 7))
    found = Calibration(names, ranks, 99, random.uniform(size=7), random.uniform(size=7), {}, {}, {}, 0.0)
    figure = rank_plot(found)
    figure.savefig(io.BytesIO())
    boxes = [ax.title.get_window_extent() for ax in figure.axes if ax.get_visible()]
    boxes += [ax.get_window_extent() for ax in figure.axes if ax.get_visible()]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_neighbours_of_a_code_are_neighbours_on_the_map():
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(4), 20)
    codes = 4 * np.eye(20)[groups] + 0.3 * random.normal(size=(80, 20))
    places = neighbour_map(codes)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(80)
    assert (groups[distance.argmin(axis=1)] == groups).mean() > 0.95

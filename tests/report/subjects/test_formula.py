"""Pages and tables of regressions by formula: every likelihood, odd names, saved fits."""

import re

import numpy as np
import polars as pl
import pytest
from numpyro.distributions import Exponential, HalfNormal, StudentT
from rich.console import Console

import taut
from taut.models import Normal, Regression
from taut.report.figures.groups import groups as caterpillar
from taut.report.figures.ratio_axis import ratio_ticks
from taut.report.group_effects import GroupEffects
from taut.report.posterior_table import Entry
from taut.report.prior_lines import prior_lines
from taut.report.subjects.kinds import subject_of


def table(n=48, seed=0):
    """Columns of every kind for a response of each likelihood."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(3, 2, n), np.arange(n) % 6
    eta = 0.3 * (x - 3) + 0.4 * (g - 2.5)
    grade = np.digitize(eta + rng.logistic(size=n), [-1, 0.5, 2]) + 1
    return pl.DataFrame(
        {
            "x": x,
            "job": np.array(["baker", "cook", "clerk"])[rng.integers(3, size=n)],
            "g": [f"g{k}" for k in g],
            "size": np.full(n, 7),
            "number": eta + rng.normal(size=n),
            "label": np.where(eta + rng.logistic(size=n) > 0, "yes", "no"),
            "count": rng.poisson(np.exp(0.5 * eta)),
            "cases": rng.binomial(7, 1 / (1 + np.exp(-eta))),
            "amount": rng.gamma(3, np.exp(eta) / 3) + 1e-3,
            "share": rng.beta(3, 3, n),
            "grade": grade,
            "kind": np.array(["a", "b", "c"])[np.arange(n) % 3],
        }
    )


MODELS = {
    "gaussian": ("number ~ x + (x | g)", None),
    "bernoulli": ("label ~ x + job + (1 | g)", None),
    "binomial": ("cases / size ~ x + (1 | g)", None),
    "poisson": ("count ~ x + (1 | g)", "poisson"),
    "negative-binomial": ("count ~ x", "negative-binomial"),
    "ordinal": ("grade ~ x + (1 | g)", "ordinal"),
    "gamma": ("amount ~ x", "gamma"),
    "beta": ("share ~ job", "beta"),
    "student-t": ("number ~ x", "student-t"),
    "multinomial": ("kind ~ x", None),
    "exponential": ("amount ~ x", "exponential"),
    "weibull": ("amount ~ x", "weibull"),
}
RATIOS = {
    "bernoulli": "odds ratio",
    "binomial": "odds ratio",
    "poisson": "rate ratio",
    "negative-binomial": "rate ratio",
    "ordinal": "odds ratio",
    "gamma": "ratio of means",
    "beta": "odds ratio",
    "multinomial": "odds ratio",
    "exponential": "time ratio",
    "weibull": "time ratio",
}


@pytest.fixture(scope="module")
def fits():
    made = {}

    def of(name):
        if name not in made:
            formula, likelihood = MODELS[name]
            made[name] = taut.fit(Regression(formula, likelihood=likelihood), table())
        return made[name]

    return of


def printed(fit, width=100):
    console = Console(width=width)
    with console.capture() as found:
        console.print(taut.report.table(fit))
    return found.get()


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_of_every_likelihood_has_a_table_a_page_and_a_figure(fits, name, tmp_path):
    fit = fits(name)
    text = printed(fit)
    assert MODELS[name][0] in text.replace("\n", " ")
    assert ("odds ratio" in text or "ratio of means" in text or "rate ratio" in text or "time ratio" in text) == (
        name in RATIOS
    )
    assert RATIOS.get(name, "") in text
    for line in fit.variances()["name"]:
        assert line in text
    page = taut.report.page(fit, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "trust" in fit._repr_html_()
    assert fit.plot().axes


def test_the_page_and_the_terminal_say_the_same_numbers(fits, tmp_path):
    fit = fits("bernoulli")
    page = taut.report.page(fit, tmp_path / "page.html").read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-")
    rows = [line for line in printed(fit).splitlines() if line.startswith((" job", " x", " sd("))]
    assert len(rows) == 10  # three coefficients, three ratios, three average effects, one sd
    for row in rows:
        for number in re.split(" {2,}", row.strip())[1:]:
            assert f">{number.replace('<', '&lt;').replace('>', '&gt;')}</td>" in page


def test_a_ratio_is_the_exponential_of_the_coefficient_and_intercepts_have_none(fits):
    for name in ("poisson", "multinomial", "ordinal"):
        fit = fits(name)
        subject = subject_of(fit)
        summary = {row["name"]: row for row in fit.summary().to_dicts()}
        assert {line.name for line in subject.ratios} == {n for n in summary if n.endswith("x")}
        for line in subject.ratios:
            of = summary[line.name]
            assert np.allclose([line.ratio, line.lower, line.upper], np.exp([of["mean"], of["lower"], of["upper"]]))
        assert fit.plot("forest").axes


def test_groups_are_sorted_and_those_between_are_counted(fits, monkeypatch):
    (effects,) = subject_of(fits("poisson")).effects
    means = [entry.mean for entry in effects.entries]
    assert means == sorted(means, reverse=True)
    monkeypatch.setattr("taut.report.terminal.formula.MOST", 3)
    text = printed(fits("poisson"))
    assert "3 between" in text
    first, last = effects.extremes(3)
    assert [e.name for e in (*first, *last)] == [effects.entries[i].name for i in (0, 1, -1)]


@pytest.mark.parametrize(("groups", "most"), [(6, 60), (150, 60), (61, 61)])
def test_a_figure_of_many_groups_stays_small(groups, most):
    entries = [Entry(f"g{i}", -float(i), 1.0, -i - 2.0, -i + 2.0, 0.5) for i in range(groups)]
    figure = caterpillar([GroupEffects("g", "Intercept", entries)], "log-odds")
    (ax,) = figure.subfigs[0].axes
    assert len(ax.texts) == min(groups, 60)
    assert figure.get_figheight() < 10


def test_an_sd_that_the_data_hardly_tell_from_zero_is_said_to_be_so():
    rng = np.random.default_rng(3)
    n = 240
    frame = pl.DataFrame({"x": rng.normal(size=n), "g": np.arange(n) % 12, "h": (np.arange(n) * 7) % 8})
    frame = frame.with_columns(y=pl.Series(rng.poisson(np.exp(1 + rng.normal(size=8)[frame["h"]]))))
    fit = taut.fit(Regression("y ~ x + (1 | g) + (1 | h)", likelihood="poisson"), frame)
    remarks = {line.entry.name: line.remark for line in subject_of(fit).variances}
    assert "hardly tell" in remarks["sd(g:Intercept)"]
    assert not remarks["sd(h:Intercept)"]
    assert "sd(g:Intercept): the data hardly tell this sd from zero." in printed(fit).replace("\n", " ")


def test_sds_in_units_of_the_columns_are_those_of_the_raw_effects(fits):
    """The sd of an intercept at x = 0 and of a slope for one unit, from the covariance on the coded scale."""
    fit = fits("gaussian")
    lines = {line.entry.name: line for line in subject_of(fit).variances}
    scale = table()["x"].to_numpy().std()
    slope = lines["sd(g:x)"]
    assert slope.own.mean == pytest.approx(slope.entry.mean / scale, rel=1e-9)
    assert slope.own.lower == pytest.approx(slope.entry.lower / scale, rel=1e-9)
    assert lines["sigma"].own is None
    nodes = fit.nodes
    parts = fit.model.prior.parts(np.hstack([nodes.means, nodes.scales]).astype(float))
    a, b = np.exp(parts.log_sds[0]).T
    r = np.tanh(parts.partial[0][:, 0])
    m = table()["x"].to_numpy().mean() / scale
    raw = np.sqrt(a**2 + (m * b) ** 2 - 2 * m * r * a * b)
    assert lines["sd(g:Intercept)"].own.mean == pytest.approx(nodes.weights @ raw, rel=1e-6)
    r_raw = (r * a * b - m * b**2) / (raw * b)
    assert lines["cor(g:Intercept,x)"].own.mean == pytest.approx(nodes.weights @ r_raw, rel=1e-6)


def test_priors_are_said_on_both_scales():
    """Exact: a slope's prior is divided by the sd of its column, an intercept's takes up the means."""
    frame = table()
    prior = {"x": Normal(0.5, 2), "job": StudentT(4, 0, 1), "g": Exponential(3), "cor(g)": 1.5, "sigma": HalfNormal(2)}
    fit = taut.fit(Regression("number ~ x + job + (x | g)", prior=prior), frame)
    said = {line.name: line[1:] for line in prior_lines(fit)}
    x = frame["x"].to_numpy()
    assert said["x"] == ("Normal(0.5, 2)", f"Normal({0.5 / x.std():.4g}, {2 / x.std():.4g})")
    y = frame["number"].to_numpy()
    m = x.mean() / x.std()
    centre, width = y.mean() - 0.5 * m, np.hypot(2.5 * y.std(), 2 * m)
    assert said["Intercept"][1] == f"Normal({centre:.4g}, {width:.4g})"
    assert said["job[cook]"] == ("StudentT(4, 0, 1)", "")
    assert said["sd(g:x)"] == ("Exponential(3)", f"{1 / x.std():.4g} × Exponential(3)")
    assert said["sd(g:Intercept)"][1] == "that of a sum of several"
    assert said["cor(g:Intercept,x)"] == ("LKJ(1.5)", "no LKJ: these effects are sums of several")
    assert said["sigma"] == ("HalfNormal(2)", "")


def test_odd_names_break_nothing(tmp_path):
    rng = np.random.default_rng(1)
    n = 60
    level = ["<b>bold</b>", "a$b", "x" * 70, "[red]r[/red]"]
    frame = pl.DataFrame(
        {
            "y": rng.normal(size=n),
            "a_very_long_name_of_a_column_that_no_one_would_choose_but_someone_has": rng.normal(size=n),
            "k": [level[i % 4] for i in range(n)],
            "g": [level[i % 4] + str(i % 5) for i in range(n)],
        }
    )
    fit = taut.fit(Regression("y ~ . + (1 | g)"), frame)
    html = taut.report.page(fit, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>bold" not in html
    assert "[red]r[/red]" in printed(fit, 300)
    assert max(map(len, printed(fit, 80).splitlines())) <= 80
    for name in ("forest", "groups"):
        width, height = fit.plot(name).get_size_inches()
        assert height < 2 * width


@pytest.mark.parametrize(("low", "high"), [(-0.01, 0.01), (-1, 1.5), (0.0, 4.0), (-12, 9), (-60, 300), (1.0, 1.2)])
def test_ticks_of_ratios_are_few_and_inside(low, high):
    ticks = ratio_ticks(low, high)
    assert 2 <= len(ticks) <= 12
    assert all(low - 1e-9 <= np.log(x) <= high + 1e-9 for x in ticks)


@pytest.mark.parametrize("name", ["gaussian", "binomial", "ordinal"])
def test_checks_and_rows_left_out_are_drawn_and_told(fits, name, tmp_path):
    fit = fits(name)
    subject = subject_of(fit)
    assert list(subject.checks) == list(fit.model.likelihood.checks)
    assert len(subject.left_out.elpd) == fit.rows
    page = taut.report.page(fit, tmp_path / "page.html").read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-")
    assert subject.left_out.sentence in page
    assert f"row {np.argmin(subject.left_out.elpd) + 1}<" in page
    for figure in ("checks", "left_out"):
        assert fit.plot(figure).axes

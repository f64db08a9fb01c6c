"""Pages and tables of regressions by formula: every likelihood, odd names, saved fits."""

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import taut
from taut.models import Regression


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

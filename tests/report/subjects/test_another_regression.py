"""A regression that predicts no probability has a page and a table without what only labels have."""

import re
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import gammaln
from rich.console import Console

import taut
from taut.errors import ArgumentError
from taut.models.table_regression import TableRegression
from taut.report import Evidence, page, table


class Count(NamedTuple):
    mean: jnp.ndarray


class PoissonRegression(TableRegression):
    """Counts: log p(y|eta) = y eta - exp(eta) - log y!."""

    name: ClassVar[str] = "Poisson regression"
    target: ClassVar[str] = "numbers"
    scale: ClassVar[str] = "log-rate"

    def log_prob(self, eta, y):
        return y * eta - jnp.exp(eta) - gammaln(y + 1)

    def expectation(self, m, v, rows):
        return rows[1] * m - jnp.exp(m + v / 2) - gammaln(rows[1] + 1)

    def predictive(self, m, v, level):
        return Count(jnp.exp(m + v / 2))


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2))
    return X, random.poisson(np.exp(0.3 + 0.5 * X[:, 0])).astype(float)


@pytest.fixture(scope="module")
def counts(data):
    return taut.fit(PoissonRegression(), data)


ORIGIN = ["Where it comes from", "Particulars"]


def test_the_page_is_whole_without_calibration_and_surface(counts, data, tmp_path):
    html = page(counts, tmp_path / "page.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert headings == ["How it was fitted", "Posterior", "Coefficients", "ELBO against steps", *ORIGIN]
    assert "Left out" not in html
    assert "Log-rate of each coefficient" in html
    assert "odds" not in html.lower()
    assert "A Poisson regression on 60 rows, with a full-rank Gaussian posterior over 3 coefficients." in html
    assert page(counts, tmp_path / "data.html", data).read_bytes() == (tmp_path / "page.html").read_bytes()


def test_the_table_has_both_scales(counts):
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(table(counts))
    for word in ("std mean", "intercept", "A Poisson regression on 60 rows", "trust: "):
        assert word in captured.get()


def test_what_it_does_not_have_is_refused(counts, data, tmp_path):
    with pytest.raises(ArgumentError, match="Poisson regression has no predictive probabilities"):
        Evidence.gather(counts, data)
    with pytest.raises(ArgumentError, match="no surface"):
        page(counts, tmp_path / "page.html", features=("x0", "x1"))


def test_a_fit_says_what_it_predicts(counts, fit, noisy):
    assert counts.predicted == ("mean",)
    assert fit.predicted == ("probability", "sd", "lower", "upper")
    assert noisy.predicted == ()

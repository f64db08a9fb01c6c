"""prior="empirical" of a regression by formula: the scale with the highest evidence, whatever the likelihood."""

import numpy as np
import polars as pl
import pytest

import taut
from taut.errors import ArgumentError, PairingError
from taut.models import Normal, Regression


def data(likelihood, n=120):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 8))
    eta = X @ random.normal(0, 0.4, 8)
    y = {
        "gaussian": lambda: 50 + 3 * eta + 3 * random.normal(size=n),
        "poisson": lambda: random.poisson(np.exp(eta)),
        "bernoulli": lambda: (random.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
        "student-t": lambda: eta + random.standard_t(4, n),
    }
    return X, y[likelihood]()


@pytest.mark.parametrize("likelihood", ["gaussian", "poisson", "bernoulli"])
def test_the_evidence_is_highest_at_the_scale(likelihood):
    X, y = data(likelihood)
    fit = taut.fit(Regression(likelihood=likelihood, prior="empirical"), (X, y), progress=False)
    scale = fit.model.prior.coefficients[-1].number("scale")
    assert fit.reasons["prior"].startswith(
        f"empirical: Normal(0, {scale:.4g}) on the coefficients has the highest ELBO"
    )

    def evidence(factor):
        model = Regression(likelihood=likelihood, prior=Normal(0, factor * scale))
        return taut.fit(model, (X, y), progress=False).solution.log_evidence

    at = evidence(1.0)
    assert at == pytest.approx(fit.solution.log_evidence, abs=1e-9)
    assert all(evidence(factor) < at for factor in (0.5, 0.9, 1.1, 2.0))
    assert (evidence(1.02) - evidence(0.98)) / 0.04 == pytest.approx(0.0, abs=0.1)


@pytest.mark.slow
def test_beside_groups_and_for_labels():
    X, y = data("poisson")
    frame = pl.DataFrame(X, schema=[f"x{j}" for j in range(8)]).with_columns(
        y=pl.Series(y), g=pl.Series(np.arange(120) % 10)
    )
    fit = taut.fit(Regression("y ~ x0 + x1 + (1 | g)", "poisson", "empirical"), frame, progress=False)
    stated = fit.model.prior.coefficients
    assert stated[0].number("scale") == 2.5  # the intercept is apart
    assert stated[1] == stated[2] != stated[0]
    labels = np.random.default_rng(1).choice(list("abc"), 120)
    fit = taut.fit(Regression(likelihood="multinomial", prior="empirical"), (X, labels), progress=False)
    assert fit.model.prior.coefficients[-1].number("scale") < 0.2
    assert fit.model.prior.coefficients[9].number("scale") == 2.5


@pytest.mark.parametrize(
    ("model", "options", "kind", "words"),
    [
        (Regression("y ~ 1", "poisson", "empirical"), {}, ArgumentError, "only an intercept"),
        (Regression("y ~ x", "poisson", "emprical"), {}, ArgumentError, "empirical"),
        (Regression("y ~ x", "poisson", "empirical"), {"algorithm": "stochastic"}, PairingError, "leave algorithm"),
    ],
)
def test_what_is_refused(model, options, kind, words):
    frame = pl.DataFrame({"y": [1, 2, 3, 5], "x": [0.1, 0.5, 0.2, 0.9]})
    with pytest.raises(kind, match=words):
        taut.fit(model, frame, progress=False, **options)

"""Regressions whose best Gaussian is not to be trusted: the draws of a richer answer, against exact moments."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import distributions as dist
from scipy.special import expit

import taut
from taut.estimators import BayesianLogisticRegression
from taut.models import Independent, LogisticRegression, Normal
from taut.verdict import fallbacks

from ..helpers.regressions import exact, gaussian_prior, laplace_prior, student_prior


def three_positives():
    """Three positives in a hundred."""
    X = np.random.default_rng(0).normal(size=(100, 3))
    return X, (np.arange(100) < 3).astype(int)


def separable():
    """A column that separates the classes."""
    X = np.random.default_rng(1).normal(size=(60, 2))
    return X, (X[:, 0] > 0).astype(int)


def rare_dummy():
    """A dummy that is one in few rows, none of them positive."""
    random = np.random.default_rng(0)
    X = np.column_stack([random.normal(size=400), np.arange(400) < 4])
    return X, ((random.random(400) < expit(-3 + X[:, 0])) & (np.arange(400) >= 4)).astype(int)


def heavy_covariate():
    """A covariate with a few enormous values, and few positives."""
    random = np.random.default_rng(16)
    X = np.column_stack([random.normal(size=1000), random.lognormal(3, 1.5, 1000)])
    return X, (random.random(1000) < expit(-5 + X[:, 0])).astype(int)


def two_positives():
    """Two positives in forty."""
    X = np.random.default_rng(0).normal(size=(40, 4))
    return X, (np.arange(40) < 2).astype(int)


CASES = {
    "three positives, a wide prior": (three_positives, Normal(0.0, 5.0), gaussian_prior(5.0)),
    "separable, a wide prior": (separable, Normal(0.0, 10.0), gaussian_prior(10.0)),
    "a rare dummy": (rare_dummy, Normal(0.0, 3.0), gaussian_prior(3.0)),
    "a heavy-tailed covariate": (heavy_covariate, Normal(0.0, 1.0), gaussian_prior(1.0)),
    "a Laplace prior": (two_positives, Independent(dist.Laplace(0.0, 1.0)), laplace_prior(1.0)),
    "a Student-t prior": (two_positives, Independent(dist.StudentT(3.0, 0.0, 1.0)), student_prior(3.0)),
}


@pytest.fixture(scope="module")
def separated():
    X, y = separable()
    return taut.fit(LogisticRegression(Normal(0.0, 10.0)), (X, y))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_right_and_says_that_it_is_corrected(case):
    make, prior, log_prior = CASES[case]
    X, y = make()
    fit = taut.fit(LogisticRegression(prior), (X, y))
    design = fit.design.matrix(X)
    truth = exact(design, y, log_prior)
    assert truth.size > 5000, "the reference itself must be exact"
    of_q = np.sqrt(np.diag(fit.posterior.covariance))
    assert np.max(np.abs(of_q / truth.sd - 1)) > 0.05, "the Gaussian itself must be wrong"

    assert fit.verdict.trust.answer == "corrected"
    assert "richer answer" in fit.verdict.trust.reason
    assert fit.verdict.rungs
    table = fit.summary()
    np.testing.assert_allclose((table["mean_standardised"].to_numpy() - truth.mean) / truth.sd, 0, atol=0.1)
    np.testing.assert_allclose(table["sd_standardised"].to_numpy() / truth.sd, 1, atol=0.06)
    # The slopes' intervals, on the standardised scale.
    ends = np.stack([table["lower"], table["upper"]])[:, 1:] * fit.design.scale
    np.testing.assert_allclose((ends - truth.quantiles([0.025, 0.975])[:, 1:]) / truth.sd[1:], 0, atol=0.15)

    rows = design[np.argsort(np.abs(design[:, -1]))[-5:]]
    p = expit(truth.draws @ rows.T)
    mean = truth.weights @ p
    sd = np.sqrt(truth.weights @ (p - mean) ** 2)
    prediction = fit.predict_matrix(rows)
    np.testing.assert_allclose((prediction.probability - mean) / sd, 0, atol=0.1)
    np.testing.assert_allclose(prediction.sd, sd, rtol=0.1, atol=0.005)


def test_every_answer_is_that_of_the_same_draws(separated):
    judged = separated.corrected
    assert judged is not None
    assert not judged.of_q
    table, draws = separated.summary(), separated.sample(20_000)
    for name, mean, sd, lower, upper in table.select("name", "mean", "sd", "lower", "upper").rows():
        x = draws[name]
        assert abs(x.mean() - mean) < 0.05 * sd
        assert x.std() == pytest.approx(sd, rel=0.05)
        np.testing.assert_allclose(np.quantile(x, [0.025, 0.975]), [lower, upper], atol=0.1 * sd)
    eta = np.column_stack([draws["intercept"], draws["x0"], draws["x1"]]) @ [1.0, 0.3, -1.0]
    p, prediction = expit(eta), separated.predict([[0.3, -1.0]])
    assert prediction.probability[0] == pytest.approx(p.mean(), abs=0.05 * p.std())
    # Of 4,000 draws with a long tail: four standard errors of an sd, which once in 16,000 runs is not enough.
    kurtosis = np.mean((p - p.mean()) ** 4) / p.var() ** 2
    assert prediction.sd[0] == pytest.approx(p.std(), rel=4 * np.sqrt((kurtosis - 1) / 4 / 4000))
    assert [prediction.lower[0], prediction.upper[0]] == pytest.approx(
        np.quantile(p, [0.025, 0.975]).tolist(), abs=0.02
    )


def test_a_row_is_predicted_alike_whatever_else_is_asked(separated):
    X = np.random.default_rng(5).normal(size=(1100, 2))
    whole, alone = separated.predict(X), separated.predict(X[700:701])
    for together, one in zip(whole, alone, strict=True):
        assert one[0] == pytest.approx(together[700], abs=1e-12)


def test_it_survives_saving(separated, tmp_path):
    X = separable()[0]
    again = taut.load(separated.save(tmp_path / "run"))
    assert str(again.verdict) == str(separated.verdict)
    assert again.summary().equals(separated.summary())
    for mine, theirs in zip(again.predict(X), separated.predict(X), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name, x in separated.sample(50, seed=3).items():
        np.testing.assert_array_equal(again.sample(50, seed=3)[name], x)


def test_what_was_asked_for_by_name_is_kept():
    X, y = separable()
    fit = taut.fit(LogisticRegression(Normal(0.0, 10.0)), (X, y), family="full-rank")
    assert fit.verdict.trust.answer == "suspect"
    assert fit.verdict.rungs == ()


def test_fallbacks_can_be_declined_and_the_estimator_declines_them():
    X, y = separable()
    fit = taut.fit(LogisticRegression(Normal(0.0, 10.0)), (X, y), fallbacks=False)
    assert fit.verdict.trust.answer == "suspect"
    assert fit.verdict.rungs == ()
    assert not fit.left_open
    model = BayesianLogisticRegression(10.0).fit(X, y)
    assert model.result_.verdict.trust.answer == "suspect"
    asked = BayesianLogisticRegression(10.0, fallbacks=True).fit(X, y)
    assert asked.result_.verdict.trust.answer == "corrected"


def test_what_would_take_too_long_is_not_tried_and_named(monkeypatch):
    monkeypatch.setattr(fallbacks, "MOST_WORK", 1e6)
    monkeypatch.setattr(fallbacks, "serves", lambda model: False)
    monkeypatch.setattr(fallbacks, "_by_values", lambda model, density, gaussian, solution, best, common: best)
    X, y = separable()
    fit = taut.fit(LogisticRegression(Normal(0.0, 10.0)), (X, y))
    assert fit.verdict.trust.answer == "suspect"
    assert fit.verdict.rungs == ("sinh-arcsinh: not tried, some 14,208 gradients over 60 rows would take too long",)


def test_a_good_answer_costs_no_fallback(monkeypatch):
    monkeypatch.setattr(fallbacks, "_warped", None)
    X = np.random.default_rng(2).normal(size=(300, 2))
    fit = taut.fit(LogisticRegression(), (X, (X[:, 0] > 0.2 * X[:, 1] ** 3).astype(int)))
    assert fit.verdict.trust.reliable
    assert fit.verdict.rungs == ()


@pytest.mark.slow
def test_a_minibatched_log_density_has_the_richer_answers_too():
    """A rare dummy of which every row says yes; the truth is a sum over a grid of both coefficients.

    16,000 weighted draws worth some 13,000 know means to 0.009 sd and sds to 0.7 %: five of these fail once in 10^6.
    """
    rows, rare = 3000, 6
    X = np.column_stack([np.ones(rows), np.arange(rows) < rare]).astype(float)
    y = np.where(X[:, 1] == 1, 1.0, np.random.default_rng(0).random(rows) < 0.1).astype(float)

    def log_likelihood(v, rows):
        eta = rows[0] @ v["b"]
        return rows[1] * eta - jnp.logaddexp(0.0, eta)

    def log_prior(v):
        return -0.5 * jnp.sum((v["b"] / 3) ** 2)

    model = taut.models.LogDensity(
        log_likelihood=log_likelihood, log_prior=log_prior, parameters={"b": taut.models.real(2)}
    )
    fit = taut.fit(model, (X, y), batch_size=256, steps=30000, progress=False)
    assert fit.batch_size == 256
    assert (fit.verdict.converged.answer, fit.verdict.trust.answer) == ("yes", "corrected")
    a, b = np.meshgrid(np.linspace(-2.6, -1.7, 301), np.linspace(-1, 16, 801), indexing="ij")
    yes, both = y[rare:].sum(), rows - rare
    log = yes * a - both * np.logaddexp(0, a) + rare * (a + b - np.logaddexp(0, a + b)) - (a**2 + b**2) / 18
    mass = np.exp(log - log.max())
    mass = mass.sum(0) / mass.sum()
    mean = mass @ b[0]
    sd = np.sqrt(mass @ (b[0] - mean) ** 2)
    found = fit.summary()
    assert found["mean"][1] == pytest.approx(mean, abs=0.045 * sd)
    assert found["sd"][1] == pytest.approx(sd, rel=0.035)
    assert abs(fit.posterior.variance[1] ** 0.5 / sd - 1) > 0.06  # which the Gaussian is not

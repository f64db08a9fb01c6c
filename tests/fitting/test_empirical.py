"""prior="empirical": at its scale the ELBO is at rest and highest, whatever the family, the columns and the weights."""

import numpy as np
import pytest

import taut
from taut.errors import ArgumentError
from taut.models import LogisticRegression, Normal
from taut.models.empirical import INTERCEPT_SCALE


def rows(signal, d=4, n=150):
    random = np.random.default_rng(3)
    X = random.normal(size=(n, d)) * [1, 10, 0.1, 1][:d]
    weights = signal * np.array([1.0, -0.1, 5.0, 0.0])[:d]
    return X, (random.random(n) < 1 / (1 + np.exp(1 - X @ weights))).astype(int)


def prior(scale, d, intercept):
    return Normal(np.zeros(d + intercept), np.r_[[INTERCEPT_SCALE] * intercept, np.full(d, scale)])


@pytest.mark.parametrize(
    ("signal", "intercept", "options"),
    [
        (1.0, True, {}),
        (0.3, False, {}),
        (6.0, True, {"family": "mean-field"}),
        (1.0, True, {"sample_weight": 1.0 + np.arange(150) % 3}),
    ],
)
def test_the_elbo_is_at_rest_and_highest(signal, intercept, options):
    X, y = rows(signal)
    fit = taut.fit(LogisticRegression(prior="empirical", intercept=intercept), (X, y), **options)
    scale = float(fit.model.prior.scale[-1])

    def elbo(log_scale):
        model = LogisticRegression(prior(np.exp(log_scale), 4, intercept), intercept=intercept)
        return taut.fit(model, (X, y), **options).elbo

    h = 1e-2
    assert (elbo(np.log(scale) + h) - elbo(np.log(scale) - h)) / (2 * h) == pytest.approx(0.0, abs=2e-3)
    assert max(elbo(t) for t in np.log([0.02, 0.1, 0.3, 0.7 * scale, 1.0, 1.4 * scale, 3.0, 30.0])) <= fit.elbo + 1e-9
    # The closed M step has nothing to change.
    q = fit.posterior
    mean, variance = np.asarray(q.mean)[intercept:], np.asarray(q.variance)[intercept:]
    assert np.mean(mean**2 + variance) == pytest.approx(scale**2, rel=1e-5)
    assert fit.reasons["prior"].startswith(
        f"empirical: Normal(0, {scale:.4g}) on the coefficients has the highest ELBO"
    )


def test_columns_that_say_nothing_are_shrunk_to_the_smallest_scale():
    X = np.random.default_rng(0).normal(size=(400, 6))
    fit = taut.fit(LogisticRegression(prior="empirical"), (X, np.arange(400) % 2))
    assert fit.model.prior.scale[-1] < 0.2
    assert np.abs(fit.summary()["mean_standardised"][1:].to_numpy()).max() < 0.1
    assert "the smallest that is tried" in fit.reasons["prior"] or "the highest ELBO" in fit.reasons["prior"]


def test_it_is_the_prior_of_any_other_algorithm_too():
    X, y = rows(1.0)
    exact = taut.fit(LogisticRegression(prior="empirical"), (X, y))
    noisy = taut.fit(LogisticRegression(prior="empirical"), (X, y), gradient="reparametrization", steps=20)
    assert noisy.model.prior.scale[-1] == pytest.approx(float(exact.model.prior.scale[-1]), rel=1e-5)


def test_it_survives_saving(tmp_path):
    fit = taut.fit(LogisticRegression(prior="empirical"), rows(1.0))
    again = taut.load(fit.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.model.prior.scale, fit.model.prior.scale)
    assert again.reasons == fit.reasons


def test_single_precision_finds_nearly_the_same():
    X, y = rows(1.0)
    single, double = (
        taut.fit(LogisticRegression(prior="empirical"), (X, y), dtype=dtype).model.prior.scale[-1]
        for dtype in ("float32", "float64")
    )
    assert float(single) == pytest.approx(float(double), rel=1e-2)


def test_other_names_are_refused():
    with pytest.raises(ArgumentError, match="'ridge' is not known. Names: empirical; or give taut.models.Normal"):
        LogisticRegression(prior="ridge")


def test_a_density_has_no_scale_to_find():
    model = taut.models.LogDensity(lambda v: -(v["a"] ** 2), parameters={"a": taut.models.real()})
    assert taut.fit(model).reasons.get("prior") is None

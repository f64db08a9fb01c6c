"""Natural gradient: the safeguards, the certificate and the budget; its optima are in tests/anchors."""

import numpy as np
import pytest

import taut
from taut.algorithms import NaturalGradient
from taut.errors import ArgumentError
from taut.families import FullRank
from taut.learning.ended import Ended
from taut.models import LogisticRegression, Normal

pytestmark = pytest.mark.usefixtures("x64")


def made(seed=0, n=64, d=3, strength=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return X, (strength * X[:, 0] + rng.logistic(size=n) > 0).astype(int)


def fit(data, family="full-rank", scale=1.0, **options):
    return taut.fit(LogisticRegression(Normal(0.0, scale)), data, family=family, **options)


@pytest.mark.parametrize("family", ["mean-field", "full-rank"])
@pytest.mark.parametrize(("strength", "scale"), [(1.0, 1.0), (1e3, 100.0), (1e3, 1e3), (0.0, 1e-3)])
def test_the_elbo_never_falls_and_the_certificate_is_met(family, strength, scale):
    result = fit(made(strength=strength), family, scale)
    accepted = result.history["accepted"]
    elbo = result.history["elbo"][accepted & result.history["variational"]]
    assert result.ended is Ended.CONVERGED
    assert np.all(np.diff(elbo) >= -1e-9 * np.abs(elbo[1:]))
    np.testing.assert_allclose(result.elbo, elbo[-1], rtol=1e-14)
    assert result.history["decrement"][accepted][-1] < 1e-7
    assert result.iterations == accepted.sum()


def test_while_the_mode_is_sought_there_is_no_elbo_to_show():
    history = fit(made()).history
    seeking = ~history["variational"]
    assert seeking[0]
    assert not seeking[-1]
    assert np.all(np.isnan(history["elbo"][seeking]))
    assert np.all(np.isfinite(history["elbo"][~seeking]))


def test_it_starts_where_q_starts_and_ends_at_the_same_optimum():
    near, far = fit(made()), fit(made(), FullRank.around(np.full(4, 3.0), 1e-3))
    assert near.history["bound"][0] > far.history["bound"][0] + 1  # the first trial is at the family's mean
    np.testing.assert_allclose(far.elbo, near.elbo, atol=1e-8)
    np.testing.assert_allclose(far.posterior.mean, near.posterior.mean, atol=1e-6)


def test_the_prior_may_be_anywhere():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(64, 3)), rng.integers(0, 2, 64)
    model = LogisticRegression(Normal((0.0, 5.0, -3.0, 1.0), (1.0, 1e-3, 1e-3, 2.0)))
    result = taut.fit(model, (X, y), family="full-rank")
    assert result.ended is Ended.CONVERGED
    # A prior that is sure of two weights keeps them where they are.
    np.testing.assert_allclose(np.asarray(result.posterior.mean)[1:3], [5.0, -3.0], atol=0.01)
    np.testing.assert_allclose(np.sqrt(np.asarray(result.posterior.variance))[1:3], 1e-3, rtol=0.01)


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_a_spent_budget_is_not_called_converged(steps):
    result = fit(made(), steps=steps)
    assert result.ended is Ended.BUDGET_SPENT
    assert len(result.history["elbo"]) == steps
    assert np.all(np.isfinite(result.posterior.mean))
    assert np.isfinite(result.elbo)


def test_a_looser_tolerance_takes_fewer_iterations():
    loose, tight = (fit(made(), algorithm=NaturalGradient(tolerance=t)) for t in (1e-2, 1e-12))
    assert loose.iterations < tight.iterations
    assert loose.elbo <= tight.elbo + 1e-12


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: NaturalGradient(steps=0), "steps=0"),
        (lambda: NaturalGradient(steps=2.5), "steps=2.5"),
        (lambda: NaturalGradient(tolerance=0.0), "tolerance=0"),
        (lambda: NaturalGradient(tolerance=float("nan")), "nan"),
    ],
)
def test_senseless_arguments_are_refused(build, word):
    with pytest.raises(ArgumentError, match=word):
        build()

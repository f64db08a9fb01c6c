"""The ELBO: its two terms however much of the KL is closed, and its exact evaluation with a standard error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.diagnostics.elbo import elbo
from taut.families import FullRank
from taut.gradients import Reparametrization
from taut.gradients.evaluate import closed_parts, evaluate
from taut.models import LogDensity, LogisticRegression, Normal, real
from taut.models.target import Target
from taut.objectives import Draws, Elbo, elbo_terms
from taut.problem import Problem

pytestmark = pytest.mark.usefixtures("x64")
rng = np.random.default_rng(16)
X, Y = rng.normal(size=(6, 2)), np.array([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
Q = FullRank(np.array([0.3, -0.2]), np.log([0.5, 0.4]), np.array([[0.0, 0.0], [0.3, 0.0]]))
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(20)
NOISE = np.stack(np.meshgrid(NODES, NODES), -1).reshape(-1, 2)
WEIGHTS = np.outer(WEIGHTS, WEIGHTS).ravel() / WEIGHTS.sum() ** 2


def test_statistics_and_value_by_hand():
    draws = Draws(*(jnp.asarray(x) for x in ([-3.0, -5.0], [-1.0, -1.0], [-2.0, -2.0], [1.0, 2.0])), jnp.asarray(0.5))
    terms = elbo_terms(draws)
    np.testing.assert_allclose([terms["expected_log_likelihood"], terms["kl"]], [-4.0, 2.0])
    assert Elbo().statistics(draws).keys() == terms.keys()
    np.testing.assert_allclose(Elbo().value(terms, Elbo().init(), 0), -6.0)


def test_the_elbo_has_no_memory_and_no_schedule():
    terms = {"expected_log_likelihood": -4.0, "kl": 2.0}
    assert Elbo().init() == ()
    assert Elbo().update((), terms, 7) == ()
    assert Elbo().value(terms, (), 0) == Elbo().value(terms, (), 10_000) == -6.0


def test_the_kl_is_the_same_however_much_of_it_is_closed():
    # On average over the draws; by quadrature, so exactly.
    target = Target(LogisticRegression(Normal(0.5, 2.0)), (X, Y), np.ones(6), np.asarray(3.0))
    everything = frozenset({Capability.CLOSED_ENTROPY, Capability.CLOSED_PRIOR})
    found = []
    for closed in (everything, frozenset({Capability.CLOSED_ENTROPY}), frozenset()):
        draws = jax.jit(lambda q, closed=closed: evaluate(target, q, jax.vmap(q.sample)(NOISE), closed))(Q)
        found.append((WEIGHTS @ draws.log_likelihood, WEIGHTS @ draws.kl + draws.exact_kl))
        assert np.any(draws.kl != 0) == (closed != everything)
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-10)


def test_only_a_closed_entropy_makes_anything_closed():
    assert closed_parts(frozenset({Capability.CLOSED_PRIOR, Capability.GAUSSIAN_PRIOR})) == frozenset()
    assert closed_parts(frozenset({Capability.CLOSED_ENTROPY})) == {Capability.CLOSED_ENTROPY}


def whole(rows, n):
    return Batch(rows, np.ones(n), np.float64(n), np.float64(n))


def test_a_closed_elbo_is_evaluated_without_error():
    problem = Problem(LogisticRegression(Normal(0.5, 2.0)), Q, Elbo(), Reparametrization())
    bound = elbo(problem, jax.random.key(0), whole((X, Y), 6))
    z = Q.mean + NOISE @ np.asarray(Q.factor).T
    likelihood = WEIGHTS @ np.sum(Y * (z @ X.T) - np.logaddexp(0, z @ X.T), 1)
    np.testing.assert_allclose(bound.expected_log_likelihood, likelihood, atol=1e-7)
    np.testing.assert_allclose(bound.elbo, bound.expected_log_likelihood - bound.kl)
    assert bound.standard_error == 0


def test_a_sampled_elbo_is_within_its_standard_error():
    # For log p = -|z|^2 / 2 the ELBO is -tr(covariance + mean mean') / 2 + H(q).
    model = LogDensity(lambda v: -0.5 * jnp.sum(v["z"] ** 2), parameters={"z": real(2)})
    problem = Problem(model, Q, Elbo(), Reparametrization())
    bound = elbo(problem, jax.random.key(1), whole(np.zeros((1, 0)), 1), draws=4000)
    second = np.asarray(Q.covariance) + np.outer(Q.mean, Q.mean)
    exact = -0.5 * np.trace(second) + float(Q.entropy())
    # |z|^2/2 has the variance tr(S^2)/2 + m'Sm, so the standard error is known; 4 of them: one seed in 16,000 fails.
    S = np.asarray(Q.covariance)
    error = np.sqrt((0.5 * np.trace(S @ S) + Q.mean @ S @ Q.mean) / 4000)
    np.testing.assert_allclose(bound.standard_error, error, rtol=0.1)
    assert abs(bound.elbo - exact) < 4 * error

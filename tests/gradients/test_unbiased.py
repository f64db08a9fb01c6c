"""Expected gradients over models, minibatches and families: both sides by quadrature, no random number anywhere.

The expectation over the estimator's draws: Gauss-Hermite nodes take the place of its noise, so the surrogate is
averaged over all of them with their weights before it is differentiated. The truth: the ELBO as an integral of
q(z) (log p(x, z) - log q(z)) over a grid of z, with log p(x, z) written down here once more, differentiated in the
parameters of q.
"""

import inspect
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import taut.families
from taut.core.batch import Batch, units
from taut.core.capabilities import Capability
from taut.core.compilation import PLAIN
from taut.families import Family, FullRank, MeanField
from taut.gradients import (
    Exact,
    LeaveOneOut,
    MovingAverage,
    NoControl,
    PathDerivative,
    Reinforce,
    Reparametrization,
)
from taut.gradients.evaluate import closed_parts
from taut.models import Independent, LogDensity, LogisticRegression, Normal, positive, real
from taut.models.target import Target
from taut.objectives import Elbo

pytestmark = pytest.mark.usefixtures("x64")
plainly = partial(jax.jit, compiler_options=PLAIN)
"""Compiling is nearly all of the time here."""
OFFSET = 1e3
"""In the log density; it must change no expected gradient."""

rng = np.random.default_rng(1)
X, Y = rng.normal(size=(6, 2)), np.array([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
SAMPLE_WEIGHTS = np.array([0.5, 1.0, 2.0, 1.5, 0.0, 1.0])
BATCHES = np.array([[3, 0], [1, 5], [4, 2]])


def parts(abstract, room):
    found = [part for _, part in inspect.getmembers(room, inspect.isclass)]
    return [part for part in found if issubclass(part, abstract) and part is not abstract]


def estimators(K):
    """Those of K draws whose noise is one normal number a coordinate; test_exactness.py has them all."""
    yield from [Exact()] if K == 1 else []
    yield from (Reparametrization(K), PathDerivative(K))
    yield from (
        Reinforce(K, control) for control in (NoControl(), MovingAverage(), LeaveOneOut()) if control.least_samples <= K
    )


def log_joint(values):
    # A funnel with flattened walls: skewed, not normalised; entire in (mu, log tau), as quadrature likes it.
    mu, tau = values["mu"], values.get("tau", 1.5)
    return OFFSET - 0.5 * (mu - 0.7) ** 2 / tau - 0.1 * mu**4 - jnp.log(tau) - 0.5 * tau


def rows_log_likelihood(values, rows):
    x, y = rows
    return -0.5 * (y - jnp.sin(x @ values["w"])) ** 2


def logistic_terms(z, D):
    logits = X[:, :D] @ z
    return SAMPLE_WEIGHTS @ (Y * logits - jnp.logaddexp(0.0, logits))


def model_and_truth(kind, D):
    """A model, and log p(x, z) of all rows up to a constant, written independently of it."""
    if kind == "logistic, normal prior":

        def prior(z):
            return -0.5 * jnp.sum((z - 0.3) ** 2) / 4 - D * np.log(2) - 0.5 * D * np.log(2 * np.pi)

        return LogisticRegression(Normal(0.3, 2.0)), lambda z: logistic_terms(z, D) + prior(z)
    if kind == "logistic, Student prior":

        def prior(z):
            return -2.5 * jnp.sum(jnp.log1p((z / 1.7) ** 2 / 4))

        return LogisticRegression(Independent(dist.StudentT(4.0, 0.0, 1.7))), lambda z: logistic_terms(z, D) + prior(z)
    if kind == "log density by rows":

        def log_prior(values):
            return OFFSET - jnp.sum(jnp.cosh(0.5 * values["w"]))

        model = LogDensity(parameters={"w": real(D)}, log_likelihood=rows_log_likelihood, log_prior=log_prior)

        def fit(z):
            return SAMPLE_WEIGHTS @ (-0.5 * (Y - jnp.sin(X[:, :D] @ z)) ** 2)

        return model, lambda z: fit(z) - jnp.sum(jnp.cosh(0.5 * z))
    supports = {"mu": real(), "tau": positive()} if D == 2 else {"mu": real()}

    # tau = exp(t), whose Jacobian adds t to the log density.
    def values(z):
        return {"mu": z[0], "tau": jnp.exp(z[1])} if D == 2 else {"mu": z[0]}

    def jacobian(z):
        return z[1] if D == 2 else 0.0

    return LogDensity(log_joint, parameters=supports), lambda z: log_joint(values(z)) - OFFSET + jacobian(z)


# Bent families have tests of their own, and one of them a library that may not be installed.
FAMILIES = [
    family
    for family in parts(Family, taut.families)
    if hasattr(family, "around")
    and family not in (taut.families.SinhArcsinh, taut.families.Flow, taut.families.BentCoordinates)
]
KINDS = ["logistic, normal prior", "logistic, Student prior", "log density by rows", "joint log density"]


def targets(kind, model, D):
    """The unit's target on each minibatch of a partition, stacked: their mean has to be the gradient on all rows."""
    if kind == "joint log density":
        batch = Batch(np.zeros((1, 1, 0)), np.ones((1, 1)), np.ones(1), np.ones(1))
    else:
        count = np.full(len(BATCHES), 1.0)
        rows = (X[BATCHES, :D], Y[BATCHES])
        batch = Batch(rows, SAMPLE_WEIGHTS[BATCHES], 2 * count, len(X) * count)

    def of(batch):
        cut = units(False, batch)
        return Target(model, jax.tree.map(lambda a: a[0], cut.rows), cut.weights[0], cut.scale[0])

    return eqx.filter_vmap(of)(batch)  # a log density carries its function


def member(family, D):
    q = family.around(np.array([0.4, -0.3])[:D], np.array([0.5, 0.35])[:D])
    return jax.tree.map(lambda a: a + (0.2 if a.ndim == 2 else 0.0), q)  # correlated, where it can be


def tensor_rule(points, n):
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    axes, shares = (np.meshgrid(*[a] * n, indexing="ij") for a in (nodes, weights / weights.sum()))
    return np.stack(axes, -1).reshape(-1, n), np.prod(np.stack(shares, -1).reshape(-1, n), -1)


def expected_gradient(gradient, q, targets, closed, points=24):
    """The gradient of the ELBO that the estimator gives on average, over its noise and over the minibatches."""
    nodes, weights = tensor_rule(points, gradient.samples * q.dim)
    noise = nodes.reshape(-1, gradient.samples, q.dim)
    memory = SEEN if jax.tree.leaves(gradient.init(SEEN[0])) else ()

    arrays, functions = eqx.partition(targets, eqx.is_array)

    @plainly
    @jax.grad
    def slope(q, arrays):
        def one(noise, target):
            target = eqx.combine(target, functions)
            statistics, _ = gradient.surrogate(noise, Elbo(), target, q, closed, memory)
            return Elbo().value(statistics, (), 0)

        over_batches = jax.vmap(one, (None, 0))
        return weights @ jnp.mean(jax.vmap(over_batches, (0, None))(noise, arrays), axis=1)

    return slope(q, arrays)


@pytest.fixture(scope="module")
def true_gradient():
    """The gradient of the ELBO by the trapezoid rule over z, computed once for each target and family."""
    known = {}

    def of(kind, family, D):
        if (kind, family, D) not in known:
            axis = np.linspace(-8, 8, 1601 if D == 1 else 401)
            grid = np.stack(np.meshgrid(*[axis] * D, indexing="ij"), -1).reshape(-1, D)
            log_p = jax.vmap(model_and_truth(kind, D)[1])(grid)

            @jax.jit
            @jax.grad
            def slope(q):
                log_q = jax.vmap(q.log_prob)(grid)
                return (axis[1] - axis[0]) ** D * jnp.sum(jnp.exp(log_q) * (log_p - log_q))

            known[kind, family, D] = slope(member(family, D))
        return known[kind, family, D]

    return of


def assert_equal_gradients(found, exact):
    largest = max(np.max(np.abs(leaf)) for leaf in jax.tree.leaves(exact))

    def compare(a, b):
        return np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * largest)

    jax.tree.map(compare, found, exact)


SEEN = ({"expected_log_likelihood": np.array(-3.0), "kl": np.array(0.7)}, np.array(0.6))
"""A control variate's memory of earlier steps."""


def label(part):
    return f"{part.name}-{part.control.name}" if hasattr(part, "control") else getattr(part, "name", None)


PAIRS = [
    # Correlations belong to the slow suite: test_exactness.py has every estimator in the quick one.
    pytest.param(gradient, family, D, kind, marks=[pytest.mark.slow] if D == 2 else [])
    for gradient, family, D in (
        *((g, f, 2) for g in estimators(1) for f in FAMILIES),
        *((g, MeanField, 1) for g in estimators(2)),
    )
    for kind in KINDS
    if gradient.supports(Elbo(), model_and_truth(kind, D)[0], member(family, D)) is None
]


@pytest.mark.slow
@pytest.mark.parametrize(("gradient", "family", "D", "kind"), PAIRS, ids=label)
def test_the_expected_gradient_is_the_gradient(gradient, family, D, kind, true_gradient):
    model, _ = model_and_truth(kind, D)
    q, objective = member(family, D), Elbo()
    closed = closed_parts(objective.offers | model.offers | q.offers) if gradient.closed_kl else frozenset()
    found = expected_gradient(gradient, q, targets(kind, model, D), closed)
    assert_equal_gradients(found, true_gradient(kind, family, D))


@pytest.mark.parametrize("gradient", [g for g in estimators(2) if g.name != "exact"], ids=label)
def test_nothing_has_to_be_closed(gradient, true_gradient):
    kind = "logistic, normal prior"
    model, _ = model_and_truth(kind, 1)
    found = expected_gradient(gradient, member(MeanField, 1), targets(kind, model, 1), frozenset())
    assert_equal_gradients(found, true_gradient(kind, MeanField, 1))


@pytest.mark.parametrize("gradient", [Reparametrization(samples=2), Reinforce(samples=2)], ids=label)
def test_two_draws_of_a_correlated_posterior(gradient, true_gradient):
    kind = "logistic, Student prior"
    model, _ = model_and_truth(kind, 2)
    closed = frozenset({Capability.CLOSED_ENTROPY})
    found = expected_gradient(gradient, member(FullRank, 2), targets(kind, model, 2), closed, points=14)
    assert_equal_gradients(found, true_gradient(kind, FullRank, 2))

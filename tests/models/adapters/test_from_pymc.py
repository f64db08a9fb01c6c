"""PyMC models: density, Jacobian, names and shapes are PyMC's at random points; what cannot be is refused."""

import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core.compilation import PLAIN
from taut.errors import ArgumentError
from taut.models.adapters.from_pymc import from_pymc

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pm = pytest.importorskip("pymc", reason="the extra pymc is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")
EFFECTS, ERRORS = np.array([28.0, 8.0, -3.0, 7.0]), np.array([15.0, 10.0, 16.0, 11.0])


def schools():
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        tau = pm.HalfCauchy("tau", 5)
        eta = pm.Normal("eta", 0, 1, shape=4)
        theta = pm.Deterministic("theta", mu + tau * eta)
        pm.Normal("y", theta, ERRORS, observed=EFFECTS)
    return model


def supports():
    with pm.Model() as model:
        s = pm.Gamma("s", 2, 1)
        pm.Uniform("within", -s, s, shape=2)  # a support that depends on another variable
        p = pm.Beta("p", 2, 3)
        shares = pm.Dirichlet("shares", np.ones(4))
        pm.Normal(
            "cuts", 0, 1, shape=3, transform=pm.distributions.transforms.ordered, initval=np.array([-1.0, 0.0, 1.0])
        )
        pm.TruncatedNormal("above", 0, 1, lower=2.0)
        pm.Potential("more", -(s**2))
        pm.Binomial("n", 5, p * shares[0], observed=2)
    return model


@pytest.mark.parametrize("build", [schools, pytest.param(supports, marks=pytest.mark.slow)])
def test_the_density_is_that_of_pymc(build):
    theirs = build()
    ours = from_pymc(theirs)
    assert jnp.zeros(()).dtype == np.float32  # the global switch is as it was
    with jax.enable_x64(True):
        compare(theirs, ours)


def compare(theirs, ours):
    parameters = ours.parameters
    values = [theirs.rvs_to_values[theirs[name]] for name in parameters.names]
    options = {"inputs": values, "point_fn": False, "on_unused_input": "ignore", "mode": "FAST_COMPILE"}
    log_p = theirs.compile_fn(theirs.logp(), **options)
    log_joint = theirs.compile_fn(theirs.logp(jacobian=False), **options)
    reported = theirs.replace_rvs_by_values([theirs[n] for n in parameters.reported])
    constrained = theirs.compile_fn(reported, **options)

    @partial(jax.jit, compiler_options=PLAIN)
    def all_of_ours(z):
        joint, volume = ours.log_likelihood(z, None)[0], ours.prior.log_prob(z)
        values = parameters.constrain(z)[0]
        return joint, volume, values, parameters.to_vector(values)

    for seed in range(3):
        z = np.random.default_rng(seed).normal(size=parameters.origin.size)
        joint, volume, named, again = all_of_ours(z)
        cuts = np.cumsum([int(np.prod(s)) for s in parameters.free_shapes])[:-1]
        free = [x.reshape(s) for x, s in zip(np.split(z, cuts), parameters.free_shapes, strict=True)]
        np.testing.assert_allclose(joint + volume, log_p(*free), rtol=1e-10)
        np.testing.assert_allclose(joint, log_joint(*free), rtol=1e-10)
        np.testing.assert_allclose(again, z, atol=1e-8)
        for name, expected in zip(parameters.reported, constrained(*free), strict=True):
            np.testing.assert_allclose(named[name], expected, rtol=1e-10)


def test_names_shapes_and_start():
    ours = from_pymc(schools())
    assert ours.parameters.names == ("eta", "mu", "tau")
    assert ours.parameters.kinds == ("real", "real", "positive")
    assert jax.eval_shape(ours.constrain, ours.parameters.origin)["theta"].shape == (4,)
    assert ours.check().finite == 32


def discrete():
    with pm.Model() as model:
        k = pm.Bernoulli("k", 0.3)
        pm.Normal("y", k, 1, observed=EFFECTS)
    return model


def minibatches():
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Normal("y", mu, 1, observed=pm.Minibatch(EFFECTS, batch_size=2), total_size=4)
    return model


def nothing_free():
    with pm.Model() as model:
        pm.Normal("y", 0, 1, observed=EFFECTS)
    return model


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (discrete, "'k' is discrete.*pm.Mixture"),
        (minibatches, "'y' has total_size"),
        (nothing_free, "no free random variable"),
        (lambda: "model", "not a pymc.Model"),
    ],
)
def test_what_cannot_be_fitted_is_refused(build, message):
    with pytest.raises(ArgumentError, match=message):
        from_pymc(build())


def test_without_pymc_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pymc", None)
    with pytest.raises(ArgumentError, match=r"taut\[pymc\]"):
        from_pymc(None)

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
    pt = pytest.importorskip("pytensor.tensor")

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


def without_a_jax_half():
    with pm.Model() as model:
        sd = pm.HalfNormal("sd", 1.0)
        pm.ExGaussian("y", 0.0, sigma=sd, nu=1.0, observed=EFFECTS)
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
        pytest.param(without_a_jax_half, "cannot give to JAX.*erfcx", marks=pytest.mark.slow),
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


DATA = np.array([0.3, 0.6])
COUNTS = np.array([1, 2])
PLAIN_SCALE = {
    "AsymmetricLaplace": lambda a: pm.AsymmetricLaplace("y", kappa=a, mu=a, b=a, observed=DATA),
    "Bernoulli": lambda a: pm.Bernoulli("y", a, observed=[0, 1]),
    "Beta": lambda a: pm.Beta("y", a, 2.0, observed=DATA),
    "Beta of mean and sd": lambda a: pm.Beta("y", mu=a, sigma=0.3, observed=DATA),
    "BetaBinomial": lambda a: pm.BetaBinomial("y", a, 1.0, 5, observed=COUNTS),
    "Binomial": lambda a: pm.Binomial("y", 5, a, observed=COUNTS),
    "Categorical": lambda a: pm.Categorical("y", pt.stack([a, 1 - a]), observed=[0, 1]),
    "Cauchy": lambda a: pm.Cauchy("y", 0.0, a, observed=DATA),
    "ChiSquared": lambda a: pm.ChiSquared("y", a, observed=DATA),
    "Dirichlet": lambda a: pm.Dirichlet("y", pt.stack([a, 1.0]), observed=[0.3, 0.7]),
    "DirichletMultinomial": lambda a: pm.DirichletMultinomial("y", 3, pt.stack([a, 1.0]), observed=[1, 2]),
    "DiscreteUniform": lambda a: pm.DiscreteUniform("y", 0, a, observed=COUNTS),
    "Exponential": lambda a: pm.Exponential("y", a, observed=DATA),
    "Gamma": lambda a: pm.Gamma("y", a, 1.0, observed=DATA),
    "Geometric": lambda a: pm.Geometric("y", a, observed=COUNTS),
    "Gumbel": lambda a: pm.Gumbel("y", 0.0, a, observed=DATA),
    "HalfCauchy": lambda a: pm.HalfCauchy("y", a, observed=DATA),
    "HalfNormal": lambda a: pm.HalfNormal("y", a, observed=DATA),
    "HalfStudentT": lambda a: pm.HalfStudentT("y", a, 1.0, observed=DATA),
    "HurdlePoisson": lambda a: pm.HurdlePoisson("y", a, 1.0, observed=COUNTS),
    "InverseGamma": lambda a: pm.InverseGamma("y", a, 1.0, observed=DATA),
    "Kumaraswamy": lambda a: pm.Kumaraswamy("y", a, 1.0, observed=DATA),
    "Laplace": lambda a: pm.Laplace("y", 0.0, a, observed=DATA),
    "Logistic": lambda a: pm.Logistic("y", 0.0, a, observed=DATA),
    "LogitNormal": lambda a: pm.LogitNormal("y", 0.0, a, observed=DATA),
    "LogNormal": lambda a: pm.LogNormal("y", 0.0, a, observed=DATA),
    "Moyal": lambda a: pm.Moyal("y", 0.0, a, observed=DATA),
    "Multinomial": lambda a: pm.Multinomial("y", 3, pt.stack([a, 1 - a]), observed=[1, 2]),
    "MvNormal": lambda a: pm.MvNormal("y", np.zeros(2), cov=pt.stack([[a, 0.5], [0.5, 1.0]]), observed=DATA),
    "NegativeBinomial": lambda a: pm.NegativeBinomial("y", a, 2.0, observed=COUNTS),
    "Normal": lambda a: pm.Normal("y", 0.0, a, observed=DATA),
    "Pareto": lambda a: pm.Pareto("y", a, 0.1, observed=DATA),
    "Poisson": lambda a: pm.Poisson("y", a, observed=COUNTS),
    "Rice": lambda a: pm.Rice("y", a, 1.0, observed=DATA),
    "SkewNormal": lambda a: pm.SkewNormal("y", 0.0, a, 1.0, observed=DATA),
    "StudentT": lambda a: pm.StudentT("y", a, mu=0.0, sigma=1.0, observed=DATA),
    "Triangular": lambda a: pm.Triangular("y", 0.0, 1.0, a, observed=DATA),
    "TruncatedNormal": lambda a: pm.TruncatedNormal("y", 0.0, a, lower=0.0, observed=DATA),
    "Uniform": lambda a: pm.Uniform("y", 0.0, a, observed=DATA),
    "VonMises": lambda a: pm.VonMises("y", 0.0, a, observed=DATA),
    "Wald": lambda a: pm.Wald("y", a, 1.0, observed=DATA),
    "Weibull": lambda a: pm.Weibull("y", a, 1.0, observed=DATA),
    "ZeroInflatedBinomial": lambda a: pm.ZeroInflatedBinomial("y", a, 5, 0.3, observed=COUNTS),
    "ZeroInflatedPoisson": lambda a: pm.ZeroInflatedPoisson("y", 0.5, a, observed=COUNTS),
    "a free Gamma": lambda a: pm.Gamma("b", a, 1.0),
    "a Mixture": lambda a: pm.Mixture("y", [0.5, 0.5], [pm.Poisson.dist(a), pm.Poisson.dist(2.0)], observed=COUNTS),
    "a Potential": lambda a: pm.Potential("y", pm.logp(pm.HalfNormal.dist(a), 0.5)),
}
QUICK = ("Poisson", "Normal", "Binomial", "a free Gamma")
INSIDE_AND_OUTSIDE = (-2.5, -0.4, 0.0, 0.35, 0.8, 1.0, 2.7)


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in PLAIN_SCALE])
def test_a_parameter_out_of_its_range_has_the_density_of_pymc(name):
    """A link function that was forgotten: the density is that of PyMC where a parameter is negative, 0, 1, or above."""
    with pm.Model() as theirs:
        a = pm.Normal("a", 1.0, 2.0)
        PLAIN_SCALE[name](a)
    ours = from_pymc(theirs)
    value = theirs.compile_logp(mode="FAST_COMPILE")
    rest = {v.name: np.full(v.type.shape, 0.2) for v in theirs.value_vars if v.name != "a"}
    names = ours.parameters.names
    with jax.enable_x64(True):
        parts = [rest[f"{n}_log__"] if n != "a" else None for n in names]
        z = np.array([[x if part is None else float(part) for part in parts] for x in INSIDE_AND_OUTSIDE])
        density = lambda z: ours.log_likelihood(z, None)[0] + ours.prior.log_prob(z)  # noqa: E731
        found, gradient = jax.jit(jax.vmap(jax.value_and_grad(density)), compiler_options=PLAIN)(z)
    wanted = np.array([float(value({"a": np.array(x), **rest})) for x in INSIDE_AND_OUTSIDE])
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert np.isfinite(wanted).any()
    inner = np.isfinite(wanted) & ~np.isin(INSIDE_AND_OUTSIDE, (0.0, 1.0))  # at a border there may be no derivative
    assert np.isfinite(gradient[inner]).all()

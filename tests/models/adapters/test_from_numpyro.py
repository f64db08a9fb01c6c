"""NumPyro models: the log density is NumPyro's at random points, shapes and names too; what cannot be is refused."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.contrib.control_flow import scan
from numpyro.distributions import constraints
from numpyro.handlers import mask, reparam
from numpyro.infer.reparam import LocScaleReparam
from numpyro.infer.util import constrain_fn, potential_energy

import taut
from taut.core.compilation import PLAIN
from taut.errors import ArgumentError
from taut.models.adapters.from_numpyro import from_numpyro

pytestmark = pytest.mark.usefixtures("x64")

EFFECTS, ERRORS = np.array([28.0, 8.0, -3.0, 7.0]), np.array([15.0, 10.0, 16.0, 11.0])


def schools(y, s):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("schools", len(y)):
        eta = numpyro.sample("eta", dist.Normal(0, 1))
        theta = numpyro.deterministic("theta", mu + tau * eta)
        numpyro.sample("y", dist.Normal(theta, s), obs=y)


def supports():
    s = numpyro.sample("s", dist.Gamma(2, 1))
    numpyro.sample("within", dist.Uniform(-s, s).expand([2]))  # a support that depends on another site
    numpyro.sample("above", dist.TruncatedNormal(0, 1, low=2.0))
    with numpyro.plate("groups", 3):
        numpyro.sample("shares", dist.Dirichlet(jnp.ones(4)))
    numpyro.sample(
        "cuts",
        dist.TransformedDistribution(dist.Normal(0, 1).expand([3]).to_event(1), dist.transforms.OrderedTransform()),
    )
    numpyro.sample("factor", dist.LKJCholesky(3, 2.0))
    numpyro.sample("matrix", dist.Wishart(5.0, jnp.eye(2)))
    numpyro.sample("angle", dist.VonMises(0.5, 2.0))
    numpyro.factor("more", -(s**2))


def walk(y):
    drift = numpyro.sample("drift", dist.Normal(0, 1))

    def step(x, y):
        x = numpyro.sample("x", dist.LogNormal(jnp.log(x) + drift, 0.3))
        numpyro.sample("y", dist.Normal(x, 1.0), obs=y)
        return x, None

    scan(step, 1.0, y)


def masked(y, seen):
    b = numpyro.sample("b", dist.Normal(0, 1).expand([2]).to_event(1))
    with mask(mask=seen), numpyro.handlers.scale(scale=2.5):
        numpyro.sample("y", dist.Poisson(jnp.exp(b[0])), obs=y)


CASES = {
    "schools": (schools, (EFFECTS, ERRORS)),
    "supports": (supports, ()),
    "scan": (walk, (np.array([1.0, 2.0, 1.5, 3.0]),)),
    "masked": (masked, (np.array([1, 0, 4]), np.array([True, False, True]))),
    "reparametrised": (reparam(schools, config={"eta": LocScaleReparam(0.3)}), (EFFECTS, ERRORS)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_density_is_that_of_numpyro(name):
    function, args = CASES[name]
    model = from_numpyro(function, *args)
    parameters = model.parameters

    @partial(jax.jit, compiler_options=PLAIN)
    def ours(z):
        values, log_jacobian = parameters.constrain(z)
        joint = model.log_likelihood(z, None)[0] + model.prior.log_prob(z)
        return joint, log_jacobian, values, parameters.to_vector(values)

    @partial(jax.jit, compiler_options=PLAIN)
    def theirs(z):
        free, at = {}, 0
        for n, shape in zip(parameters.names, parameters.free_shapes, strict=True):
            free[n] = z[at : at + int(np.prod(shape))].reshape(shape)
            at += int(np.prod(shape))
        energy = potential_energy(function, args, {}, free)
        return -energy, constrain_fn(function, args, {}, free, return_deterministic=True)

    for seed in range(3):
        z = np.random.default_rng(seed).normal(size=parameters.origin.size)
        (joint, _, values, again), (expected, constrained) = ours(z), theirs(z)
        np.testing.assert_allclose(joint, expected, rtol=1e-12)
        np.testing.assert_allclose(again, z, atol=1e-9)
        assert set(parameters.names) <= set(values) == {n for n in constrained if not n.startswith("_")}
        for n, value in values.items():
            np.testing.assert_allclose(value, constrained[n], rtol=1e-12)
            assert value.shape == np.shape(constrained[n])


def test_names_and_shapes():
    model = from_numpyro(schools, EFFECTS, s=ERRORS)
    assert model.parameters.names == ("eta", "mu", "tau")
    assert model.parameters.kinds == ("real", "real", "positive")
    assert {k: v.shape for k, v in jax.eval_shape(model.constrain, jnp.zeros(6)).items()} == {
        "eta": (4,),
        "mu": (),
        "tau": (),
        "theta": (4,),
    }
    supported = from_numpyro(supports).parameters
    assert dict(zip(supported.names, supported.free_shapes, strict=True)) == {
        "above": (),
        "angle": (),
        "cuts": (3,),
        "factor": (3,),
        "matrix": (3,),
        "s": (),
        "shares": (3, 3),
        "within": (2,),
    }


def test_a_support_that_is_bounded_elsewhere_has_its_jacobian():
    """A conjugate check that NumPyro has no part in: p ~ Beta(3, 2), w | p ~ U(0, p): E w = E p / 2 by quadrature."""

    def model():
        p = numpyro.sample("p", dist.Beta(3, 2))
        numpyro.sample("w", dist.Uniform(0, p))

    ours = from_numpyro(model)
    grid = jnp.linspace(-16, 16, 161)
    z = jnp.stack(jnp.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    log_p = jax.jit(jax.vmap(lambda z: ours.log_likelihood(z, None)[0] + ours.prior.log_prob(z)))(z)
    values = jax.jit(jax.vmap(ours.constrain))(z)
    mass = np.exp(np.asarray(log_p)) * 0.2**2
    assert mass.sum() == pytest.approx(1, abs=1e-6)
    assert (mass * values["w"]).sum() == pytest.approx(0.3, abs=1e-6)


def test_other_data_compile_nothing():
    traced = []

    def model(y):
        traced.append(1)
        numpyro.sample("y", dist.Normal(numpyro.sample("mu", dist.Normal(0, 1)), 1), obs=y)

    from_numpyro(model, np.array([1.0, 2.0])).check()
    before = len(traced)
    from_numpyro(model, np.array([3.0, 2.0])).check()
    again = len(traced) - before
    before = len(traced)
    from_numpyro(model, np.array([3.0, 5.0, 2.0])).check()
    assert again < len(traced) - before


def test_a_model_may_count_its_groups():
    """Shapes from data: such data cannot be arguments of what is compiled, and become constants."""

    def model(group, y):
        with numpyro.plate("groups", int(group.max()) + 1):
            b = numpyro.sample("b", dist.Normal(0, 1))
        numpyro.sample("y", dist.Normal(b[group], 1), obs=y[y > 0])

    ours = from_numpyro(model, np.array([0, 2, 1]), np.array([1.0, -5.0, 2.0, 3.0]))
    assert ours.parameters.free_shapes == ((3,),)
    b = np.array([0.3, -1.0, 2.0])
    expected = -0.5 * (b @ b + np.sum((np.array([1.0, 2.0, 3.0]) - b[[0, 2, 1]]) ** 2) + 6 * np.log(2 * np.pi))
    assert float(ours.log_likelihood(b, None)[0]) == pytest.approx(expected)


@pytest.mark.slow
def test_a_fit_climbs_all_rungs_and_reports_deterministic_sites():
    fit = taut.fit(from_numpyro(schools, EFFECTS, ERRORS))
    sample = fit.sample(500)
    assert sample["theta"].shape == (500, 4)
    np.testing.assert_allclose(sample["theta"], sample["mu"][:, None] + sample["tau"][:, None] * sample["eta"])
    assert fit.verdict.trust.reliable


def discrete(y):
    k = numpyro.sample("k", dist.Bernoulli(0.3))
    numpyro.sample("y", dist.Normal(k, 1), obs=y)


def enumerated(y):
    k = numpyro.sample("k", dist.Categorical(jnp.ones(3) / 3), infer={"enumerate": "parallel"})
    numpyro.sample("y", dist.Normal(k, 1), obs=y)


def subsampled(y):
    mu = numpyro.sample("mu", dist.Normal(0, 1))
    with numpyro.plate("rows", len(y), subsample_size=1) as i:
        numpyro.sample("y", dist.Normal(mu, 1), obs=y[i])


def with_param(y):
    numpyro.sample("y", dist.Normal(numpyro.param("mu", 0.0), 1), obs=y)


def nothing_latent(y):
    numpyro.sample("y", dist.Normal(0, 1), obs=y)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (discrete, "'k' is discrete.*MixtureSameFamily"),
        (enumerated, "'k' is discrete"),
        (subsampled, "'rows' takes 1 of 4 rows.*batch_size"),
        (with_param, r"param\('mu'\).*no prior"),
        (nothing_latent, "no latent site"),
        ("schools", "not a function"),
    ],
)
def test_what_cannot_be_fitted_is_refused(model, message):
    with pytest.raises(ArgumentError, match=message):
        from_numpyro(model, EFFECTS)


def test_tables_are_refused():
    import polars as pl

    with pytest.raises(ArgumentError, match="DataFrame"):
        from_numpyro(nothing_latent, pl.DataFrame({"y": [1.0]}))


class WithoutDraws(dist.Distribution):
    """A density of one's own, as people write it for a likelihood: it cannot be drawn."""

    support = constraints.positive

    def __init__(self, shape=()):
        super().__init__(batch_shape=shape, event_shape=())

    def log_prob(self, value):
        return -2.0 * value


def flat_mean(y):
    mu = numpyro.sample("mu", dist.ImproperUniform(constraints.real, (), ()))
    numpyro.sample("y", dist.Normal(mu, 2.0), obs=y)


def flat_vector(y):
    b = numpyro.sample("b", dist.ImproperUniform(constraints.real_vector, (), (2,)))
    numpyro.sample("y", dist.Normal(b[0] + b[1] * jnp.arange(4.0), 1.0), obs=y)


def flat_plate(y):
    with numpyro.plate("rows", 4):
        mu = numpyro.sample("mu", dist.ImproperUniform(constraints.positive, (), ()))
        numpyro.sample("y", dist.Normal(mu, 1.0), obs=y)


def of_ones_own(y):
    rate = numpyro.sample("rate", WithoutDraws((2,)))
    numpyro.sample("y", dist.Gamma(2.0, rate[0] + rate[1]), obs=jnp.abs(y))


@pytest.mark.parametrize(
    ("model", "shapes", "kinds"),
    [
        (flat_mean, ((),), ("real",)),
        (flat_vector, ((2,),), ("real",)),
        (flat_plate, ((4,),), ("positive",)),
        (of_ones_own, ((2,),), ("positive",)),
    ],
)
def test_a_site_that_cannot_be_drawn_has_its_density(model, shapes, kinds):
    ours = from_numpyro(model, EFFECTS)
    assert (ours.parameters.free_shapes, ours.parameters.kinds) == (shapes, kinds)
    name = ours.parameters.names[0]
    z = np.linspace(-0.5, 0.7, ours.parameters.origin.size)
    values = ours.constrain(jnp.asarray(z))
    joint = numpyro.infer.util.log_density(model, (EFFECTS,), {}, {name: values[name]})[0]
    assert float(ours.log_likelihood(jnp.asarray(z), None)[0]) == pytest.approx(float(joint), rel=1e-12)


def test_a_flat_prior_of_a_mean_gives_the_likelihood():
    summary = taut.fit(from_numpyro(flat_mean, EFFECTS), progress=False).summary()
    assert summary["mean"][0] == pytest.approx(EFFECTS.mean(), abs=1e-6)
    assert summary["sd"][0] == pytest.approx(2 / np.sqrt(4), abs=1e-6)

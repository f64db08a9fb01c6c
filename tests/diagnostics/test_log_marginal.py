"""log p(x) and the ELBO against closed forms. Four standard errors are failed by chance once in 16,000 comparisons."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.special import logsumexp

from taut.diagnostics.codes import draw_key, encode
from taut.diagnostics.evaluation import evaluate
from taut.diagnostics.log_marginal import STREAM, LogMarginal, log_mean_weight, weigh
from taut.errors import ArgumentError
from taut.families.amortized import Amortized
from taut.gradients import Reparametrization
from taut.gradients.evaluate import evaluate as densities
from taut.models.latent import LatentVariableModel
from taut.models.likelihoods import Gaussian
from taut.models.prior import Independent
from taut.models.target import Target
from taut.networks.mlp import Linear
from taut.objectives import Elbo
from taut.objectives.importance_weighted import ImportanceWeighted
from taut.problem import Problem

SIGMAS = 4


def weighed(known, **options):
    return weigh(known.problem, known.images, encode(known.problem, known.images), **options)


@pytest.mark.parametrize("latent", [1, 2])
def test_importance_sampling_finds_the_closed_log_marginal(known, latent):
    case = known(latent=latent, widen=1.3, shrink=0.9)
    seen = LogMarginal.average(weighed(case, draws=400).log_marginal, 400)
    assert 0 < seen.standard_error < 0.02
    assert abs(seen.value - case.log_marginal.mean()) < SIGMAS * seen.standard_error
    assert seen.warning is None
    assert 100 < seen.worst_effective_sample_size < seen.effective_sample_size < 400


def test_each_image_finds_its_own_log_marginal(known):
    case = known(n=40, widen=1.3, shrink=0.9)
    seen = weighed(case, draws=400).log_marginal
    # The largest of 40 normal deviations is above 5 once in 40,000 runs.
    assert np.max(np.abs(seen.log - case.log_marginal) / seen.standard_error) < 5


@pytest.mark.slow
def test_standard_error_is_the_spread_over_repetitions(known):
    case = known(n=20, widen=1.3, shrink=0.9)
    runs = [weighed(case, draws=100, seed=s) for s in range(60)]
    z = np.array([(r.log_marginal.log - case.log_marginal) / r.log_marginal.standard_error for r in runs])
    e = np.array([(r.elbo - case.elbo) / r.elbo_standard_error for r in runs])
    # 1,200 deviations each: the standard error of their sd is 0.02.
    assert abs(z.std() - 1) < 0.12
    assert abs(e.std() - 1) < 0.12


def test_the_exact_posterior_leaves_nothing_to_chance(known):
    case = known()
    seen = evaluate(case.problem, case.images, draws=50, dtype="float64")
    truth = case.log_marginal.mean()
    assert seen.elbo == pytest.approx(truth, abs=1e-10)
    assert seen.log_marginal.value == pytest.approx(truth, abs=1e-10)
    assert seen.kl == pytest.approx(case.kl.mean(), abs=1e-10)
    assert seen.elbo_standard_error < 1e-10
    assert seen.log_marginal.standard_error < 1e-7  # the square root of rounding
    assert seen.log_marginal.effective_sample_size == pytest.approx(50)
    assert seen.log_marginal.worst_effective_sample_size == pytest.approx(50)


def test_elbo_and_its_terms_are_the_closed_ones(known):
    case = known(widen=1.5, shrink=0.7)
    seen = evaluate(case.problem, case.images, draws=400, dtype="float64")
    assert seen.kl == pytest.approx(case.kl.mean(), abs=1e-10)
    assert sum(seen.kl_per_dimension) == pytest.approx(seen.kl, abs=1e-10)
    assert seen.elbo == pytest.approx(seen.expected_log_likelihood - seen.kl)
    assert 0 < seen.elbo_standard_error < 0.1
    assert abs(seen.elbo - case.elbo.mean()) < SIGMAS * seen.elbo_standard_error


@pytest.mark.slow
def test_a_prior_without_closed_expectation_has_its_kl_sampled(x64):
    x = np.linspace(-2, 2, 9)[:, None]
    model = LatentVariableModel(lambda z: 1.5 * z, Gaussian(0.5), 1, Independent(dist.Laplace(0.0, 1.0)))
    problem = Problem(
        model, Amortized(Linear(np.array([[0.6, 0.0]]), np.array([0.0, -1.0]))), Elbo(), Reparametrization()
    )
    seen = evaluate(problem, x, draws=2000, dtype="float64")
    z = np.linspace(-15, 15, 60_001)
    log_joint = -0.5 * ((x - 1.5 * z) / 0.5) ** 2 - np.log(0.5) - 0.5 * np.log(2 * np.pi) - np.abs(z) - np.log(2)
    truth = (logsumexp(log_joint, axis=1) + np.log(z[1] - z[0])).mean()
    assert seen.kl_per_dimension is None
    assert abs(seen.log_marginal.value - truth) < SIGMAS * seen.log_marginal.standard_error
    sd = np.exp(7 * np.tanh(-1 / 7))
    q = np.exp(-0.5 * ((z - 0.6 * x) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    log_q = -0.5 * ((z - 0.6 * x) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
    elbo = ((q * (log_joint - log_q)).sum(1) * (z[1] - z[0])).mean()
    assert abs(seen.elbo - elbo) < SIGMAS * seen.elbo_standard_error


def test_one_weight_is_the_elbo_draw_by_draw_and_the_bound_rises(known):
    case = known(n=400, widen=2.0, shrink=0.5)
    draws, problem = 16, case.problem
    seen = weighed(case, draws=draws)

    def log_weights(place, x):  # the same draws, through the objectives
        q = problem.family.at(x[None])
        z = jax.vmap(lambda k: q.sample(q.noise(draw_key(0, STREAM, place, k))))(jnp.arange(draws))
        target = Target(problem.model, x[None], jnp.ones(1), jnp.ones(()))
        seen = jax.vmap(lambda z: densities(target, q, z[None], frozenset()))(z)
        return jax.vmap(ImportanceWeighted().statistics)(seen)["bound"], (seen.log_likelihood - seen.kl)[:, 0]

    each, elbos = map(np.asarray, jax.jit(jax.vmap(log_weights))(np.arange(400), case.images))
    np.testing.assert_allclose(each, elbos, atol=1e-10)
    np.testing.assert_allclose(seen.elbo, elbos.mean(axis=1), atol=1e-10)
    np.testing.assert_allclose(seen.log_marginal.log, log_mean_weight(each).log, atol=1e-10)
    bounds = [logsumexp(each[:, :K], axis=1) - np.log(K) for K in (1, 4, 16)]

    def error(a):
        return a.std(ddof=1) / np.sqrt(400)

    for rise in np.diff(bounds, axis=0):  # on shared draws, hence paired
        assert rise.mean() > SIGMAS * error(rise)
    missing = case.log_marginal - bounds[-1]
    assert missing.mean() > -SIGMAS * error(missing)


@pytest.mark.parametrize("shift", [0.0, -1000.0])
def test_log_mean_weight_survives_where_weights_underflow(shift):
    log_weights = np.random.default_rng(0).normal(size=(3, 50))
    seen = log_mean_weight(log_weights + shift)
    w = np.exp(log_weights)
    np.testing.assert_allclose(seen.log, np.log(w.mean(1)) + shift, atol=1e-10)
    np.testing.assert_allclose(seen.standard_error, w.std(1, ddof=1) / np.sqrt(50) / w.mean(1), atol=1e-10)
    np.testing.assert_allclose(seen.effective_sample_size, w.sum(1) ** 2 / (w**2).sum(1))
    np.testing.assert_allclose(seen.largest, w.max(1) / w.sum(1))


@pytest.mark.slow
def test_single_precision_at_log_weights_near_minus_1000(still):
    pixels = 1500

    def decoder(z):
        return 0.02 * jnp.sum(z) * jnp.ones(pixels)

    problem = Problem(
        LatentVariableModel(decoder, "bernoulli", 2), still([0.2, -0.1], [-1.0, -0.5]), Elbo(), Reparametrization()
    )
    images = (np.random.default_rng(1).random((5, pixels)) < 0.5).astype(float)
    single, double = (evaluate(problem, images, draws=100, dtype=t) for t in ("float32", "float64"))
    assert -1100 < double.log_marginal.value < -1000
    assert np.exp(np.float32(double.log_marginal.value)) == 0
    for each in (single, double):
        assert 0 < each.log_marginal.standard_error < 0.2
    # Different draws, since the generator's bits are read by precision.
    errors = np.hypot(single.log_marginal.standard_error, double.log_marginal.standard_error)
    assert abs(single.log_marginal.value - double.log_marginal.value) < SIGMAS * errors
    assert 10 < single.log_marginal.effective_sample_size <= 100


def test_a_dominant_weight_is_said(known):
    case = known(n=40, shrink=-3.0)  # in the wrong place
    seen = LogMarginal.average(weighed(case, draws=50).log_marginal, 50)
    assert seen.dominated > 0.5
    assert "one of the 50 weights" in seen.warning
    assert seen.value < case.log_marginal.mean()
    good = known(n=40, widen=1.3)
    assert LogMarginal.average(weighed(good, draws=50).log_marginal, 50).warning is None


def test_binary_codes_against_enumeration(binary):
    problem, images, _, log_joint, log_q = binary
    seen = evaluate(problem, images, draws=500, dtype="float64")
    q = np.exp(log_q)
    assert (
        abs(seen.log_marginal.value - logsumexp(log_joint, axis=1).mean()) < SIGMAS * seen.log_marginal.standard_error
    )
    elbo = (q * (log_joint - log_q)).sum(1).mean()
    kl = (q * (log_q + 4 * np.log(2))).sum(1).mean()
    assert abs(seen.elbo - elbo) < SIGMAS * seen.elbo_standard_error
    assert seen.kl == pytest.approx(kl, abs=1e-10)
    assert sum(seen.kl_per_dimension) == pytest.approx(kl, abs=1e-10)


def test_a_diverged_model_is_refused(still):
    problem = Problem(
        LatentVariableModel(lambda z: jnp.full(4, jnp.nan), latent=1), still([1.0], [0.0]), Elbo(), Reparametrization()
    )
    with pytest.raises(ArgumentError, match="not finite for image 0"):
        evaluate(problem, np.eye(4), draws=2)

"""The liars' gallery: on each of these a well-known single diagnostic says that all is well, or that nothing is.

Each test first lets the diagnostic lie, and then asserts that the verdict does not. `docs/verdict.md` tells the same
stories.
"""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

import taut
from taut.algorithms import StochasticGradient
from taut.algorithms.on_density.gaussians import Gaussian
from taut.algorithms.recipe import Recipe
from taut.diagnostics.importance import pareto_smoothed
from taut.models import LogDensity, real
from taut.verdict.convergence import full_step
from taut.verdict.trust import trust_from_weights

from ..helpers.densities import Plain, best_of_log_gamma, log_gamma, normal

N = 4000
Z = norm.ppf((np.arange(N) + 0.5) / N)
X = {"x": real(3)}
MODEL = LogDensity(lambda v: -1000.0 - 0.5 * jnp.sum((v["x"] - 8.0) ** 2), parameters=X)
"""Three unit Gaussians around 8, and the constant that a likelihood of many rows would bring: the whole of PyMC's issue
6271 and of many others."""


def off(fit):
    """Sds by which the worst mean is off."""
    return float(np.abs(np.asarray(fit.posterior.mean) - 8.0).max())


def stan_says_converged(elbo):
    """Stan's rule: mean or median of the last ten relative changes, taken every 100 steps, is below 1 %."""
    looks = elbo[99::100]
    changes = np.abs(np.diff(looks) / looks[1:])[-10:]
    return min(np.mean(changes), np.median(changes)) < 0.01


def stands_still(path):
    """A straight line through the last half of the ELBO is level, to within twice its standard error."""
    blocks = np.array([b.mean() for b in np.array_split(path[len(path) // 2 :], 10)])
    x = np.arange(10) - 4.5
    slope = x @ blocks / (x @ x)
    residual = blocks - blocks.mean() - slope * x
    return slope < 2 * np.sqrt(residual @ residual / 8 / (x @ x))


def adam(rate, steps):
    """At a constant rate, as most people run it, and without averaging."""
    return StochasticGradient(steps=steps, optimizer=Recipe(optax.adam, rate), averaging=None)


def trained(rate, steps):
    return taut.fit(MODEL, family="mean-field", algorithm=adam(rate, steps), progress=False)


def test_the_relative_change_of_the_elbo():
    """A slow rate: the ELBO creeps, each change is a fraction of 1,000, and the mean is five sds from home."""
    fit = trained(0.002, 1500)
    assert stan_says_converged(fit.history["elbo"])
    assert off(fit) > 3
    assert fit.verdict.converged.answer == "no"
    assert not fit.verdict.trust.reliable


def test_a_rate_ten_times_too_large():
    """The iterates hover: the ELBO has long been level, and the answer is wherever it was last."""
    fit = trained(1.5, 2000)
    assert stands_still(fit.history["elbo"])
    assert stan_says_converged(fit.history["elbo"])
    assert off(fit) > 0.1
    assert fit.verdict.converged.answer == "no"
    assert not fit.verdict.trust.reliable


def test_a_frozen_optimizer():
    """Nothing moves, so that every rule about change is met, at eight sds from home."""
    fit = trained(1e-12, 400)
    assert np.abs(np.asarray(fit.posterior.mean)).max() < 1e-6
    assert stands_still(fit.history["elbo"])
    assert off(fit) == pytest.approx(8.0, abs=1e-6)
    assert fit.verdict.converged.answer == "no"
    assert not fit.verdict.trust.reliable


def test_the_default_is_right_and_says_so():
    """The same model with nothing chosen."""
    fit = taut.fit(MODEL)
    assert off(fit) < 1e-6
    assert fit.verdict.converged.answer == "yes"
    assert fit.verdict.trust.answer == "good"
    np.testing.assert_allclose(fit.summary()["mean"], 8.0, atol=1e-6)


def rows_seen(y, scale):
    """The posterior of a mean under N(0, 10) that sees the rows `y`, scaled up as a minibatch is."""
    return Plain(
        1,
        lambda z: -0.5 * scale * ((z - y) ** 2).sum(1) - 0.5 * (z[:, 0] / 10) ** 2,
        lambda z: -scale * (z - y).sum(1, keepdims=True) - z / 100,
    )


@pytest.mark.slow
def test_a_stream_that_is_sorted():
    """Minibatches that come sorted by label: the last ones agree with each other, and with nothing else."""
    y = np.r_[np.zeros(500), np.ones(500)] + 0.1 * np.random.default_rng(0).standard_normal(1000)
    block, everything = rows_seen(y[-100:], 10.0), rows_seen(y, 1.0)
    precision = 1000 + 0.01
    of_block = Gaussian(np.array([10 * y[-100:].sum() / precision]), np.array([[precision**-0.5]]))
    rng = np.random.default_rng(0)
    assert full_step(block, of_block, False, rng).answer == "yes"
    assert full_step(everything, of_block, False, rng).answer == "no"
    of_all = Gaussian(np.array([y.sum() / precision]), of_block.factor)
    assert full_step(everything, of_all, False, rng).answer == "yes"


@pytest.mark.slow
def test_sorted_rows_are_shuffled_and_judged_whole():
    """Through the front door: whatever a minibatched fit of sorted rows answers, its verdict is on all of them."""
    random = np.random.default_rng(0)
    X = random.normal(size=(600, 2))
    y = np.sort(random.random(600) < 0.3).astype(int)  # sorted, and unrelated to X
    algorithm = StochasticGradient(steps=300, learning_rate=0.05)
    fit = taut.fit(taut.models.LogisticRegression(), (X, y), algorithm=algorithm, batch_size=20, progress=False)
    exact = taut.fit(taut.models.LogisticRegression(), (X, y))
    sd = np.sqrt(np.diag(exact.posterior.covariance))
    wrong = np.abs(np.asarray(fit.posterior.mean) - np.asarray(exact.posterior.mean)) / sd
    assert exact.verdict.converged.answer == "yes"
    assert exact.verdict.trust.reliable
    assert fit.verdict.converged.answer != "yes" or wrong.max() < 0.1


@pytest.mark.slow
def test_shuffled_rows_are_judged_by_the_same_rule_and_trusted():
    """The converse: a minibatched fit that has arrived is not doubted."""
    random = np.random.default_rng(0)
    X = random.normal(size=(600, 2))
    y = (random.random(600) < 0.3).astype(int)
    algorithm = StochasticGradient(steps=5000, learning_rate=0.02)
    fit = taut.fit(taut.models.LogisticRegression(), (X, y), algorithm=algorithm, batch_size=200, progress=False)
    exact = taut.fit(taut.models.LogisticRegression(), (X, y))
    sd = np.sqrt(np.diag(exact.posterior.covariance))
    wrong = np.abs(np.asarray(fit.posterior.mean) - np.asarray(exact.posterior.mean)) / sd
    assert wrong.max() < 0.1
    assert fit.verdict.converged.answer == "yes"
    assert fit.verdict.trust.reliable


def test_the_length_of_a_gradient():
    """An unknown of size a million: one sd from home its gradient is a millionth, below anybody's tolerance."""
    density = normal(np.zeros(1), np.array([[1e12]]))
    q = Gaussian(np.array([1e6]), np.array([[1e6]]))
    assert np.abs(density(q.mean[None]).gradient).max() < 1e-5
    assert full_step(density, q, False, np.random.default_rng(0)).answer == "no"


def weighed(mean, sd):
    """Log-weights of q = N(0, 1) for p = N(mean, sd)."""
    return norm.logpdf(Z, mean, sd) - norm.logpdf(Z)


def test_a_low_k_hat():
    """q is one sd off and as wide as p, as a Laplace approximation may be: k-hat is low, since weights can mend it."""
    log_weights = weighed(1.0, 1.0)
    assert pareto_smoothed(log_weights).k_hat < 0.7
    trust, weighing = trust_from_weights(log_weights, Z[:, None], ("x",))
    assert trust.answer == "corrected"
    assert trust.shift[0] == pytest.approx(1.0, abs=0.02)
    assert weighing.smoothed.weights @ Z == pytest.approx(1.0, abs=0.02)


def test_a_low_k_hat_with_few_effective_draws():
    """At 1.5 sds the correction itself is rough, and k-hat is still low."""
    log_weights = weighed(1.5, 1.0)
    assert pareto_smoothed(log_weights).k_hat < 0.7
    assert trust_from_weights(log_weights, Z[:, None], ("x",))[0].answer == "suspect"


def test_a_high_k_hat_that_is_harmless():
    """The log of a Gamma variable of shape 20 and its best Gaussian: the weights' tail is as bad as can be, and the
    mean is right to a thousandth of an sd."""
    q, target = best_of_log_gamma(20.0), log_gamma(20.0)
    draws = Z[:, None]
    log_weights = target(q.at(draws)).value - q.log_prob(draws)
    trust = trust_from_weights(log_weights, q.at(draws), ("x",))[0]
    assert trust.k_hat > 0.7
    x = np.linspace(0, 6, 20001)
    p = np.exp(target(x[:, None]).value)
    assert abs(np.sum(p * x) / np.sum(p) - q.mean[0]) < 0.01 * q.sd[0]
    assert trust.answer == "good"


def test_a_mode_that_no_draw_sees():
    """Two modes ten sds apart: at draws of one all weights are equal, and everything computed from them is perfect."""
    log_weights = np.logaddexp(np.log(0.7) + norm.logpdf(Z), np.log(0.3) + norm.logpdf(Z, 10)) - norm.logpdf(Z)
    seen = pareto_smoothed(log_weights)
    assert seen.effective_sample_size > 0.99 * N
    assert 0.5 * np.var(log_weights) < 1e-6
    assert trust_from_weights(log_weights, Z[:, None], ("x",))[0].answer == "good"  # the weights alone would not know
    trust = trust_from_weights(log_weights, Z[:, None], ("x",), rivals=0.3)[0]
    assert trust.answer == "suspect"
    assert "30%" in trust.reason


def log_two_modes(v):
    x = v["x"]
    return jnp.logaddexp(jnp.log(0.7) - 0.5 * jnp.sum(x**2), jnp.log(0.3) - 0.5 * ((x[0] - 10) ** 2 + x[1] ** 2))


@pytest.mark.parametrize("algorithm", ["score regression", None])
def test_two_modes_from_end_to_end(algorithm):
    """One Gaussian is suspect; where the choice is Taut's, both modes are found and the answer is trusted."""
    fit = taut.fit(LogDensity(log_two_modes, parameters={"x": real(2)}), algorithm=algorithm)
    wrong = np.abs(fit.summary()["mean"].to_numpy() - [3.0, 0.0]) / np.sqrt([22.0, 1.0])
    if algorithm is None:
        assert fit.verdict.trust.reliable
        assert wrong.max() < 0.1
    else:
        assert not fit.verdict.trust.reliable
        assert wrong.max() > 0.5
        assert fit.verdict.converged.answer == "yes"  # the best of its family, and not to be trusted


def test_a_perfect_fit():
    """Equal weights: no draw lies in the tail, which tools report as an infinite k-hat or an error."""
    log_weights = np.full(N, -3.0)
    threshold = np.sort(log_weights)[-int(np.ceil(3 * np.sqrt(N))) - 1]
    assert not np.any(log_weights > threshold)  # the tail that would be fitted is empty
    trust = trust_from_weights(log_weights, Z[:, None], ("x",))[0]
    assert (trust.answer, trust.k_hat, trust.effective_sample_size) == ("good", 0.0, pytest.approx(N))


def test_the_best_of_a_family_that_is_too_poor():
    """A mean field on correlated unknowns has converged, its means are right, and its sds are a third of the truth."""
    covariance = np.array([[1.0, 0.95], [0.95, 1.0]])
    density = normal(np.zeros(2), covariance)
    q = Gaussian(np.zeros(2), np.eye(2) * np.diag(np.linalg.inv(covariance))[0] ** -0.5)
    assert full_step(density, q, True, np.random.default_rng(0)).answer == "yes"
    z = np.random.default_rng(1).standard_normal((N, 2))
    log_weights = density(q.at(z)).value - q.log_prob(z)
    trust = trust_from_weights(log_weights, q.at(z), ("a", "b"))[0]
    assert trust.answer in ("suspect", "unusable")
    assert np.abs(q.at(z).mean(0)).max() < 0.05  # the means, which one looks at first, say nothing

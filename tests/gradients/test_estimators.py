"""What each estimator promises besides its expectation: its value, its flow of derivatives, its memory, its noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families import FullRank, MeanField
from taut.gradients import Exact, LeaveOneOut, MovingAverage, NoControl, Reinforce, Reparametrization
from taut.models import LogDensity, LogisticRegression, Normal, real
from taut.models.target import Target
from taut.objectives import Draws, Elbo

pytestmark = pytest.mark.usefixtures("x64")
rng = np.random.default_rng(2)
X, Y = rng.normal(size=(5, 2)), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
WEIGHTS, SCALE = np.array([1.0, 2.0, 0.0, 0.5, 1.0]), 3.0
MODEL = LogisticRegression(Normal(0.2, 1.5))
Q = MeanField(np.array([0.4, -0.3]), np.array([-0.2, 0.1]))
NOISE = rng.normal(size=(4, 2))
CONTROLS = [NoControl(), MovingAverage(), LeaveOneOut()]
SAMPLED = [Reparametrization(samples=4), *(Reinforce(samples=4, control=c) for c in CONTROLS)]


def target():
    return Target(MODEL, (X, Y), WEIGHTS, np.asarray(SCALE))


def by_hand(z):
    """Scaled log-likelihood, log prior and log q at each draw, in NumPy."""
    logits = z @ X.T
    likelihood = SCALE * (Y * logits - np.logaddexp(0, logits)) @ WEIGHTS

    def normal(z, m, s):
        return np.sum(-0.5 * ((z - m) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi), -1)

    return likelihood, normal(z, 0.2, 1.5), normal(z, Q.mean, np.exp(Q.log_sd))


def slope(gradient, q=Q, closed=frozenset(), memory=(), noise=NOISE, name=None):
    """The surrogate's derivative: of one statistic, or of the ELBO."""

    @jax.jit
    @jax.grad
    def of(q):
        statistics, _ = gradient.surrogate(noise, Elbo(), target(), q, closed, memory)
        return statistics[name] if name else Elbo().value(statistics, (), 0)

    return of(q)


@pytest.mark.parametrize("gradient", SAMPLED, ids=lambda g: repr(g)[:50])
def test_the_value_is_the_plain_estimate(gradient):
    memory = gradient.init({"expected_log_likelihood": np.zeros(()), "kl": np.zeros(())})
    evaluate = jax.jit(lambda q: gradient.surrogate(NOISE, Elbo(), target(), q, frozenset(), memory))
    statistics, info = evaluate(Q)
    likelihood, log_prior, log_q = by_hand(Q.mean + np.exp(Q.log_sd) * NOISE)
    for seen in (statistics, info.terms):
        np.testing.assert_allclose(seen["expected_log_likelihood"], likelihood.mean(), rtol=1e-12)
        np.testing.assert_allclose(seen["kl"], (log_q - log_prior).mean(), rtol=1e-12)


def test_the_exact_estimator_has_no_noise_and_its_own_value():
    gradient = Exact()
    assert gradient.noise(jax.random.key(0), Q) == ()
    statistics, _ = jax.jit(lambda q: gradient.surrogate((), Elbo(), target(), q, frozenset(), ()))(Q)
    variance, scale = np.exp(2 * Q.log_sd), 1.5
    kl = np.sum(np.log(scale) - Q.log_sd + 0.5 * (variance + (Q.mean - 0.2) ** 2) / scale**2 - 0.5)
    np.testing.assert_allclose(statistics["kl"], kl, rtol=1e-12)
    x = np.linspace(-10, 10, 2001)
    eta = X @ Q.mean + np.sqrt(X**2 @ variance) * x[:, None]
    density = 0.01 * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    expected = SCALE * WEIGHTS @ (Y * (X @ Q.mean) - density @ np.logaddexp(0, eta))
    np.testing.assert_allclose(statistics["expected_log_likelihood"], expected, atol=1e-7)


def scores(z):
    """Derivative of log q at each draw in (mean, log_sd), `[K, 2]` each."""
    standard = (z - Q.mean) / np.exp(Q.log_sd)
    return standard / np.exp(Q.log_sd), standard**2 - 1


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: c.name)
def test_reinforce_is_signal_times_score_and_nothing_through_the_draws(control):
    gradient = Reinforce(samples=4, control=control)
    earlier = ({"expected_log_likelihood": np.array(-2.0), "kl": np.array(0.5)}, np.array(0.4))
    found = slope(gradient, memory=earlier, name="expected_log_likelihood")
    z = Q.mean + np.exp(Q.log_sd) * NOISE
    f = by_hand(z)[0]
    baseline = {
        "none": 0.0,
        "moving-average": -2.0 / 0.4,
        "leave-one-out": (f.sum() - f) / 3,
    }[control.name]
    for leaf, score in zip((found.mean, found.log_sd), scores(z), strict=True):
        np.testing.assert_allclose(leaf, (f - baseline) / 4 @ score, rtol=1e-10)


def test_a_density_without_a_derivative_will_do_for_reinforce():
    # Only log q is differentiated: a step function in z gets a gradient, where reparametrization sees a flat landscape.
    model = LogDensity(lambda v: jnp.where(v["z"][0] > 0.3, 1.0, 0.0), parameters={"z": real(2)})
    steps = Target(model, np.zeros((1, 0)), np.ones(1), np.asarray(1.0))

    def of(gradient):
        def value(q):
            return gradient.surrogate(NOISE, Elbo(), steps, q, frozenset(), ())[0]

        return jax.jit(jax.grad(lambda q: value(q)["expected_log_likelihood"]))(Q).mean

    z = Q.mean + np.exp(Q.log_sd) * NOISE
    by_scores = (z[:, 0] > 0.3) / 4 @ scores(z)[0]
    np.testing.assert_allclose(of(Reinforce(samples=4, control=NoControl())), by_scores, rtol=1e-12)
    np.testing.assert_array_equal(of(Reparametrization(samples=4)), 0)


@pytest.mark.parametrize("gradient", SAMPLED, ids=lambda g: repr(g)[:50])
def test_the_closed_part_of_the_kl_carries_no_noise(gradient):
    # With everything closed the derivative of the KL is the same whatever the draws, and it is the right one.
    closed = frozenset({Capability.CLOSED_ENTROPY, Capability.CLOSED_PRIOR})
    memory = gradient.init({"expected_log_likelihood": np.zeros(()), "kl": np.zeros(())})
    for noise in (NOISE, NOISE[::-1] * 2):
        found = slope(gradient, closed=closed, memory=memory, noise=noise, name="kl")
        np.testing.assert_allclose(found.mean, (Q.mean - 0.2) / 1.5**2, rtol=1e-12)
        np.testing.assert_allclose(found.log_sd, np.exp(2 * Q.log_sd) / 1.5**2 - 1, rtol=1e-12)


def some_draws(K=5):
    r = np.random.default_rng(7)
    return Draws(*(jnp.asarray(r.normal(size=K)) for _ in range(4)), exact_kl=jnp.asarray(11.0))


def test_leave_one_out_signal():
    draws = some_draws()
    signal, observed = jax.jit(lambda d: LeaveOneOut().signal(Elbo(), d, ()))(draws)
    assert observed == ()
    for name, f in (("expected_log_likelihood", draws.log_likelihood), ("kl", draws.kl)):
        f = np.asarray(f)
        others = np.array([np.mean(np.delete(f, k)) for k in range(5)])
        np.testing.assert_allclose(signal[name], (f - others) / 5, rtol=1e-12)
        np.testing.assert_allclose(np.sum(signal[name]), 0, atol=1e-14)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: c.name)
def test_the_closed_kl_is_in_no_signal(control):
    memory = control.init({"expected_log_likelihood": np.zeros(()), "kl": np.zeros(())})
    signal = jax.jit(lambda d: control.signal(Elbo(), d, memory)[0])
    with_it, without = some_draws(), some_draws()._replace(exact_kl=jnp.asarray(0.0))
    jax.tree.map(np.testing.assert_array_equal, signal(with_it), signal(without))


def test_a_leave_one_out_signal_does_not_know_its_own_draw():
    # That is what keeps it unbiased: (others' mean) must not move with draw k.
    draws = some_draws()
    moved = draws._replace(log_likelihood=draws.log_likelihood.at[2].add(5.0))
    signal = jax.jit(lambda d: LeaveOneOut().signal(Elbo(), d, ())[0]["expected_log_likelihood"])

    def baseline(d):
        return np.asarray(d.log_likelihood / 5 - signal(d))[2]

    np.testing.assert_allclose(baseline(moved), baseline(draws), rtol=1e-12)


def test_the_moving_average_is_of_earlier_steps_and_unbiased_from_the_first():
    control = MovingAverage(decay=0.8)
    like = {"expected_log_likelihood": np.zeros(()), "kl": np.zeros(())}
    memory, draws = control.init(like), some_draws()
    first, observed = control.signal(Elbo(), draws, memory)
    # Nothing is known before the first step, so nothing is subtracted.
    np.testing.assert_allclose(first["kl"], draws.kl / 5)
    kls = [1.0, 3.0, 0.0]
    for kl in kls:
        memory = control.update(memory, {"expected_log_likelihood": np.float64(-4.0), "kl": np.float64(kl)})
    weights = 0.2 * 0.8 ** np.arange(2, -1, -1)
    average = weights @ kls / weights.sum()
    np.testing.assert_allclose(control.signal(Elbo(), draws, memory)[0]["kl"], (draws.kl - average) / 5, rtol=1e-12)
    np.testing.assert_allclose(observed["kl"], np.mean(draws.kl), rtol=1e-12)


@pytest.mark.parametrize("gradient", SAMPLED, ids=lambda g: repr(g)[:50])
def test_noise_is_one_independent_piece_a_draw(gradient):
    q = FullRank.around(np.zeros(3))
    noise = jax.jit(lambda key: gradient.noise(key, q))
    first = np.asarray(noise(jax.random.key(0)))
    assert first.shape == (4, 3)
    assert np.unique(first).size == 12
    np.testing.assert_array_equal(first, noise(jax.random.key(0)))
    assert not np.any(np.isin(first, noise(jax.random.key(1))))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Reparametrization(samples=0), "samples=0"),
        (lambda: Reparametrization(samples=1.5), "samples=1.5"),
        (lambda: Reinforce(samples=1), "at least 2"),
        (lambda: Reinforce(samples=0, control=NoControl()), "samples=0"),
        (lambda: MovingAverage(decay=1.0), "decay=1.0"),
        (lambda: MovingAverage(decay=-0.1), "decay=-0.1"),
    ],
)
def test_senseless_arguments_are_refused(build, words):
    with pytest.raises(ArgumentError, match=words):
        build()


def test_reinforce_goes_slower_the_more_parameters_there_are():
    small, large = FullRank.around(np.zeros(3)), FullRank.around(np.zeros(40))
    assert Reinforce(samples=50).rate(small) == Reinforce.learning_rate
    assert Reinforce(samples=50).rate(MeanField.around(np.zeros(16))) == Reinforce.learning_rate
    slow = Reinforce(samples=50).rate(large)
    assert slow == pytest.approx((50 / (40**2 + 2 * 40)) ** 0.5 / 60)
    assert Reinforce(samples=200).rate(large) == pytest.approx(2 * slow)
    assert Reparametrization().rate(large) == Reparametrization.learning_rate


@pytest.mark.slow
@pytest.mark.parametrize("D", [20, 31, 49])
def test_reinforce_does_not_run_away_in_a_long_run(D):
    X = np.random.default_rng(D).normal(size=(500, D - 1))
    y = (X[:, 0] + np.random.default_rng(1).logistic(size=500) > 0).astype(float)
    model = LogisticRegression()
    best = taut.fit(model, (X, y), family="full-rank", progress=False).elbo
    for seed in (0, 1):
        found = taut.fit(
            model, (X, y), family="full-rank", gradient=Reinforce(samples=50), steps=10_000, seed=seed, progress=False
        )
        assert found.elbo > best - 0.5

"""The verdict of a whole fit on posteriors with known moments, and what is done where a Gaussian cannot be trusted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import digamma, polygamma

import taut
from taut.models import LogDensity, positive, real


def off(fit, mean, sd):
    """Largest error of a mean in true sds, and of an sd as a share."""
    table = fit.summary()
    return (
        float(np.max(np.abs(np.array(table["mean"]) - mean) / sd)),
        float(np.max(np.abs(np.array(table["sd"]) / sd - 1))),
    )


def two_modes(v):
    near, far = (-0.5 * jnp.sum((v["x"] - m) ** 2) for m in (0.0, 10.0))
    return jnp.logaddexp(near + jnp.log(0.7), far + jnp.log(0.3))


def log_gamma(v):
    return v["x"] - jnp.exp(v["x"])


@pytest.fixture(scope="module")
def bimodal():
    return taut.fit(LogDensity(two_modes, parameters={"x": real()}))


def test_separated_modes_become_a_mixture(bimodal):
    assert bimodal.posterior.name == "mixture of Gaussians"
    assert bimodal.verdict.trust.answer == "good"
    assert "mixture" in bimodal.verdict.rungs[0]
    mean_error, sd_error = off(bimodal, np.array([3.0]), np.sqrt([1 + 0.7 * 9 + 0.3 * 49]))
    assert mean_error < 0.07  # 4,000 draws: a standard error of 0.016 sd; 4 of them fail once in 16,000
    assert sd_error < 0.05


def test_an_explicit_family_is_kept_and_its_verdict_says_what_it_misses():
    fit = taut.fit(LogDensity(two_modes, parameters={"x": real()}), family="full-rank")
    assert fit.posterior.name == "full-rank"
    assert fit.verdict.trust.answer == "suspect"
    assert "another optimum" in fit.verdict.trust.reason
    assert fit.verdict.rungs == ()


def test_a_constant_in_the_density_changes_nothing(bimodal):
    shifted = taut.fit(LogDensity(lambda v: two_modes(v) - 1e4, parameters={"x": real()}))
    assert shifted.verdict.trust.answer == bimodal.verdict.trust.answer
    assert shifted.elbo == pytest.approx(bimodal.elbo - 1e4, abs=1e-6)


def test_a_positive_unknown_is_corrected_or_good_and_right():
    # A Gamma(4, 1) through the logarithm: mean 4, sd 2.
    fit = taut.fit(LogDensity(lambda v: 3 * jnp.log(v["x"]) - v["x"], parameters={"x": positive()}))
    assert fit.verdict.trust.reliable
    mean_error, sd_error = off(fit, np.array([4.0]), np.array([2.0]))
    assert mean_error < 0.1
    assert sd_error < 0.1


def test_everything_said_survives_saving(bimodal, tmp_path):
    again = taut.load(bimodal.save(tmp_path / "run"))
    assert str(again.verdict) == str(bimodal.verdict)
    assert again.verdict.to_json() == bimodal.verdict.to_json()
    assert bimodal.to_json()["verdict"]["trust"]["answer"] == "good"


def test_a_skewed_posterior_is_bent_as_it_is():
    fit = taut.fit(LogDensity(log_gamma, parameters={"x": real()}))
    assert fit.posterior.name == "bent coordinates"
    assert fit.verdict.trust.answer == "good"
    mean_error, sd_error = off(fit, np.array([digamma(1)]), np.sqrt([polygamma(1, 1)]))
    assert mean_error < 0.001
    assert sd_error < 0.01


def test_light_tails_are_trusted():
    """The converse of the tests below: a Student-t with 30 degrees of freedom is no reason for doubt."""
    fit = taut.fit(LogDensity(lambda v: jnp.sum(jax.scipy.stats.t.logpdf(v["x"], 30.0)), parameters={"x": real(2)}))
    mean_error, sd_error = off(fit, np.zeros(2), np.sqrt(np.full(2, 30 / 28)))
    assert fit.verdict.trust.reliable
    assert mean_error < 0.1
    assert sd_error < 0.05


@pytest.mark.slow
def test_heavy_tails_are_answered_by_chains_or_called_suspect():
    fit = taut.fit(LogDensity(lambda v: jnp.sum(jax.scipy.stats.t.logpdf(v["x"], 5.0)), parameters={"x": real(2)}))
    mean_error, sd_error = off(fit, np.zeros(2), np.sqrt(np.full(2, 5 / 3)))
    assert fit.verdict.rungs
    assert mean_error < 0.1
    assert not fit.verdict.trust.reliable or sd_error < 0.1


@pytest.mark.parametrize("seed", [3, 4])
def test_tails_that_the_weights_only_hint_at_are_climbed_for(seed):
    # At these seeds 4,000 draws of the Gaussian, whose sds are 0.86 of the true ones, look good by themselves.
    def joint(v):
        return -0.5 * (5 + 5) * jnp.log1p(jnp.sum((v["x"] - 1.0) ** 2) / 5)

    fit = taut.fit(LogDensity(joint, parameters={"x": real(5)}), seed=seed)
    mean_error, sd_error = off(fit, np.ones(5), np.sqrt(np.full(5, 5 / 3)))
    assert "wider draws" in fit.verdict.rungs[0]
    assert fit.verdict.trust.answer == "corrected"
    assert mean_error < 0.07  # 16,000 draws worth 15,000: a standard error of 0.008 sd
    assert sd_error < 0.07


@pytest.mark.slow
def test_chains_that_have_not_settled_are_the_answer_and_are_suspect(monkeypatch, tmp_path):
    """Here they have, and are only said not to: their sds are exact, unlike those of q, and are saved."""
    monkeypatch.setattr("taut.verdict.hamiltonian.MOST_DRIFT", 0.0)
    monkeypatch.setattr("taut.verdict.hamiltonian.NOISE", 0.0)
    monkeypatch.setattr("taut.verdict.fallbacks._warped", lambda model, density, gaussian, solution, best, *rest: best)
    monkeypatch.setattr("taut.verdict.reweighed.reweighed", lambda model, density, best, *rest: best)
    fit = taut.fit(LogDensity(lambda v: jnp.sum(jax.scipy.stats.t.logpdf(v["x"], 6.0)), parameters={"x": real(2)}))
    assert fit.verdict.trust.answer == "suspect"
    assert "have not settled" in fit.verdict.trust.reason
    mean_error, sd_error = off(fit, np.zeros(2), np.sqrt(np.full(2, 6 / 4)))
    assert mean_error < 0.1
    assert sd_error < 0.1
    assert np.all(np.asarray(fit.posterior.variance) < 0.92 * 6 / 4)
    fit.save(tmp_path / "fit")
    np.testing.assert_array_equal(taut.load(tmp_path / "fit").summary()["sd"], fit.summary()["sd"])

"""Simulation-based calibration: the test keeps its level, a wrong posterior is named, refits share what is compiled."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import taut
from taut.diagnostics.calibration import _below, band, bins, calibration
from taut.errors import ArgumentError
from taut.models import LogDensity, real
from taut.report.figures import ranks as pictures
from taut.studies import calibrate as calibrating
from taut.studies.calibrate import _Builder, calibrate

SIZE, DRAWS = 200, 99


def ranks_of(posterior_mean, posterior_sd, columns=1, size=SIZE, seed=0):
    """Ranks of a truth ~ N(0, 1) among draws of N(mean, sd)."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=(size, 1, columns))
    drawn = posterior_mean + posterior_sd * random.normal(size=(size, DRAWS, columns))
    return (drawn < truth).sum(1)


def test_the_band_holds_as_often_as_it_says():
    """Of 2,000 uniform samples, other than those it was made from; 95 % +- 4 binomial errors of 0.5 %, and a little
    more for the discreteness of counts."""
    low, high = band(SIZE, DRAWS)
    seen = _below(np.random.default_rng(7).integers(0, DRAWS + 1, (SIZE, 2000)), DRAWS)
    held = ((seen >= low[:, None]) & (seen <= high[:, None])).all(0).mean()
    assert 0.93 < held < 0.975


def test_p_values_of_uniform_ranks_are_uniform():
    found = calibration(tuple(f"x{i}" for i in range(400)), ranks_of(0.0, 1.0, 400), DRAWS)
    for p in (found.p, found.chi_square_p):
        # 400 p-values: shares to four binomial standard errors (0.011 and 0.025 at most).
        assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.045)
        assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.1)
    assert found.coverage[0.9].mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("mean", "sd", "word"), [(0, 0.6, "too narrow"), (0, 1.7, "too wide"), (0.5, 1, "too high"), (-0.5, 1, "too low")]
)
def test_wrong_posteriors_are_named(mean, sd, word):
    found = calibration(("x", "y"), np.concatenate([ranks_of(mean, sd), ranks_of(0, 1, seed=5)], 1), DRAWS)
    assert not found.calibrated
    assert found.departures() == {"x": word}
    assert f"x {word}" in str(found)
    assert found.coverage[0.9][0] == pytest.approx(norm.cdf(mean + 1.645 * sd) - norm.cdf(mean - 1.645 * sd), abs=0.09)


def test_what_is_shown_is_corrected_for_how_many_were_looked_at():
    found = calibration(tuple(f"x{i}" for i in range(40)), ranks_of(0.0, 1.0, 40), DRAWS)
    assert found.p.min() < 0.05  # one of forty is, as it should be
    shown = found.to_json()["scalars"]
    assert min(s["p_value"] for s in shown.values()) == found.overall_p == pytest.approx(min(1, 40 * found.p.min()))
    assert all(
        s["chi_square_p_value"] == min(1, 40 * p) for s, p in zip(shown.values(), found.chi_square_p, strict=True)
    )
    assert "corrected for their number" in str(found)


@pytest.mark.parametrize(("size", "draws", "expected"), [(200, 99, 20), (60, 99, 10), (20, 99, 4), (200, 127, 16)])
def test_histograms_have_even_bins(size, draws, expected):
    assert bins(size, draws) == expected


N = 6


def simulate_prior(key):
    return {"mu": jax.random.normal(key, (2,))}


def simulate_data(key, parameters):
    return parameters["mu"] + jax.random.normal(key, (N, 2))


traced = []


def model(data, sd=1.0):
    def log_joint(v):
        traced.append(1)
        return jnp.sum(-0.5 * ((data - v["mu"]) / sd) ** 2) - 0.5 * jnp.sum(v["mu"] ** 2)

    return LogDensity(log_joint, parameters={"mu": real(2)})


def test_a_conjugate_model_is_calibrated():
    """A Gaussian posterior, which the engine finds exactly; and one data set after the other is compiled once."""
    found = calibrate(simulate_prior, simulate_data, model, repeats=20, family="full-rank")
    assert found.names == ("mu[0]", "mu[1]")
    assert found.ranks.shape == (20, 2)
    assert found.calibrated
    assert sum(found.answers["trust"].values()) == 20
    assert json.loads(json.dumps(found.to_json()))["refits"] == 20
    assert len(traced) < 20 + 10  # one look at the shapes for each refit, and a compilation that all share
    assert len(pictures.rank_plot(found).axes) == 2


@pytest.mark.slow
def test_a_wrong_likelihood_is_found_out():
    found = calibrate(simulate_prior, simulate_data, lambda data: model(data, 0.4), repeats=40, family="full-rank")
    assert found.departures() == {"mu[0]": "too narrow", "mu[1]": "too narrow"}


def test_a_model_that_reads_its_data_is_built_anew():
    def reading(data):
        shift = float(data.mean())
        return LogDensity(lambda v: -0.5 * (v["mu"] - shift) ** 2, parameters={"mu": real()})

    build = _Builder(reading)
    (built,) = build(np.ones(3))
    assert not build.traced
    assert float(built.density({"mu": jnp.ones(())})) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repeats": 3}, "at least ten"),
        ({"draws": 2}, "at least nine"),
        ({"model": "m"}, "model of Taut, or a function"),
        ({"model": lambda data: 3}, "must return a taut.models.LogDensity"),
        (
            {"simulate_prior": lambda key: {"nu": jnp.zeros(2)}, "simulate_data": lambda key, p: jnp.zeros((N, 2))},
            r"names nu\[0\]",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    given = {"simulate_prior": simulate_prior, "simulate_data": simulate_data, "model": model, "repeats": 10}
    with pytest.raises(ArgumentError, match=message):
        calibrate(**given | arguments, family="full-rank")


class Answer:
    verdict = None

    def sample(self, n, seed):
        return {"mu": np.random.default_rng(seed).normal(size=(n, 2))}


def test_refits_that_fail_are_counted(monkeypatch):
    """Every fourth data set is one that the model refuses."""
    made = []

    def sometimes(data):
        made.append(1)
        if len(made) % 4 == 0:
            raise taut.TautError("too few counts")
        return model(data)

    monkeypatch.setattr(calibrating, "fit", lambda model, **given: Answer())
    found = calibrate(simulate_prior, simulate_data, sometimes, repeats=20)
    assert len(found.ranks) == 20 - 5
    assert found.failures == {"too few counts": 5}
    assert "5 refits failed: too few counts" in str(found)


def test_nothing_is_said_of_refits_that_mostly_fail(monkeypatch):
    def failing(*given, **sentences):
        raise taut.TautError("no start")

    monkeypatch.setattr(calibrating, "fit", failing)
    with pytest.raises(ArgumentError, match="More than half of the refits failed; the last one: no start"):
        calibrate(simulate_prior, simulate_data, model, repeats=10)

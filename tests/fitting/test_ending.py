"""A fit that blew up is called diverged, whatever blew up; noise, a good start and overfitting are not."""

import json
import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import taut
from taut.algorithms import Recipe, ScoreRegression, StochasticGradient
from taut.diagnostics.elbo import Bound
from taut.families import MeanField
from taut.fitting.ending import ending_of_steps, ending_on_density
from taut.learning.ended import Ended
from taut.learning.loop import Learned
from taut.models import LatentVariableModel, LogDensity, LogisticRegression, real
from taut.models.likelihoods import Bernoulli
from taut.networks import MLP
from taut.verdict import fallbacks
from taut.verdict.answers import Converged
from taut.verdict.convergence import Convergence

STEPS = 40


def table(rows=60):
    r = np.random.default_rng(0)
    X = r.normal(size=(rows, 4))
    return X, (X[:, 0] + r.normal(size=rows) > 0).astype(int)


def climbing(rate, steps=STEPS):
    return StochasticGradient(steps=steps, learning_rate=rate)


def regression(rate, **asked):
    return taut.fit(LogisticRegression(), table(), algorithm=climbing(rate), **asked)


def density(rate, **asked):
    model = LogDensity(lambda v: -0.5 * jnp.sum((v["x"] - 1.0) ** 2), parameters={"x": real(3)})
    return taut.fit(model, algorithm=climbing(rate), **asked)


def pictures(n=200):
    r = np.random.default_rng(0)
    kinds = r.uniform(size=(4, 16)) > 0.5
    flips = r.uniform(size=(n, 16)) < 0.05
    return (kinds[r.integers(4, size=n)] ^ flips).astype(np.float32)


def autoencoder(rate, examples=None, steps=STEPS, **asked):
    examples, validation = pictures()[:150] if examples is None else examples, pictures()[150:]
    model = LatentVariableModel(MLP([2, 16, 16], seed=0), Bernoulli(), latent=2)
    asked = {"validation": validation, "batch_size": 50} | asked
    return taut.fit(model, examples, algorithm=climbing(rate, steps), progress=False, **asked)


BLOWN_UP = {
    "regression": lambda: regression(100.0),
    "rate of a thousand": lambda: regression(1e3),
    "rate of a million": lambda: regression(1e6),
    "mean-field": lambda: regression(100.0, family="mean-field"),
    "reinforce": lambda: regression(10.0, family="mean-field", gradient="reinforce"),
    "minibatches": lambda: regression(30.0, batch_size=10),
    "float32 overflows": lambda: regression(1e6, dtype="float32"),
    "log density": lambda: density(100.0),
    "log density, overflowing": lambda: density(1e200),
    "autoencoder": lambda: autoencoder(10.0),
    "autoencoder, early stopping": lambda: autoencoder(10.0, patience=1),
    "beta": lambda: autoencoder(10.0, objective="beta=4"),
    "importance-weighted": lambda: autoencoder(10.0, objective="iwae=3"),
    "constrained": lambda: autoencoder(10.0, objective="kl<=1"),
    "annealed": lambda: autoencoder(10.0, objective="annealed"),
}
SLOW = set(BLOWN_UP) - {"regression", "log density"}


@pytest.mark.parametrize(
    "blow", [pytest.param(f, id=n, marks=pytest.mark.slow if n in SLOW else ()) for n, f in BLOWN_UP.items()]
)
def test_a_fit_that_blew_up_has_diverged(blow):
    fit = blow()
    assert fit.ended is Ended.DIVERGED
    assert (fit.verdict.converged.answer, fit.verdict.trust.answer) == ("no", "unusable")
    assert "learning rate" in fit.reason
    assert "not usable" in str(fit)
    # JSON that a strict reader takes: null in place of a number that is not finite.
    assert json.loads(json.dumps(fit.to_json(), allow_nan=False))["ended"] == "diverged"
    for sentence in (str(fit.verdict), fit.ended.value):
        assert not any(word in sentence.split() for word in ("nan", "inf", "-inf"))


def optimum():
    """A posterior of three unknowns and its q, as an instance to start from."""
    model = LogDensity(lambda v: -0.5 * jnp.sum((v["x"] - 1.0) ** 2), parameters={"x": real(3)})
    return model, MeanField.around(np.ones(3), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("gradient", ["reparametrization", "reinforce"])
def test_noise_around_a_good_start_is_no_divergence(gradient):
    model, best = optimum()
    constant = StochasticGradient(steps=60, optimizer=Recipe(optax.adam, 0.05), averaging=None)
    fit = taut.fit(model, family=best, gradient=gradient, algorithm=constant)
    assert fit.elbo < 1.5 * math.log(2 * math.pi) - 1e-4  # it did lose something
    assert fit.ended is Ended.BUDGET_SPENT


@pytest.mark.slow
def test_overfitting_is_no_divergence():
    """Trained on empty pictures alone: the held-out ELBO ends far below that of the untrained network."""
    fit = autoencoder(0.05, np.zeros((50, 16), np.float32), steps=300)
    assert fit.elbo < fit.history["elbo"][:10].min() - 5
    assert fit.ended is Ended.BUDGET_SPENT


def ended(answer, start, end, first=(-10.0, -11.0), how=Ended.BUDGET_SPENT, room=2.0):
    learned = Learned(None, {"elbo": np.array(first)}, how, "said", None)
    bound = Bound(answer, answer, 0.0, 0.0)
    return ending_of_steps(learned, bound, lambda start: room, lambda: (np.array(start), np.array(end)))[0]


def refuse():
    raise AssertionError("measured although the answer is above the first steps")


@pytest.mark.parametrize(
    ("known", "word"),
    [
        pytest.param({"answer": -20.0, "start": [-10.0] * 4, "end": [-20.0] * 4}, "diverged", id="far below"),
        pytest.param({"answer": -20.0, "start": [-10.0] * 4, "end": [-11.9] * 4}, "budget_spent", id="within room"),
        pytest.param({"answer": -20.0, "start": [-5.0, -15.0], "end": [-20.0] * 2}, "budget_spent", id="within noise"),
        pytest.param({"answer": -20.0, "start": [-10.0] * 4, "end": [-np.inf] * 4}, "diverged", id="nothing left"),
        pytest.param({"answer": np.nan, "start": [0.0], "end": [0.0]}, "diverged", id="no number"),
        pytest.param({"answer": -np.inf, "start": [0.0], "end": [0.0]}, "diverged", id="infinite"),
        pytest.param({"answer": -20.0, "start": [-np.inf] * 4, "end": [-20.0] * 4}, "budget_spent", id="bad start"),
        pytest.param(
            {"answer": -20.0, "start": [-10.0], "end": [-20.0], "how": Ended.STOPPED}, "diverged", id="stopped early"
        ),
        pytest.param(
            {"answer": -20.0, "start": [-10.0], "end": [-20.0], "how": Ended.INTERRUPTED}, "interrupted", id="Ctrl-C"
        ),
        pytest.param({"answer": -20.0, "start": [0.0], "end": [-9.0], "first": (np.nan,)}, "budget_spent", id="mode"),
    ],
)
def test_the_rule(known, word):
    assert ended(**known).word == word


def test_an_answer_above_the_first_steps_is_not_measured_again():
    learned = Learned(None, {"elbo": np.array([-1e80, -20.0])}, Ended.BUDGET_SPENT, "", None)
    assert ending_of_steps(learned, Bound(-19.0, -19.0, 0.0, 0.0), lambda start: 0.0, refuse)[0] is Ended.BUDGET_SPENT


UNMET = Convergence(Converged.NO, "the algorithm's own certificate was not met", None)
CHECKED = Convergence(Converged.YES, "0.0010 nats left to gain", 1e-3)


@pytest.mark.parametrize("met", [True, False])
def test_an_ending_says_nothing_against_the_verdict(met):
    assert ending_on_density(met, UNMET) is Ended.STALLED
    assert ending_on_density(met, Convergence(Converged.UNKNOWN, "it jumps", None)) is Ended.STALLED
    assert ending_on_density(met, CHECKED) is (Ended.CONVERGED if met else Ended.BUDGET_SPENT)


def banana():
    def log_density(v):
        return -0.5 * v["x"] ** 2 - 0.5 * (v["y"] - v["x"] ** 2) ** 2

    return taut.fit(LogDensity(log_density, parameters={"x": real(), "y": real()}))


def test_the_ending_is_that_of_the_richer_answer(monkeypatch):
    fit = banana()
    assert fit.posterior.name == "sinh-arcsinh"
    assert (fit.ended, fit.verdict.converged.answer) == (Ended.CONVERGED, "yes")
    # The Gaussian has converged, and the bent one that takes its place has not.
    monkeypatch.setattr(fallbacks, "_certificate", lambda bent: UNMET)
    fit = banana()
    assert (fit.posterior.name, fit.convergence.answer) == ("sinh-arcsinh", "yes")
    assert (fit.ended, fit.verdict.converged.answer) == (Ended.STALLED, "no")
    assert fit.to_json()["ended"] == "stalled"


def test_a_gaussian_that_stalled_is_forgotten_with_its_answer(monkeypatch):
    run = ScoreRegression.run
    monkeypatch.setattr(ScoreRegression, "run", lambda *arguments: run(*arguments)._replace(converged=False))
    fit = banana()
    assert (fit.posterior.name, fit.convergence.answer) == ("sinh-arcsinh", "no")
    assert (fit.ended, fit.verdict.converged.answer) == (Ended.CONVERGED, "yes")
    alone = density_alone()
    assert (alone.ended, alone.verdict.converged.answer) == (Ended.STALLED, "no")


def density_alone():
    return taut.fit(LogDensity(lambda v: -0.5 * v["x"] ** 2, parameters={"x": real()}))

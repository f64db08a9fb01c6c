"""`gradient="auto"`: what the rule takes, what a pilot sees, and that both say so."""

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.algorithms import StochasticGradient
from taut.choosing import gradient as automatic
from taut.choosing.candidates import candidates, rule
from taut.choosing.choose import choose
from taut.choosing.gradient import decide, differentiable
from taut.choosing.meter import MeterReading
from taut.choosing.pilot import Pilot, signal_and_noise
from taut.choosing.trial_run import begin
from taut.core import precision
from taut.core.cost import Ledger
from taut.core.trees import cast
from taut.data.source import Source
from taut.families import Amortized, Bernoulli, MeanField
from taut.gradients import Disarm, Exact, NoControl, Reinforce, Reparametrization
from taut.learning.checkpoints import Checkpoint
from taut.models import LatentVariableModel, LogDensity, LogisticRegression, real
from taut.networks import MLP
from taut.objectives import Elbo, ImportanceWeighted
from taut.problem import Problem

ROWS = np.zeros((1, 0))


def density(dim, function=lambda z: -0.5 * jnp.sum((z - 1) ** 2)):
    return LogDensity(lambda v: function(v["z"]), parameters={"z": real(dim)})


def problem(model, family, objective=None):
    return Problem(model, family, objective or Elbo(), Reinforce(2))


def labels(parts, unit=None, draws=None, smooth=True):
    unit = unit or parts.family
    first, _ = rule(parts, unit, draws, smooth)
    return [(g.label, g.samples) for g in (first, *candidates(parts, unit, draws, smooth, first))]


GAUSSIAN = [("reparametrization", 10), ("path-derivative", 10)]
WITHOUT_PATHS = ["measure-valued", "reinforce (leave-one-out)"]


def test_the_rule_and_the_shortlist_of_a_gaussian():
    wide = problem(density(30), MeanField.around(np.zeros(30)))
    assert sorted(labels(wide)) == sorted(GAUSSIAN)
    assert labels(wide)[0] == GAUSSIAN[0]
    narrow = problem(density(2), MeanField.around(np.zeros(2)))
    more = [("measure-valued", 1), ("reinforce (leave-one-out)", 50)]
    assert sorted(labels(narrow)) == sorted([*GAUSSIAN, *more])
    jumping = labels(narrow, smooth=False)
    assert jumping[0] == ("measure-valued", 1)
    assert sorted({name for name, _ in jumping}) == WITHOUT_PATHS


FIRST = [(3, "enumeration"), (20, "measure-valued"), (300, "reinforce (leave-one-out)")]


@pytest.mark.parametrize(("dim", "first"), FIRST)
def test_the_rule_of_binary_coordinates(dim, first):
    seen = labels(problem(density(dim), Bernoulli(np.zeros(dim))))
    assert seen[0][0] == first
    assert {"disarm", "reinforce (leave-one-out)"} <= {name for name, _ in seen}
    assert len(set(seen)) == len(seen)
    assert not any("biased" in name for name, _ in seen)


def test_the_rule_of_closed_expectations_and_of_bounds_of_several_draws():
    logistic = problem(LogisticRegression(), MeanField.around(np.zeros(3)))
    assert labels(logistic)[0] == ("exact", 1)
    model = LatentVariableModel(MLP([2, 3, 6], seed=0), latent=2)
    bound = problem(model, Amortized(MLP([6, 3, 4], seed=1)), ImportanceWeighted())
    unit = MeanField.around(np.zeros(2))
    assert labels(bound, unit, draws=5)[0] == ("path-derivative", 5)
    assert {samples for _, samples in labels(bound, unit, draws=5)} == {5}


@pytest.mark.parametrize(
    ("function", "smooth"),
    [
        (lambda z: -0.5 * jnp.sum(z**2), True),
        (lambda z: -jnp.sum(jnp.abs(z - 0.5)), True),
        (lambda z: -0.5 * jnp.sum(z**2) + 3 * jnp.sum(jnp.sign(z - 0.5)), False),
    ],
    ids=["smooth", "kinks", "jumps"],
)
def test_jumps_are_seen_from_a_narrow_start(function, smooth):
    family = MeanField.around(np.zeros(4), 0.1)
    with precision.context("float64"):
        assert differentiable(problem(density(4, function), family), Source(ROWS), 0) == smooth


class Seen:
    """A meter that has seen these."""

    def __init__(self, mean, variance, repeats=10):
        self.measured, self.repeats = MeterReading(np.array(mean), np.array(variance), 1.0), repeats


def test_signal_and_noise_are_in_units_of_the_coordinates():
    one = [Seen([3.0, 4.0], [1.0, 9.0]), Seen([3.0, 4.0], [1.0, 9.0])]
    signal, noise = signal_and_noise(one, 100)
    # Typical squares 10 and 25; a mean's square is too large by a tenth of the variance.
    assert noise == pytest.approx([1 / 10 + 9 / 25] * 2)
    assert signal == pytest.approx((9 - 0.1) / 10 + (16 - 0.9) / 25)
    scaled = [Seen([3e3, 4.0], [1e6, 9.0]), Seen([3e3, 4.0], [1e6, 9.0])]
    assert signal_and_noise(scaled, 100)[0] == pytest.approx(signal)
    silent = [Seen([0.0], [0.0]), Seen([0.0], [4.0])]
    assert signal_and_noise(silent, 100)[0] == pytest.approx(2 / 100)  # what a hundred steps average out; typical is 2


@pytest.mark.slow
def test_a_pilot_sees_hundreds_of_times_the_noise():
    parts = problem(density(6), MeanField.around(np.zeros(6)))
    quiet, loud = Reparametrization(10), Reinforce(1, NoControl())
    with precision.context("float64"):
        parts = cast(Problem(parts.model, parts.family, parts.objective, loud), "float64")
        algorithm, source = StochasticGradient(steps=20_000), Source(ROWS)
        pilot = Pilot(parts, algorithm, source, 0, begin(parts, algorithm, source, 0))
        best, worst = pilot.compare([loud, quiet])
    assert (best.gradient, worst.gradient) == (quiet, loud)
    assert worst.noise[0] > 20 * best.noise[0]
    assert best.seconds > 0
    assert pilot.compiling > 0
    assert pilot.gradients > 2 * 10


def test_a_short_run_is_not_piloted():
    fit = taut.fit(density(3), gradient="auto", family="mean-field", steps=20, progress=False)
    assert fit.problem.gradient == Reparametrization(10)
    assert "a rule chose" in fit.reasons["gradient"]
    assert "too few for a pilot" in fit.reasons["gradient"]
    assert fit.algorithm.name == "stochastic gradient"
    named = taut.fit(density(3), gradient="reparametrization", family="mean-field", steps=20, progress=False)
    assert named.elbo == fit.elbo  # the choice leaves no trace in the run
    assert named.cost.stages["learning"].gradients == fit.cost.stages["learning"].gradients == 20 * 10
    assert named.cost.stages["preparing"].gradients == 0 < fit.cost.stages["preparing"].gradients


def test_a_density_that_jumps_gets_a_mean_field_and_no_paths():
    model = density(3, lambda z: -0.5 * jnp.sum(z**2) + jnp.sum(jnp.sign(z)))
    choice = choose(
        model, ROWS, family=None, objective=None, gradient="auto", algorithm=None, steps=20, minibatch=False
    )
    assert choice.problem.family.name == "full-rank"
    ledger = Ledger()
    choice = decide(choice, Source(ROWS), 0, None, ledger)
    assert ledger.cost.gradients > 0  # the first steps of the run, by which its length is known
    assert (choice.problem.gradient.name, choice.problem.family.name) == ("measure-valued", "mean-field")
    assert "jumps" in choice.reasons["gradient"]
    assert "jumps" in choice.reasons["family"]


class Interrupt:
    def __call__(self, made, history):
        raise KeyboardInterrupt


@pytest.mark.slow
def test_a_piloted_run_says_why_and_goes_on_with_its_estimator(monkeypatch, tmp_path):
    monkeypatch.setattr(automatic, "LONG", 0.0)
    monkeypatch.setattr(automatic, "candidates", lambda *_: [Disarm()])  # each would be a compilation
    model, family = density(2), Bernoulli(np.zeros(2))

    def run(**more):
        return taut.fit(
            model,
            family=family,
            gradient="auto",
            steps=300,
            progress=False,
            checkpoint=Checkpoint(tmp_path),
            **more,
        )

    first = run(callback=Interrupt())
    assert "a pilot of" in first.reasons["gradient"]
    assert "runner-up" in first.reasons["gradient"]
    again = run()
    assert again.problem.gradient == first.problem.gradient
    assert "goes on here" in again.reasons["gradient"]
    assert len(again.history["elbo"]) == 300


def test_an_algorithm_that_brings_its_own_gradient_keeps_it():
    choice = choose(
        LogisticRegression(),
        np.zeros((4, 2)),
        family=None,
        objective=None,
        gradient="auto",
        algorithm="natural",
        steps=None,
        minibatch=False,
    )
    assert choice.problem.gradient == Exact()
    assert not choice.automatic

r"""A pilot run: which of several gradient estimators brings a run to its answer soonest, by variance and time.

Adam moves a coordinate by its learning rate times the mean over the root mean square of the gradient,
\(\rho / \sqrt{1 + r}\), where \(\rho\) is the learning rate and r, the noise, is the variance of one gradient over the
squared mean gradient. To come near the answer takes \(\sqrt{1 + r}\) times as many steps as without noise. To average
the noise out near the answer takes a number of steps in proportion to r. An estimator of c seconds a step is expected
to take a time in proportion to its cost,

.. math:: \frac{c}{\rho}\, (1 + r)^{3/4},

which lies between the two: without noise only the seconds count, and where noise prevails it is nearly variance times
seconds. Gradient and variance are measured at the *same* places for all estimators, so that their learning rates do not
enter, and in units of each coordinate's typical square, as Adam takes its steps. The first place is the start, which
shows the estimators that are far too dear. The second is reached by some training with the estimator that is best at
the first. The noise near the answer matters most, and a short pilot does not come so far. So r at the second place is
multiplied by the square root of the factor by which it changed between the two places (a factor between 1/2 and 2).
This favours estimators whose noise vanishes near the answer over those whose noise stays.
"""

import time
from typing import Any

import jax
import numpy as np

from taut.algorithms import StochasticGradient
from taut.choosing.candidates import rate
from taut.choosing.meter import Meter
from taut.choosing.trial_run import TrialRun, clock
from taut.data.source import Source
from taut.families import Family
from taut.gradients import Gradient
from taut.learning.chunks import Chunks
from taut.problem import Problem, evaluations

MEASURING = 0.015
"""Largest share of the whole run's time that measuring at one place may take."""
WALK = 0.04
"""Largest share of the whole run's time that the training between the two places may take."""
MOST_SECONDS = 20.0
"""Most seconds that measuring at one place may take, however long the run is."""
MOST_STEPS = 500
"""Most training steps between the two places, however long the run is."""
GOES = 3
"""Number of goes in which a place is measured. All estimators take turns, so that a slow moment falls on all."""
MOST_CHANGE = 2.0
"""Largest factor by which the noise is taken to have changed between the two places; the least is its inverse."""
EXPONENT = 0.75
"""Exponent of 1 + r in an estimator's cost, where r is the noise: variance over squared mean gradient."""
CLEAR = 1.15
"""Factor by which another estimator's cost must be less than that of the rule's choice to take its place.

A pilot is short, so that smaller differences may be chance.
"""
HOPELESS = 50.0
"""Factor over the least cost at the start from which on an estimator is not tried at the second place."""
UNSTEADY = 3.0
"""Ratio of median to least seconds of an estimator's goes from which on the clock is not trusted.

The times of all estimators are then taken to be in proportion to their evaluations.
"""


class PilotCandidate:
    """An estimator with what was measured of it.

    Attributes:
        gradient: The estimator.
        seconds: Seconds for one step at the last place.
        noise: Variance of one gradient over the squared mean gradient, at each place.
        cost: A number in proportion to the time that a run with this estimator is expected to take.
    """

    def __init__(self, gradient: Gradient):
        self.gradient = gradient
        self.noise: list[float] = []
        self.seconds, self.cost = 0.0, 0.0

    def judge(self, seconds: float, noise: float, slower: float) -> None:
        """Add the figures at one more place, and compute the cost from all places.

        Args:
            seconds: Seconds for one step.
            noise: Variance of one gradient over the squared mean gradient.
            slower: The largest learning rate of all candidates over this candidate's own.
        """
        change = 1.0 if not self.noise or not self.noise[-1] else noise / self.noise[-1]
        self.noise.append(noise)
        expected = noise * float(np.clip(change, 1 / MOST_CHANGE, MOST_CHANGE)) ** 0.5
        self.seconds, self.cost = seconds, seconds * slower * (1 + expected) ** EXPONENT

    def __str__(self) -> str:
        draws = f" with {self.gradient.samples} draws" if self.gradient.samples > 1 else ""
        milliseconds = f"{1e3 * self.seconds:.2g} ms a step"
        return f"{self.gradient.label}{draws} ({milliseconds}, noise {self.noise[-1]:.2g} times the signal)"


class Pilot:
    """Compares estimators on a run.

    Args:
        problem: Model, family and objective, with the gradient of the run that was begun.
        algorithm: The algorithm, whose number of steps is the length of the whole run.
        source: The rows.
        seed: Seed of all draws.
        trial: The run that was begun.

    Attributes:
        whole: Seconds that the whole run would take with the gradient of the run that was begun.
        unit: The posterior of one unit, by which evaluations are counted.
        compiling: Seconds that compilation took in the pilot.
        overhead: Seconds that a step takes beside its gradient.
        gradients: Gradients of the log density at one z over the full data.
    """

    def __init__(self, problem: Problem, algorithm: StochasticGradient, source: Source, seed: int, trial: TrialRun):
        self.problem, self.algorithm, self.source, self.seed = problem, algorithm, source, seed
        self.trial, self.whole = trial, trial.work * algorithm.steps
        self.unit: Family = problem.family.at(jax.tree.map(lambda a: a[:1], source.rows))
        self.compiling, self.overhead, self.gradients = 0.0, 0.0, 0.0

    def compare(self, gradients: list[Gradient]) -> list[PilotCandidate]:
        """The estimators in the order of their cost, so that the one to take comes first.

        Args:
            gradients: The estimators; the first is the rule's choice, with which the run was begun.
        """
        tried = [PilotCandidate(g) for g in gradients]
        self._measure(tried, self.algorithm.init(self.problem, self.source.dtype), first=True)
        tried.sort(key=lambda c: c.cost)
        kept = [c for c in tried if c.cost < HOPELESS * tried[0].cost]
        self._measure(kept, self._walked(kept[0]))
        kept.sort(key=lambda c: c.cost if c.gradient != gradients[0] else c.cost / CLEAR)
        return kept + tried[len(kept) :]

    def _with(self, gradient: Gradient, like: Problem | None = None) -> Problem:
        like = like or self.problem
        return Problem(like.model, like.family, like.objective, gradient)

    def _count(self, problem: Problem, estimates: int) -> None:
        self.gradients += estimates * evaluations(problem, self.source.size, self.source.batch_size)

    def _walked(self, best: PilotCandidate) -> Any:
        """The state after some training with `best`."""
        steps = min(int(WALK * self.whole / best.seconds) + 1, self.algorithm.steps // 10 + 1, MOST_STEPS)
        problem = self._with(best.gradient)
        chunks = Chunks(self.algorithm, problem, self.source, self.seed)
        state, made = self.trial.state, self.trial.made
        if best.gradient != self.problem.gradient:
            begun = time.perf_counter()
            state, made = chunks.make(self.algorithm.init(problem, self.source.dtype), 0, 1).state, 1
            self.compiling += time.perf_counter() - begun
            self._count(problem, 1)
        while made < steps:
            chunk = chunks.make(state, made, min(steps - made, chunks.left(made)))
            self._count(problem, len(chunk.history["bound"]))
            state, made = chunk.state, made + len(chunk.history["bound"])
            if chunk.failure:
                break
        return state

    def _measure(self, tried: list[PilotCandidate], state: Any, first: bool = False) -> None:
        """Measure each candidate at `state`."""
        meters = [
            Meter(self._with(c.gradient, state.problem), self.source, self.seed, state.objective, state.step, clock)
            for c in tried
        ]
        begun = time.perf_counter()
        for meter in meters:
            meter.warm_up(10, compiled=not first)
            meter.measure(1)
        self.compiling += time.perf_counter() - begun if first else 0.0
        share = min(MEASURING * self.whole, MOST_SECONDS) / (GOES * len(tried))
        for _ in range(GOES):
            for meter in meters:
                meter.measure(int(np.clip(share / min(meter.times), 1, 1000)))
        for meter in meters:
            self._count(meter.problem, meter.taken)
        seconds = self._seconds(tried, meters)
        if first:
            self.overhead = max(self.trial.work - seconds[0], 0.0)
        signal, noise = signal_and_noise(meters, self.algorithm.steps)
        rates = [rate(c.gradient, self.problem.family, self.algorithm) for c in tried]
        for candidate, c, v, r in zip(tried, seconds, noise, rates, strict=True):
            candidate.judge(c + self.overhead, v / signal, max(rates) / r)

    def _seconds(self, tried: list[PilotCandidate], meters: list[Meter]) -> list[float]:
        """Seconds for one gradient of each candidate; in proportion to evaluations where the clock is not trusted."""
        times = np.array([meter.times for meter in meters])
        least = times.min(axis=1)
        if np.median(np.median(times, axis=1) / least) < UNSTEADY:
            return least.tolist()
        evaluations = np.array([c.gradient.evaluations(self.unit) for c in tried])
        return (evaluations * np.median(least / evaluations)).tolist()


def signal_and_noise(meters: list[Meter], steps: int) -> tuple[float, list[float]]:
    """The squared mean gradient, and each meter's variance, both in units of the coordinates' typical squares.

    At an optimum the mean gradient vanishes. The squared mean gradient is therefore at least what is left of the least
    noise when `steps` gradients are averaged.

    Args:
        meters: Meters that have measured at one place.
        steps: Number of steps of the whole run.
    """

    def flat(tree: Any) -> np.ndarray:
        return np.concatenate([np.asarray(a, float).ravel() for a in jax.tree.leaves(tree)])

    seen = [meter.measured for meter in meters]
    means, variances = np.array([flat(m.mean) for m in seen]), np.array([flat(m.variance) for m in seen])
    typical = np.median(means**2 + variances, axis=0)
    weights = np.divide(1.0, typical, out=np.zeros_like(typical), where=typical > 0)
    noise = variances @ weights
    # The square of a mean exceeds the squared expectation by the mean's own variance; the most precise mean is taken.
    errors = noise / [meter.repeats for meter in meters]
    best = int(np.argmin(errors))
    least = min(noise[noise > 0], default=1.0) / steps
    signal = max(means[best] ** 2 @ weights - errors[best], errors[best], least)
    return float(signal), noise.tolist()

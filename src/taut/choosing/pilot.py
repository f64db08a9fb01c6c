r"""A pilot: which of several estimators brings a run to its answer soonest, by variance and time.

Adam moves a coordinate by its rate times mean over root mean square of the gradient, \(\rho / \sqrt{1 + r}\) where r is
the variance of one gradient beside the squared gradient: to come near the answer takes \(\sqrt{1 + r}\) times as many
steps as without noise. To average the noise out near it takes a number in proportion to r. So an estimator of c seconds
a step is expected to take a time in proportion to

.. math:: \frac{c}{\rho}\, (1 + r)^{3/4},

between the two: seconds alone where there is no noise, nearly variance times seconds where it prevails. Gradient and
variance are measured at the *same* places for all, so that nobody's learning rate enters, in units of each coordinate's
typical square, as Adam takes its steps: at the start, to leave out the hopeless, and after some training with whichever
is best there. The noise near the answer matters most, and a short pilot does not come so far: r is carried on by the
root of how it changed between the two places (a change of at most two), which favours estimators whose noise vanishes
near the answer over those whose noise stays.
"""

import time
from typing import Any, NamedTuple

import jax
import numpy as np

from taut.algorithms import StochasticGradient
from taut.choosing.candidates import rate
from taut.choosing.meter import Meter
from taut.data.source import Source
from taut.families import Family
from taut.gradients import Gradient
from taut.learning.chunks import Chunks
from taut.problem import Problem

MEASURING, WALK = 0.015, 0.04
"""Shares of the run that measuring at one place and walking to the next may take."""
MOST_SECONDS, MOST_STEPS = 20.0, 500
"""Of the two, however long the run."""
GOES = 3
"""In which a place is measured after the first gradients: candidates take turns, so that a slow moment falls on all."""
MOST_CHANGE = 2.0
"""Of the noise between the places, whose root it is taken to change by after the second."""
EXPONENT = 0.75
"""Of the noise, as above."""
CLEAR = 1.15
"""How many times as soon another must be expected than the rule's choice to take its place: a pilot is a short look."""
HOPELESS = 50.0
"""How many times as dear as the best an estimator is at the start that is not tried at the second place."""
UNSTEADY = 3.0
"""Ratio of median to least seconds of an estimator's goes, beyond which evaluations are counted instead."""


class Pace(NamedTuple):
    """A run that was begun to see how fast it is.

    Attributes:
        state: where it stands.
        made: steps so far.
        seconds: for one, compiled.
        work: likewise, by `clock`.
    """

    state: Any
    made: int
    seconds: float
    work: float


def clock() -> float:
    """CPU seconds where the CPU does the work, which other programs do not change; else those on the wall."""
    return time.process_time() if jax.default_backend() == "cpu" else time.perf_counter()


class Candidate:
    """An estimator with what was measured of it.

    Attributes:
        gradient: the estimator.
        seconds: for one step, at the last place.
        noise: variance beside the squared gradient, at each place.
        cost: what the expected time is in proportion to.
    """

    def __init__(self, gradient: Gradient):
        self.gradient = gradient
        self.noise: list[float] = []
        self.seconds, self.cost = 0.0, 0.0

    def judge(self, seconds: float, noise: float, slower: float) -> None:
        """Take the figures at one more place, and the cost by all so far.

        Args:
            seconds: for one step.
            noise: variance beside the squared gradient.
            slower: the largest learning rate of all candidates, beside its own.
        """
        change = 1.0 if not self.noise or not self.noise[-1] else noise / self.noise[-1]
        self.noise.append(noise)
        expected = noise * float(np.clip(change, 1 / MOST_CHANGE, MOST_CHANGE)) ** 0.5
        self.seconds, self.cost = seconds, seconds * slower * (1 + expected) ** EXPONENT

    def __str__(self) -> str:
        draws = f" with {self.gradient.samples} draws" if self.gradient.samples > 1 else ""
        milliseconds = f"{1e3 * self.seconds:.2g} ms a step"
        return f"{self.gradient.label}{draws} ({milliseconds}, noise {self.noise[-1]:.2g} times the signal)"


def begin(problem: Problem, algorithm: StochasticGradient, source: Source, seed: int, seconds: float = 0.3) -> Pace:
    """A few steps of a run, for about `seconds`; the first compiles and is not timed."""
    chunks = Chunks(algorithm, problem, source, seed)
    state = chunks.make(algorithm.init(problem, source.dtype), 0, 1).state
    made, count, pace, work = 1, 1, np.inf, np.inf
    end = time.perf_counter() + seconds
    while (count := min(count, chunks.left(made))) > 0 and time.perf_counter() < end:
        begun, at_work = time.perf_counter(), clock()
        chunk = chunks.make(state, made, count)
        pace = min(pace, (time.perf_counter() - begun) / count)
        work = min(work, (clock() - at_work) / count)
        if chunk.failure:
            break
        state, made = chunk.state, made + count
        count = min(4 * count, int(seconds / 3 / pace) + 1)
    return Pace(state, made, pace, work) if np.isfinite(pace) else Pace(state, made, 0.0, 0.0)


class Pilot:
    """Compares estimators on a run.

    Args:
        problem: model, family and objective, with the gradient of the run that was begun.
        algorithm: with the budget of steps.
        source: the rows.
        seed: of all draws.
        pace: of the run that was begun.
    """

    def __init__(self, problem: Problem, algorithm: StochasticGradient, source: Source, seed: int, pace: Pace):
        self.problem, self.algorithm, self.source, self.seed = problem, algorithm, source, seed
        self.pace, self.whole = pace, pace.work * algorithm.steps
        self.unit: Family = problem.family.at(jax.tree.map(lambda a: a[:1], source.rows))
        self.compiling, self.overhead = 0.0, 0.0

    def compare(self, gradients: list[Gradient]) -> list[Candidate]:
        """The estimators, the one to take first; the first given is the rule's, with which the run was begun."""
        tried = [Candidate(g) for g in gradients]
        self._measure(tried, self.algorithm.init(self.problem, self.source.dtype), first=True)
        tried.sort(key=lambda c: c.cost)
        kept = [c for c in tried if c.cost < HOPELESS * tried[0].cost]
        self._measure(kept, self._walked(kept[0]))
        kept.sort(key=lambda c: c.cost if c.gradient != gradients[0] else c.cost / CLEAR)
        return kept + tried[len(kept) :]

    def _with(self, gradient: Gradient, like: Problem | None = None) -> Problem:
        like = like or self.problem
        return Problem(like.model, like.family, like.objective, gradient)

    def _walked(self, best: Candidate) -> Any:
        """The state after some training with `best`."""
        steps = min(int(WALK * self.whole / best.seconds) + 1, self.algorithm.steps // 10 + 1, MOST_STEPS)
        problem, pace = self._with(best.gradient), self.pace
        chunks = Chunks(self.algorithm, problem, self.source, self.seed)
        state, made = pace.state, pace.made
        if best.gradient != self.problem.gradient:
            begun = time.perf_counter()
            state, made = chunks.make(self.algorithm.init(problem, self.source.dtype), 0, 1).state, 1
            self.compiling += time.perf_counter() - begun
        while made < steps:
            chunk = chunks.make(state, made, min(steps - made, chunks.left(made)))
            state, made = chunk.state, made + len(chunk.history["bound"])
            if chunk.failure:
                break
        return state

    def _measure(self, tried: list[Candidate], state: Any, first: bool = False) -> None:
        """Give each candidate its figures at `state`."""
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
        seconds = self._seconds(tried, meters)
        if first:  # what a step takes beside its gradient
            self.overhead = max(self.pace.work - seconds[0], 0.0)
        signal, noise = signal_and_noise(meters, self.algorithm.steps)
        rates = [rate(c.gradient, self.algorithm) for c in tried]
        for candidate, c, v, r in zip(tried, seconds, noise, rates, strict=True):
            candidate.judge(c + self.overhead, v / signal, max(rates) / r)

    def _seconds(self, tried: list[Candidate], meters: list[Meter]) -> list[float]:
        """For one gradient of each; in proportion to its evaluations where the clock is no help."""
        times = np.array([meter.times for meter in meters])
        least = times.min(axis=1)
        if np.median(np.median(times, axis=1) / least) < UNSTEADY:
            return least.tolist()
        evaluations = np.array([c.gradient.evaluations(self.unit) for c in tried])
        return (evaluations * np.median(least / evaluations)).tolist()


def signal_and_noise(meters: list[Meter], steps: int) -> tuple[float, list[float]]:
    """The squared gradient, and each meter's variance, both in units of the coordinates' typical squares.

    At an optimum there is no signal; the least that counts is what `steps` steps can average out of the least noise.
    """

    def flat(tree):
        return np.concatenate([np.asarray(a, float).ravel() for a in jax.tree.leaves(tree)])

    seen = [meter.measured for meter in meters]
    means, variances = np.array([flat(m.mean) for m in seen]), np.array([flat(m.variance) for m in seen])
    typical = np.median(means**2 + variances, axis=0)
    weights = np.divide(1.0, typical, out=np.zeros_like(typical), where=typical > 0)
    noise = variances @ weights
    # A mean's square is too large by its own variance; the most precise of the means is taken.
    errors = noise / [meter.repeats for meter in meters]
    best = int(np.argmin(errors))
    least = min(noise[noise > 0], default=1.0) / steps
    signal = max(means[best] ** 2 @ weights - errors[best], errors[best], least)
    return float(signal), noise.tolist()

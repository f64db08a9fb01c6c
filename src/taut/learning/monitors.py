"""Monitors evaluate the answer every so many steps: early stopping, and the best feasible iterate.

An evaluation is called a look. Looks fall on fixed steps, never on times, and what a monitor remembers is saved with
the checkpoint. So a resumed run decides as the unbroken run would have.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from taut.core.array_files import arrays_into_tree, tree_to_arrays
from taut.diagnostics.constraint_checks import TOLERATED
from taut.diagnostics.elbo import Bound
from taut.diagnostics.trend import no_rise, since_rise
from taut.objectives import Constrained
from taut.problem import Problem, trainable

Score = Any
"""A number, or several that are compared in their order; larger is better."""
PATIENCE = 20
"""Usual number of looks without a rise after which training on held-out examples stops."""
LOOKS = 5
"""Number of looks in which a multiplier must grow without progress before its constraint is called unreachable."""
GROWTH = 3.0
"""Factor by which the multiplier of an unreachable constraint grows in these looks."""
LARGE = 100.0
"""Multiple of its start that the multiplier of an unreachable constraint exceeds: the rest of the objective then hardly
counts."""
PROGRESS = 0.05
"""Share of the violation that must go in these looks for a constraint not to be called unreachable."""


class Monitor(abc.ABC):
    """A monitor remembers the best answer by a score.

    Args:
        every: Number of steps between looks.
    """

    def __init__(self, every: int):
        self.every = every
        self.steps: list[int] = []
        self.scores: list[Score] = []
        self.best: Any = None

    @abc.abstractmethod
    def score(self, problem: Problem, history: dict[str, np.ndarray]) -> Score:
        """How good the answer is; `history` is that of the steps since the last look."""

    def look(self, step: int, problem: Problem, history: dict[str, np.ndarray]) -> str | None:
        """Score the answer at `step`; a sentence if the run should stop."""
        score = self.score(problem, history)
        if not self.scores or score > max(self.scores):
            self.best = eqx.filter(problem, trainable(problem))
        self.steps.append(step)
        self.scores.append(score)
        return self.stop()

    @abc.abstractmethod
    def stop(self) -> str | None:
        """A sentence if the run should stop after this look."""

    def chosen(self, problem: Problem) -> Problem:
        """The best answer seen, in place of the last."""
        return problem if self.best is None else eqx.combine(self.best, problem)

    def arrays(self) -> dict[str, np.ndarray]:
        """The memory of the monitor, to be saved."""
        own = {"steps": np.asarray(self.steps, int), "scores": np.asarray(self.scores, float)}
        return own | (tree_to_arrays(self.best, "best") if self.best is not None else {})

    def restore(self, arrays: dict[str, np.ndarray], like: Problem | None = None) -> None:
        """Go on from what was saved."""
        self.steps = arrays["steps"].tolist()
        scores = arrays["scores"]
        self.scores = scores.tolist() if scores.ndim == 1 else [tuple(row) for row in scores.tolist()]
        if like is not None and any(name.startswith("best") for name in arrays):
            self.best = arrays_into_tree(arrays, eqx.filter(like, trainable(like)), "best")


class EarlyStopping(Monitor):
    """Stop when the true ELBO on validation data no longer rises, whatever weighted objective is trained.

    Networks gain ever less without end. So a rise counts only if it is more than a tenth of a percent above the last
    one that counted. The best answer is kept, however little better it is.

    Args:
        elbo: A function that gives the validation ELBO of a problem, by the same noise each time so that looks are
            paired. It returns a `Bound`, whose terms are kept for the training curves, or the value alone.
        every: Number of steps between looks.
        patience: Number of looks without a rise that counts, after which the run is stopped.
    """

    def __init__(self, elbo: Callable[[Problem], Bound | float], every: int, patience: int):
        super().__init__(every)
        self.patience = patience
        self._elbo = elbo
        self.terms: list[tuple[float, float]] = []

    def score(self, problem, history):
        """The validation ELBO."""
        bound = self._elbo(problem)
        if not isinstance(bound, Bound):
            return float(bound)
        self.terms.append((bound.expected_log_likelihood, bound.kl))
        return bound.elbo

    def stop(self):
        """A sentence where the validation ELBO has not risen by what counts in as many looks as the patience."""
        if since_rise(self.scores) < self.patience:
            return None
        best = int(np.argmax(self.scores))
        return (
            f"The validation ELBO was best at step {self.steps[best]:,} ({self.scores[best]:.4g}) and "
            f"{no_rise(self.scores)}, one each {self.every:,} steps."
        )

    def arrays(self):
        """The memory of the monitor, with both terms at each look."""
        return super().arrays() | {"terms": np.asarray(self.terms, float).reshape(-1, 2)}

    def restore(self, arrays, like=None):
        """Go on from what was saved."""
        super().restore(arrays, like)
        self.terms = [(likelihood, kl) for likelihood, kl in arrays["terms"].tolist()]


class BestFeasible(Monitor):
    """Keep the best iterate among those that meet the constraints, and stop where they cannot be met.

    On a non-convex problem the last iterate need not be the best. One that meets the constraints comes before any that
    does not; among the first the smaller aim is better, among the others the smaller violation. All are averages over
    the steps since the last look.

    A constraint out of reach shows in its multiplier, which grows without end: it is called unreachable when it exceeds
    `LARGE` times its start and has grown `GROWTH`-fold in `LOOKS` looks in which the violation has not gone down by
    `PROGRESS`.

    Args:
        every: Number of steps between looks.
        objective: The constrained objective.
        tolerance: Relative violation that counts as met.
    """

    def __init__(self, every: int, objective: Constrained, *, tolerance: float = TOLERATED):
        super().__init__(every)
        self.objective, self.tolerance = objective, tolerance
        self.paths: list[np.ndarray] = []

    def score(self, problem, history):
        """(1, -aim) where the constraints are met, else (0, -violation)."""
        mean = {name: np.mean(x, axis=0) for name, x in history.items()}
        self.paths.append(np.stack([mean["violation"], mean["multiplier"]]))
        scale = np.array([c.scale for c in self.objective.subject_to])
        relative = float(np.max(mean["violation"] / scale))
        return (0.0, -relative) if relative > self.tolerance else (1.0, -float(self.objective.aim(mean)))

    def stop(self):
        """A sentence on the first constraint that is out of reach; None where there is none."""
        if len(self.paths) <= LOOKS:
            return None
        (before, was), (now, value) = self.paths[-1 - LOOKS], self.paths[-1]
        start = self.objective.rule.start or 1.0
        for i, constraint in enumerate(self.objective.subject_to):
            stuck = now[i] > max(self.tolerance * constraint.scale, (1 - PROGRESS) * before[i])
            if stuck and value[i] > max(GROWTH * was[i], LARGE * start):
                nearest = constraint.bound - now[i] if constraint.above else constraint.bound + now[i]
                return (
                    f"{constraint} seems out of reach for this model: in {LOOKS * self.every} steps its multiplier "
                    f"rose from {was[i]:.3g} to {value[i]:.3g} and the violation went from {before[i]:.4g} only to "
                    f"{now[i]:.4g}. Ask for less than {nearest:.4g}, or take a larger network or more steps."
                )
        return None

    def arrays(self):
        """The memory of the monitor, with violations and multipliers at each look."""
        return super().arrays() | {"paths": np.asarray(self.paths, float)}

    def restore(self, arrays, like=None):
        """Go on from what was saved."""
        super().restore(arrays, like)
        self.paths = list(arrays["paths"])

"""What looks at the answer every so many steps: early stopping, and the best feasible iterate.

Looks fall on fixed steps, never on times, and what a monitor remembers is saved with the checkpoint, so a resumed run
decides as the unbroken one would have.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from taut.core.array_files import arrays_into_tree, tree_to_arrays
from taut.diagnostics.elbo import Bound
from taut.objectives import Constrained
from taut.problem import Problem, trainable

Score = Any
"""A number, or a tuple of numbers."""
LOOKS = 5
"""Looks over which a multiplier has to grow without any progress before its constraint is called unreachable."""
GROWTH = 3.0
"""Factor by which it has to grow in them,"""
LARGE = 100.0
"""and times its start that it has to exceed: by then the rest of the objective hardly counts."""
PROGRESS = 0.05
"""Part of the violation that has to go in the same looks."""


class Monitor:
    """Remembers the best answer by a score that is larger when better: a number, or several, compared in their order.

    Args:
        every: steps between looks.
        patience: looks without improvement after which the run is stopped; None never stops it.
    """

    def __init__(self, every: int, patience: int | None = None):
        self.every, self.patience = every, patience
        self.steps: list[int] = []
        self.scores: list[Score] = []
        self.best: Any = None

    def score(self, problem: Problem, history: dict[str, np.ndarray]) -> Score:
        """How good the answer is; `history` is that of the steps since the last look."""
        raise NotImplementedError

    def look(self, step: int, problem: Problem, history: dict[str, np.ndarray]) -> str | None:
        """Score the answer at `step`; a sentence if the run should stop."""
        score = self.score(problem, history)
        if not self.scores or score > max(self.scores):
            self.best = eqx.filter(problem, trainable(problem))
        self.steps.append(step)
        self.scores.append(score)
        return self.stop()

    def stop(self) -> str | None:
        """A sentence if the run should stop after this look."""
        since = len(self.scores) - 1 - self.scores.index(max(self.scores))
        if self.patience is None or since < self.patience:
            return None
        best = f"{self.describe()} was best at step {self.steps[-1 - since]} ({max(self.scores):.4g})"
        return f"{best} and has not improved in {since} looks since."

    def describe(self) -> str:
        """What is monitored, in words."""
        raise NotImplementedError

    def chosen(self, problem: Problem) -> Problem:
        """The best answer seen, in place of the last."""
        return problem if self.best is None else eqx.combine(self.best, problem)

    def arrays(self) -> dict[str, np.ndarray]:
        """What to save."""
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
    """Stops when the true ELBO on validation data no longer rises, whatever weighted objective is trained.

    Args:
        elbo: the validation ELBO of a problem, by the same noise each time so that looks are paired: a `Bound`, whose
            terms are kept for the training curves, or its value alone.
        every: steps between looks.
        patience: looks without improvement.
    """

    def __init__(self, elbo: Callable[[Problem], Bound | float], every: int, patience: int):
        super().__init__(every, patience)
        self._elbo = elbo
        self.terms: list[tuple[float, float]] = []

    def score(self, problem, history):
        """The validation ELBO."""
        seen = self._elbo(problem)
        if not isinstance(seen, Bound):
            return float(seen)
        self.terms.append((seen.expected_log_likelihood, seen.kl))
        return seen.elbo

    def describe(self):
        """In words."""
        return "The validation ELBO"

    def arrays(self):
        """Also both terms at each look."""
        return super().arrays() | {"terms": np.asarray(self.terms, float).reshape(-1, 2)}

    def restore(self, arrays, like=None):
        """Go on from what was saved."""
        super().restore(arrays, like)
        self.terms = [(likelihood, kl) for likelihood, kl in arrays["terms"].tolist()]


class BestFeasible(Monitor):
    """Keeps the best iterate among those that meet the constraints, and stops where they cannot be met.

    On a non-convex problem the last iterate need not be the best. One that meets the constraints comes before any that
    does not; among the first the smaller aim is better, among the others the smaller violation. All are averages over
    the steps since the last look.

    A constraint out of reach shows in its multiplier, which grows without end: it is called unreachable when it exceeds
    `LARGE` times its start and has grown `GROWTH`-fold in `LOOKS` looks in which the violation has not gone down by
    `PROGRESS`.

    Args:
        every: steps between looks.
        objective: the constrained one.
        tolerance: relative violation that counts as met.
    """

    def __init__(self, every: int, objective: Constrained, *, tolerance: float = 0.01):
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
        """A sentence on the first constraint that is out of reach."""
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

    def describe(self):
        """In words."""
        return "The constrained aim"

    def arrays(self):
        """Also each look's violations and multipliers."""
        return super().arrays() | {"paths": np.asarray(self.paths, float)}

    def restore(self, arrays, like=None):
        """Go on from what was saved."""
        super().restore(arrays, like)
        self.paths = list(arrays["paths"])

"""What looks at the answer every so many steps: early stopping, and the best feasible iterate.

Looks fall on fixed steps, never on times, and what a monitor remembers is saved with the checkpoint, so a resumed run
decides as the unbroken one would have.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from taut.gradients.problem import Problem, trainable
from taut.store import arrays_into_tree, tree_to_arrays


class Monitor:
    """Remembers the best answer by a score that is larger when better.

    Args:
        every: steps between looks.
        patience: looks without improvement after which the run is stopped; None never stops it.
    """

    def __init__(self, every: int, patience: int | None = None):
        self.every, self.patience = every, patience
        self.steps: list[int] = []
        self.scores: list[float] = []
        self.best: Any = None

    def score(self, problem: Problem, history: dict[str, np.ndarray]) -> float:
        """How good the answer is; `history` is that of the steps since the last look."""
        raise NotImplementedError

    def look(self, step: int, problem: Problem, history: dict[str, np.ndarray]) -> str | None:
        """Score the answer at `step`; a sentence if the run should stop."""
        score = float(self.score(problem, history))
        if not self.scores or score > max(self.scores):
            self.best = eqx.filter(problem, trainable(problem))
        self.steps.append(step)
        self.scores.append(score)
        since = len(self.scores) - 1 - int(np.argmax(self.scores))
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
        self.scores = arrays["scores"].tolist()
        if like is not None and any(name.startswith("best") for name in arrays):
            self.best = arrays_into_tree(arrays, eqx.filter(like, trainable(like)), "best")


class EarlyStopping(Monitor):
    """Stops when the true ELBO on validation data no longer rises, whatever weighted objective is trained.

    Args:
        elbo: the validation ELBO of a problem, by the same noise each time so that looks are paired.
        every: steps between looks.
        patience: looks without improvement.
    """

    def __init__(self, elbo: Callable[[Problem], float], every: int, patience: int):
        super().__init__(every, patience)
        self._elbo = elbo

    def score(self, problem, history):
        """The validation ELBO."""
        return self._elbo(problem)

    def describe(self):
        """In words."""
        return "The validation ELBO"


class BestFeasible(Monitor):
    """Keeps the best iterate among those that meet the constraints: on a non-convex problem the last need not.

    The score is minus the relative violation while a constraint is missed by more than `tolerance`, and 1 minus the
    (bounded) aim afterwards, both averaged over the steps since the last look.

    Args:
        every: steps between looks.
        tolerance: relative violation that counts as met.
    """

    def __init__(
        self, every: int, aim: Callable[[dict[str, np.ndarray]], float], scale: np.ndarray, tolerance: float = 0.01
    ):
        super().__init__(every)
        self.aim, self.scale, self.tolerance = aim, np.asarray(scale), tolerance

    def score(self, problem, history):
        """Feasible iterates above all infeasible ones."""
        relative = float(np.max(np.mean(history["violation"], axis=0) / self.scale))
        if relative > self.tolerance:
            return -relative
        aim = self.aim({name: np.mean(x, axis=0) for name, x in history.items()})
        return 1 + 1 / (1 + np.exp(np.clip(aim / 1000, -50, 50)))

    def describe(self):
        """In words."""
        return "The constrained aim"

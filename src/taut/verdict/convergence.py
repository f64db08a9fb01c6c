r"""Has it converged? Three answers, with the figures behind them.

What is asked is not whether the optimizer has stopped moving (a frozen one has) nor whether the ELBO is flat (it is
flat long before the mean has arrived), but how far one *preconditioned* step on the full data would still go. For a
Gaussian q that is the natural-gradient step, by score regression on fresh matched draws: its length in posterior sds
and the nats that it promises do not change when a constant is added to log p or an unknown is rescaled.
"""

import dataclasses
from typing import Any

import numpy as np

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws, score
from taut.algorithms.on_density.phases import draws_for
from taut.diagnostics.trend import line
from taut.models.density import Density
from taut.verdict.answers import Converged

MOVE = 0.05
"""Posterior sds, and log sd, by which an answer that has converged would still move in a full natural-gradient step."""
RESOLVED = 0.03
"""Standard error of that step above which the check has no power and the answer is unknown."""
REPLICATES = 8
MOST_COORDINATES = 500
"""Up to which the check is affordable: it costs some 16 D gradients over the full data."""


@dataclasses.dataclass(frozen=True)
class Convergence:
    """Whether q is the best of its family.

    Attributes:
        answer: Yes, no or unknown.
        reason: one phrase with the figure that decided.
        left: nats left to gain; None where unknown.
        figures: by name.
    """

    answer: Converged
    reason: str
    left: float | None
    figures: dict[str, float] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        finite = {k: float(v) if np.isfinite(v) else None for k, v in self.figures.items()}
        left = None if self.left is None or not np.isfinite(self.left) else float(self.left)
        return {"answer": self.answer, "reason": self.reason, "left": left, "figures": finite}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Convergence":
        """The inverse of `to_json`; a figure that was not finite comes back as NaN."""
        figures = {k: np.nan if v is None else v for k, v in said["figures"].items()}
        return cls(Converged(said["answer"]), said["reason"], said["left"], figures)


def nats_left(left: float) -> str:
    """How a person says it.

    Example:
        >>> nats_left(0.00012), nats_left(1e-14)
        ('0.0001 nats left to gain', 'less than 0.0001 nats left to gain')
    """
    return (
        f"{left:.2g} nats left to gain"
        if left >= 1
        else f"{left:.4f} nats left to gain"
        if left >= 5e-5
        else ("less than 0.0001 nats left to gain")
    )


def certified(met: bool, left: float, figures: dict[str, float]) -> Convergence:
    """Of a deterministic algorithm with a certificate of its own."""
    if met:
        return Convergence(Converged.YES, nats_left(left), left, figures)
    return Convergence(Converged.NO, "the algorithm's own certificate was not met", None, figures)


def full_step(density: Density, q: Gaussian, factorised: bool, rng: np.random.Generator) -> Convergence:
    """How far one natural-gradient step on the full data would still take a Gaussian q.

    Eight batches of fresh matched draws each give the step; their mean is the estimate and their scatter its error.

    Args:
        density: the full data's.
        q: the answer.
        factorised: whether q is a mean field, whose variances are at rest when the diagonal of H is one.
        rng: of the draws.
    """
    moves, widths, scores = [], [], []
    for _ in range(REPLICATES):
        seen = score(density, q, matched_draws(rng, draws_for(density.dim), density.dim))
        if not np.isfinite(seen.elbo):
            return Convergence(Converged.NO, "the log density is not finite at draws of the answer", None)
        w, v = np.linalg.eigh(seen.curvature)
        w = np.clip(w, 0.05, None)
        step = v @ ((v.T @ seen.gradient) / w)
        moves.append((q.factor @ step) / q.sd)
        if factorised:
            widths.append(-0.5 * np.log(np.clip(np.diag(seen.curvature), 0.05, None)))
        else:
            widths.append(np.log(np.sqrt(np.sum((q.factor @ (v / np.sqrt(w))) ** 2, 1)) / q.sd))
        scores.append(np.concatenate([step, widths[-1]]))
    return _of_steps(np.array(moves), np.array(widths), np.array(scores))


def _of_steps(moves: np.ndarray, widths: np.ndarray, scores: np.ndarray) -> Convergence:
    both = np.concatenate([moves, widths], axis=1)
    mean, error = both.mean(0), both.std(0, ddof=1) / np.sqrt(len(both))
    # An unbiased estimate of the squared step: products of different batches only.
    total, own = scores.sum(0), (scores**2).sum()
    left = max(0.0, 0.5 * float((total @ total - own) / (len(scores) * (len(scores) - 1))))
    figures = {
        "move": float(np.abs(moves.mean(0)).max()),
        "width": float(np.abs(widths.mean(0)).max()),
        "standard_error": float(error.max()),
        "left": left,
    }
    worst = float(np.abs(mean).max())
    if np.any(np.abs(mean) - 3 * error > MOVE):
        reason = f"a natural-gradient step would still move it by {worst:.2g} sd"
        return Convergence(Converged.NO, reason, left, figures)
    if np.any(np.abs(mean) + error > 2 * MOVE) or error.max() > RESOLVED:
        reason = f"a full step is {worst:.2g} sd, known to {error.max():.1g} only"
        return Convergence(Converged.UNKNOWN, reason, left, figures)
    return Convergence(Converged.YES, nats_left(left), left, figures)


def by_history(history: dict[str, np.ndarray]) -> Convergence:
    """Where only the path of the objective is known: whether it was still rising; never "yes".

    The last half of the run is cut into ten blocks, whose means are nearly independent; a straight line through them
    says how much the same number of steps again would bring.

    Args:
        history: of the fit.
    """
    bound = np.asarray(history.get("bound", ()), float)
    if len(bound) < 40 or not np.isfinite(bound).all():
        return Convergence(Converged.UNKNOWN, "the run is too short to tell", None)
    blocks = np.array([b.mean() for b in np.array_split(bound[len(bound) // 2 :], 10)])
    slope, error, _ = line(blocks)
    gain = 10 * slope
    figures = {"gain_of_last_half": gain, "standard_error": 10 * error}
    if slope > 3.4 * error and gain > 1e-3 * max(1.0, abs(blocks[-1])):  # 3.4: one false alarm in 200 at 8 degrees
        reason = f"the objective still rose by {gain:.3g} nats in the last half of the run"
        return Convergence(Converged.NO, reason, gain, figures)
    reason = "the objective is flat to within its noise, which proves nothing"
    return Convergence(Converged.UNKNOWN, reason, None, figures)

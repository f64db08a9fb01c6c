r"""Whether q is the best member of its family, with the figures behind the answer.

The question is not whether the optimizer has stopped moving (a frozen one has), nor whether the ELBO is flat (it is
flat long before the mean has arrived). The question is how far one *preconditioned* step on the full data would still
go. For a Gaussian q this is the natural-gradient step, by score regression on fresh matched draws. Its length in
posterior sds, and the nats that it promises, do not change when a constant is added to log p or an unknown is rescaled.
"""

import dataclasses
from typing import Any

import numpy as np

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws, score
from taut.algorithms.on_density.phases import draws_for
from taut.core.capabilities import Capability
from taut.diagnostics.trend import line
from taut.families import Family
from taut.models.density import Density
from taut.verdict.answers import Converged
from taut.verdict.draws import JUDGE_STREAM, gaussian_of

MOVE = 0.05
"""Largest change of a mean (in posterior sds) and of a log sd by a full step from a q that has converged."""
RESOLVED = 0.03
"""Standard error of a full step above which the step has no power and the answer is unknown."""
REPLICATES = 8
"""Number of batches of draws, each of which gives the step once."""
MOST_COORDINATES = 500
"""Largest number of coordinates for which the step is affordable: it costs about 16 D gradients over the full data."""
LEAST_STEPS, BLOCKS = 40, 10
"""Shortest history that is read, in steps; and number of blocks into which its last half is cut."""
ONE_IN_200 = 3.4
"""Standard errors that the slope through ten blocks of noise exceeds once in 200 times (8 degrees of freedom)."""
STILL_RISING = 1e-3
"""Gain of the last half of a run, as a share of the ELBO, from which the objective is called still rising."""


@dataclasses.dataclass(frozen=True)
class Convergence:
    """Whether q is the best of its family.

    Attributes:
        answer: Yes, no or unknown.
        reason: A phrase with the figure that decided.
        left: Nats left to gain; None where they are not known.
        figures: The figures behind the answer, by name.
    """

    answer: Converged
    reason: str
    left: float | None
    figures: dict[str, float] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON."""
        finite = {k: float(v) if np.isfinite(v) else None for k, v in self.figures.items()}
        left = None if self.left is None or not np.isfinite(self.left) else float(self.left)
        return {"answer": str(self.answer), "reason": self.reason, "left": left, "figures": finite}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Convergence":
        """The inverse of `to_json`; a figure that was not finite comes back as NaN."""
        figures = {k: np.nan if v is None else v for k, v in said["figures"].items()}
        return cls(Converged(said["answer"]), said["reason"], said["left"], figures)


def nats_left(left: float) -> str:
    """The nats that are left to gain, in words.

    Example:
        >>> nats_left(0.00012), nats_left(1e-14)
        ('0.0001 nats left to gain', 'less than 0.0001 nats left to gain')
    """
    if left >= 1:
        return f"{left:.2g} nats left to gain"
    return f"{left:.4f} nats left to gain" if left >= 5e-5 else "less than 0.0001 nats left to gain"


def certified(met: bool, left: float, figures: dict[str, float]) -> Convergence:
    """The convergence of a deterministic algorithm with a certificate of its own.

    Args:
        met: Whether the certificate is met.
        left: Nats left to gain.
        figures: The figures behind the certificate, by name.
    """
    if met:
        return Convergence(Converged.YES, nats_left(left), left, figures)
    return Convergence(Converged.NO, "the algorithm's own certificate was not met", None, figures)


def measured(family: Family, density: Density, seed: int, history: dict[str, np.ndarray] | None = None) -> Convergence:
    """The convergence of an algorithm without a certificate.

    It is measured by a full step where q is Gaussian, and read from the history otherwise.

    Args:
        family: q.
        density: Log density of the full data.
        seed: Seed of the draws.
        history: History of the fit, for a q that is not Gaussian or too large for a full step; None for a Gaussian q
            whose full step is taken whatever its size.
    """
    q = gaussian_of(family)
    if q is None or (history is not None and density.dim > MOST_COORDINATES):
        return by_history(history or {})
    factorised = Capability.FACTORISED in family.offers
    return full_step(density, q, factorised, np.random.default_rng([seed, JUDGE_STREAM]))


def full_step(density: Density, q: Gaussian, factorised: bool, rng: np.random.Generator) -> Convergence:
    """The convergence of a Gaussian q, by the length of one natural-gradient step on the full data.

    Eight batches of fresh matched draws give the step together; its error and its bias are the jackknife's, batch by
    batch. A step by one batch alone is biased where log p is far from quadratic: the inverse of a noisy curvature is
    too large on average, by a tenth for fifty Laplace variables.

    Args:
        density: Log density of the full data.
        q: The answer.
        factorised: Whether q is a mean field, whose variances are at rest when the diagonal of H is one.
        rng: Random numbers of the draws.
    """
    gradients, curvatures = [], []
    for _ in range(REPLICATES):
        scored = score(density, q, matched_draws(rng, draws_for(density.dim), density.dim))
        if not np.isfinite(scored.elbo):
            return Convergence(Converged.NO, "the log density is not finite at draws of the answer", None)
        if not (np.isfinite(scored.gradient).all() and np.isfinite(scored.curvature).all()):
            return Convergence(Converged.NO, "the score is not finite at draws of the answer", None)
        gradients.append(scored.gradient)
        curvatures.append(scored.curvature)
    g, H = np.mean(gradients, axis=0), np.mean(curvatures, axis=0)
    together = _step(q, factorised, g, H)
    rest = REPLICATES - 1
    without = [
        _step(q, factorised, g + (g - one) / rest, H + (H - curvature) / rest)
        for one, curvature in zip(gradients, curvatures, strict=True)
    ]
    moves, widths, scores = (
        np.array([REPLICATES * part - rest * other[i] for other in without]) for i, part in enumerate(together)
    )
    return _by_steps(moves, widths, scores)


def _step(q: Gaussian, factorised: bool, gradient: np.ndarray, curvature: np.ndarray) -> tuple[np.ndarray, ...]:
    """A full step: changes of the means (in sds), of the log sds, and both in whitened units."""
    w, v = np.linalg.eigh(curvature)
    w = np.clip(w, 0.05, None)
    step = v @ ((v.T @ gradient) / w)
    if factorised:
        width = -0.5 * np.log(np.clip(np.diag(curvature), 0.05, None))
    else:
        width = np.log(np.sqrt(np.sum((q.factor @ (v / np.sqrt(w))) ** 2, 1)) / q.sd)
    return (q.factor @ step) / q.sd, width, np.concatenate([step, width])


def _by_steps(moves: np.ndarray, widths: np.ndarray, scores: np.ndarray) -> Convergence:
    """By several estimates of the step, a row each, whose mean it is: of means (in sds), of log sds, both whitened."""
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
    """The convergence where only the path of the objective is known: whether it was still rising. It is never "yes".

    The last half of the run is cut into ten blocks, whose means are nearly independent. A straight line through them
    says how much the same number of steps again would bring.

    Args:
        history: History of the fit, with `bound`.
    """
    bound = np.asarray(history.get("bound", ()), float)
    if len(bound) < LEAST_STEPS or not np.isfinite(bound).all():
        return Convergence(Converged.UNKNOWN, "the run is too short to tell", None)
    blocks = np.array([b.mean() for b in np.array_split(bound[len(bound) // 2 :], BLOCKS)])
    trend = line(blocks)
    gain = BLOCKS * trend.slope
    figures = {"gain_of_last_half": gain, "standard_error": BLOCKS * trend.standard_error}
    if trend.slope > ONE_IN_200 * trend.standard_error and gain > STILL_RISING * max(1.0, abs(blocks[-1])):
        reason = f"the objective still rose by {gain:.3g} nats in the last half of the run"
        return Convergence(Converged.NO, reason, gain, figures)
    reason = "the objective is flat to within its noise, which proves nothing"
    return Convergence(Converged.UNKNOWN, reason, None, figures)

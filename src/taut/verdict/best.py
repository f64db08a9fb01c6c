"""The best answer so far while richer ones are tried, and whether there is more to be gained."""

from typing import NamedTuple

import numpy as np

from taut.families import Family
from taut.models.density import Density
from taut.verdict.draws import draws_of
from taut.verdict.judge import CORRECTED, Judgement
from taut.verdict.trust import NOISE_VARIANCE

SURE = 2.0
"""Standard errors by which a half-variance must be away from the threshold, or more draws are taken."""


class BestSoFar(NamedTuple):
    """The best answer so far, and what was tried.

    Attributes:
        family: q.
        judgement: The verdict on q with its draws.
        rungs: What was tried, a phrase each.
        reason: Why its family is another one than the algorithm's; "" where it is the same.
        source: The fallback that the draws come from; "" where they are those of the first answer.
        confirmed: Whether the answer rests on draws that are wider than q's, whose weights cannot miss q's tails.
        share: Effective share of the last draws that were wider than q's: how near q is to the posterior.
    """

    family: Family
    judgement: Judgement
    rungs: tuple[str, ...] = ()
    reason: str = ""
    source: str = ""
    confirmed: bool = False
    share: float = 0.0

    @property
    def trusted(self) -> bool:
        """Whether the answer can be used."""
        return self.judgement.verdict.trust.reliable

    def settled(self, density: Density, seed: int) -> bool:
        """Whether nothing is left to climb for: trusted, and the weights hardly differ, or wider draws confirm it."""
        return self.trusted and (self.confirmed or not differ(self.family, self.judgement, density, seed))

    def tried(self, note: str) -> "BestSoFar":
        """The same answer, with one more phrase on what was tried."""
        return self._replace(rungs=(*self.rungs, note))

    def better_of(self, family: Family, judgement: Judgement, name: str, evaluations: int) -> "BestSoFar":
        """The new answer if its ELBO is higher, else the old one; named either way."""
        gain = judgement.bound.elbo - self.judgement.bound.elbo
        answer = judgement.verdict.trust.answer
        tried = self.tried(f"{name}: ELBO {gain:+.2f} nats, trust {answer} ({evaluations:,} gradients)")
        # A reliable verdict on a worse q is luck: its tails may be where no draw looks.
        if gain <= 0:
            return tried
        reason = f"tried because a {self.family.phrase} could not be trusted, and its ELBO is {gain:.2f} nats higher"
        return tried._replace(
            family=family, judgement=judgement, reason=reason, source=name, confirmed=False, share=0.0
        )


def half_variance(log_weights: np.ndarray) -> tuple[float, float]:
    """Half the variance of log-weights, and its standard error.

    Args:
        log_weights: `[n]`, log p - log q at independent draws of q, in nats; infinite where one of them is.

    Example:
        >>> half_variance(np.array([1.0, -1.0, 1.0, -1.0]))
        (0.5, 0.0)
    """
    if not np.isfinite(log_weights).all():
        return np.inf, 0.0
    halves = 0.5 * (log_weights - log_weights.mean()) ** 2
    return float(halves.mean()), float(halves.std() / np.sqrt(len(halves)))


def differ(family: Family, judgement: Judgement, density: Density, seed: int) -> bool:
    """Whether the weights of draws of q differ by more than noise: q's tails may then be too short for them to show it.

    A Gaussian on a Student-t has sds that are 15 % too small, and weights whose tail shape is 0.5 or 0.9 by the seed.
    Their half-variance has a standard error, so that more draws are taken where they do not tell.

    Args:
        family: q.
        judgement: The verdict with its draws.
        density: log p.
        seed: Seed of the draws.
    """
    found, error = half_variance(judgement.log_prob - judgement.log_q)
    if abs(found - NOISE_VARIANCE) < SURE * error and judgement.of_q:
        n = len(judgement.z)
        z, log_q = draws_of(family, CORRECTED * n, seed, density.dtype)  # of which the first are those that were judged
        more = density.values(z[n:])[0] - log_q[n:]
        found, _ = half_variance(np.concatenate([judgement.log_prob - judgement.log_q, more]))
    return found > NOISE_VARIANCE

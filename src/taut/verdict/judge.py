"""The verdict on a posterior over model variables: fresh draws of q, weighed against the full data."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from taut.diagnostics.elbo import Bound
from taut.families import Family
from taut.models import Model
from taut.models.checks.jumps import Jump, jump_words
from taut.models.density import Density
from taut.verdict.answers import Converged, Trusted
from taut.verdict.around import jumps_around
from taut.verdict.convergence import Convergence, measured
from taut.verdict.draws import Columns, draws_of, log_prob_of, named_columns
from taut.verdict.trust import DRAWS, trust_from_weights
from taut.verdict.verdict import Verdict

AFFORDABLE = 2e10
"""Largest product of rows, unknowns and draws in a verdict; tall data get fewer draws, whose weights say less."""
LEAST_DRAWS = 64
"""Smallest number of fresh draws, however tall the data."""
CORRECTED = 4
"""Factor on the number of draws where the weighted draws are the answer: their noise is then the answer's noise."""

CLEARLY = 1.0
"""Nats by which a log-weight beside a jump must exceed those of all draws to say that draws have not been there."""


class Judgement(NamedTuple):
    """The verdict with the draws behind it.

    Attributes:
        verdict: Whether it converged and whether to trust it.
        bound: The ELBO and its terms from the same draws.
        z: `[n, D]`, unconstrained draws.
        weights: `[n]`, weight of each draw in the answer: equal where no correction is needed or none helps.
        log_prob: `[n]`, log p(x, z) at the draws, in nats.
        log_q: `[n]`, log q(z) at the draws, in nats.
        jumps: The jumps and ends of the log density around the draws.
        of_q: Whether the draws are those of q, so that weighted and plain averages of them are paired; otherwise they
            stand in for q.
        chains: Number of chains that the draws come from, one after the other; 1 where they are independent.
    """

    verdict: Verdict
    bound: Bound
    z: Float[np.ndarray, "n D"]
    weights: Float[np.ndarray, " n"]
    log_prob: Float[np.ndarray, " n"]
    log_q: Float[np.ndarray, " n"]
    jumps: tuple[Jump, ...] = ()
    of_q: bool = True
    chains: int = 1

    @property
    def corrected(self) -> bool:
        """Whether the answer is these draws rather than q: by their weights, or since they are nearer to the posterior.

        Draws of chains that have not settled are that, and are suspect all the same.
        """
        answer = self.verdict.trust.answer
        return answer is Trusted.CORRECTED or (answer is Trusted.SUSPECT and not self.of_q)

    def moments(
        self, mean: Float[np.ndarray, " D"], covariance: Float[np.ndarray, "D D"]
    ) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D D"]]:
        """Mean and covariance of z under the weights, given those of q.

        Where the draws are q's own, what the weights add to them is paired with the same draws unweighted.
        """
        weighted = self.weights @ self.z
        centred, plain = self.z - weighted, self.z - self.z.mean(0)
        spread = (centred * self.weights[:, None]).T @ centred
        if not self.of_q:
            return weighted, spread
        return mean + weighted - self.z.mean(0), covariance + spread - plain.T @ plain / len(self.z)


def affordable_draws(density: Density, rows: int) -> int:
    """The number of fresh draws that a verdict takes."""
    return int(np.clip(AFFORDABLE / (rows * density.dim), LEAST_DRAWS, DRAWS))


@np.errstate(all="ignore")  # what is not finite is marked and counted, wherever a density overflows
def judge_posterior(
    model: Model,
    family: Family,
    density: Density,
    convergence: Convergence | None,
    *,
    seed: int,
    rows: int,
    history: dict[str, np.ndarray] | None = None,
    to_columns: Columns | None = None,
    recurred: bool = True,
    rivals: float = 0.0,
    jumps: tuple[Jump, ...] | None = None,
    concave: bool = False,
) -> Judgement:
    """Weigh fresh independent draws of `family` against the full data.

    Args:
        model: The model, which names the unknowns.
        family: q.
        density: Log density of the full data, so that no subsampling noise is in the weights.
        convergence: What the algorithm certifies; None has the convergence measured.
        seed: Seed of the draws.
        rows: Number of rows of the data.
        history: History of the fit, for a convergence that cannot be measured; see `convergence.measured`.
        to_columns: A function `z -> (names, [n, M])` in place of the model's own naming.
        recurred: Whether another start found the same ELBO.
        rivals: Share of the mass at other optima.
        jumps: Jumps of the log density where they are known; they are looked for otherwise.
        concave: Whether the log density is concave and the family bent as it is, see `trust_from_weights`.
    """
    n = affordable_draws(density, rows)
    z, log_q = draws_of(family, CORRECTED * n, seed, density.dtype)
    values = density.values(z[:n])
    if jumps is None:
        jumps = () if model.smooth else tuple(jumps_around(density, z[:n], values[0], log_q[:n]))
    convergence = _doubted(convergence or measured(family, density, seed, history), model, jumps)
    known: Any = {"converged": convergence.answer, "recurred": recurred, "rivals": rivals, "concave": concave}

    def weighed(n: int, log_prob: Float[np.ndarray, " n"]):
        names, unknowns = named_columns(model, z[:n], density.dtype, to_columns)
        log_weights = log_prob - log_q[:n]
        unseen = _unseen(density, family, jumps, log_weights)
        return log_weights, trust_from_weights(log_weights, unknowns, names, unseen=unseen, **known)

    log_weights, (trust, weighing) = weighed(n, values[0])
    if trust.answer is Trusted.CORRECTED:
        first, more = values, density.values(z[n:])
        values = np.concatenate([first[0], more[0]]), np.concatenate([first[1], more[1]])
        n = len(z)
        log_weights, (trust, weighing) = weighed(n, values[0])
    weights = weighing.smoothed.weights if trust.answer is Trusted.CORRECTED else np.full(n, 1 / n)
    verdict = Verdict(convergence, trust)
    return Judgement(verdict, _bound(values[1], log_weights), z[:n], weights, values[0], log_q[:n], jumps)


def _doubted(convergence: Convergence, model: Model, jumps: tuple[Jump, ...]) -> Convergence:
    """The convergence, unknown where the log density jumps: certificates are made of gradients, which miss jumps."""
    if not jumps:
        return convergence
    answer = Converged.NO if convergence.answer is Converged.NO else Converged.UNKNOWN
    return dataclasses.replace(convergence, answer=answer, reason=jump_words(list(jumps), model.place), left=None)


def _unseen(density: Density, family: Family, jumps: tuple[Jump, ...], log_weights: np.ndarray) -> bool:
    """Whether beside a jump log p - log q exceeds that of every draw, so that no weight knows of what is there."""
    if not jumps:
        return False
    z = np.stack([jump.inside for jump in jumps])
    found = density.values(z)[0] - log_prob_of(family, z, density.dtype)
    return bool(found.max() > log_weights.max() + CLEARLY)


def _bound(log_likelihood: np.ndarray, log_weights: np.ndarray) -> Bound:
    elbo, likelihood = float(np.mean(log_weights)), float(np.mean(log_likelihood))
    with np.errstate(invalid="ignore"):
        error = float(np.std(log_weights, ddof=1) / np.sqrt(len(log_weights)))
    return Bound(elbo, likelihood, likelihood - elbo, error)

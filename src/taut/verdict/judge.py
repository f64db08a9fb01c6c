"""The sixth sentence for a posterior over model variables: fresh draws, their weights, and what they say."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.diagnostics.elbo import Bound
from taut.families import Family
from taut.models import Model
from taut.models.density import Density, Seen
from taut.problem import Problem
from taut.verdict import trust
from taut.verdict.answers import Trusted
from taut.verdict.convergence import MOST_COORDINATES, Convergence, by_history, full_step
from taut.verdict.draws import JUDGE_STREAM, columns, draws_of, gaussian_of, named_values
from taut.verdict.verdict import Verdict

AFFORDABLE = 2e10
"""Rows times unknowns times draws that the verdict may cost; tall data get fewer draws, whose weights say less."""
LEAST_DRAWS = 64
CORRECTED = 4
"""Times as many draws where they, weighted, are the answer: its noise is theirs."""


class Judged(NamedTuple):
    """The verdict, and the draws that carry it.

    Attributes:
        verdict: both answers.
        bound: the ELBO and its terms from the same draws.
        z: `[n, D]`, unconstrained draws.
        weights: `[n]`, how much each counts in the answer: equal where no correction is needed or none helps.
        log_prob: `[n]`, log p(x, z) at the draws, in nats.
        log_q: `[n]`, log q(z) there.
    """

    verdict: Verdict
    bound: Bound
    z: Float[np.ndarray, "n D"]
    weights: Float[np.ndarray, " n"]
    log_prob: Float[np.ndarray, " n"]
    log_q: Float[np.ndarray, " n"]

    @property
    def corrected(self) -> bool:
        """Whether the answer is the weighted draws rather than q."""
        return self.verdict.trust.answer == Trusted.CORRECTED

    def correction(self) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D D"]]:
        """What the weights add to the mean and to the covariance of z, paired with the same draws unweighted."""
        mean = self.weights @ self.z
        centred, plain = self.z - mean, self.z - self.z.mean(0)
        weighted = (centred * self.weights[:, None]).T @ centred
        return mean - self.z.mean(0), weighted - plain.T @ plain / len(self.z)


def affordable_draws(density: Density, rows: int) -> int:
    """How many fresh draws the verdict takes."""
    return int(np.clip(AFFORDABLE / (rows * density.dim), LEAST_DRAWS, trust.DRAWS))


def share_of_rivals(rivals: list[Any]) -> float:
    """Share of the mass that the optima besides the best seem to hold, by their ELBOs."""
    if len(rivals) < 2:
        return 0.0
    elbos = np.array([elbo for _, elbo in rivals])
    mass = np.exp(elbos - elbos.max())
    return float(1 - mass.max() / mass.sum())


def judge_draws(
    model: Model,
    family: Family,
    density: Density,
    convergence: Convergence,
    *,
    seed: int,
    rows: int,
    to_columns: Any = None,
    recurred: bool = True,
    rivals: float = 0.0,
) -> Judged:
    """Weigh fresh independent draws of `family` against the full data.

    Args:
        model: what names the unknowns.
        family: q.
        density: of the full data: no subsampling noise is ever in the weights.
        convergence: the other half of the verdict.
        seed: of the draws.
        rows: of the data.
        to_columns: `z -> (names, [n, M])` in place of the model's own naming.
        recurred: whether another start found the same ELBO.
        rivals: share of the mass at other optima.
    """
    n = affordable_draws(density, rows)
    z, log_q = draws_of(family, CORRECTED * n, seed, density.dtype)

    def weighed(n: int, seen: Seen):
        names, values = to_columns(z[:n]) if to_columns else columns(named_values(model, z[:n], density.dtype))
        log_weights = seen.value - log_q[:n]
        return log_weights, trust.trust_from_weights(
            log_weights, values, names, converged=convergence.answer, recurred=recurred, rivals=rivals
        )

    seen = density(z[:n])
    log_weights, (found, weighing) = weighed(n, seen)
    if found.answer == Trusted.CORRECTED:  # the weighted draws become the answer: more of them
        more = density(z[n:])
        seen = Seen(*(np.concatenate(pair) for pair in zip(seen, more, strict=True)))
        n = len(z)
        log_weights, (found, weighing) = weighed(n, seen)
    weights = weighing.smoothed.weights if found.answer == Trusted.CORRECTED else np.full(n, 1 / n)
    verdict = Verdict(convergence, found)
    return Judged(verdict, _bound(seen, log_weights), z[:n], weights, seen.value, log_q[:n])


def _bound(seen: Seen, log_weights: np.ndarray) -> Bound:
    elbo, likelihood = float(np.mean(log_weights)), float(np.mean(seen.log_likelihood))
    with np.errstate(invalid="ignore"):
        error = float(np.std(log_weights, ddof=1) / np.sqrt(len(log_weights)))
    return Bound(elbo, likelihood, likelihood - elbo, error)


def convergence_by_full_step(family: Family, density: Density, seed: int) -> Convergence:
    """Of a Gaussian family, by the natural-gradient step that it would still make on the full data."""
    q: Any = gaussian_of(family)
    factorised = Capability.FACTORISED in family.offers
    return full_step(density, q, factorised, np.random.default_rng([seed, JUDGE_STREAM]))


def judge_fit(
    problem: Problem,
    parent: Batch,
    dtype: np.dtype,
    convergence: Convergence | None,
    history: dict[str, np.ndarray],
    seed: int,
    to_columns: Any,
) -> Judged:
    """The verdict on a fit by another algorithm than one on a `Density`, from its full data.

    Args:
        problem: as learned.
        parent: all rows.
        dtype: of the fit.
        convergence: what the algorithm certifies; None asks for a full-data natural-gradient step where q is Gaussian,
            else the history.
        history: of the fit.
        seed: of the draws.
        to_columns: as in `judge_draws`.
    """
    density = Density(problem.model, parent, dtype)
    if convergence is None:
        affordable = gaussian_of(problem.family) is not None and density.dim <= MOST_COORDINATES
        convergence = convergence_by_full_step(problem.family, density, seed) if affordable else by_history(history)
    return judge_draws(
        problem.model, problem.family, density, convergence, seed=seed, rows=int(parent.size), to_columns=to_columns
    )

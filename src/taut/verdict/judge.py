"""The sixth sentence for a posterior over model variables: fresh draws, their weights, and what they say."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.core import precision
from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.core.trees import is_float_array
from taut.diagnostics.elbo import Bound
from taut.families import Family
from taut.models import Model
from taut.models.density import Density, Seen
from taut.problem import Problem
from taut.verdict import trust
from taut.verdict.convergence import MOST_COORDINATES, Convergence, by_history, full_step
from taut.verdict.verdict import Verdict

AFFORDABLE = 2e10
"""Rows times unknowns times draws that the verdict may cost; tall data get fewer draws, whose weights say less."""
LEAST_DRAWS = 64
CORRECTED = 4
"""Times as many draws where they, weighted, are the answer: its noise is theirs."""
JUDGE_STREAM = 2**31 - 2
"""Sets the key stream of the verdict's draws apart from the fit's."""


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
        return self.verdict.trust.answer == "corrected"

    def correction(self) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D D"]]:
        """What the weights add to the mean and to the covariance of z, paired with the same draws unweighted."""
        mean = self.weights @ self.z
        centred, plain = self.z - mean, self.z - self.z.mean(0)
        weighted = (centred * self.weights[:, None]).T @ centred
        return mean - self.z.mean(0), weighted - plain.T @ plain / len(self.z)


@Compiled
def _draw(family: Any, keys: Any) -> Any:
    return jax.vmap(lambda key: family.sample_and_log_prob(family.noise(key)))(keys)


@Compiled
def _log_prob(family: Any, z: Any) -> Any:
    return jax.vmap(family.log_prob)(z)


@Compiled
def _constrain(model: Any, z: Any) -> Any:
    return eqx.filter_vmap(lambda one: model.constrain(one))(z)  # a network carries its activation function


def gaussian_of(family: Family) -> Gaussian | None:
    """A Gaussian family's member in host memory; None for any other family."""
    if Capability.PRECISION not in family.offers:
        return None
    mean = np.asarray(family.mean, float)  # pyright: ignore[reportAttributeAccessIssue]
    factorised = Capability.FACTORISED in family.offers
    log_diagonal = family.log_sd if factorised else family.log_diagonal  # pyright: ignore[reportAttributeAccessIssue]
    with np.errstate(over="ignore"):  # a fit that has diverged
        diagonal = np.diag(np.exp(np.asarray(log_diagonal, float)))
    if factorised:
        return Gaussian(mean, diagonal)
    return Gaussian(mean, np.tril(np.asarray(family.lower, float), -1) + diagonal)  # pyright: ignore[reportAttributeAccessIssue]


def draws_of(family: Family, n: int, seed: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """`n` independent draws of q, `[n, D]`, and their log densities, `[n]`."""
    q = gaussian_of(family)
    if q is not None:
        noise = np.random.default_rng([seed, JUDGE_STREAM]).standard_normal((n, q.mean.size))
        return q.at(noise), q.log_prob(noise)
    with precision.context(dtype):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), JUDGE_STREAM), n)
        z, log_q = _draw(family, keys, plain=True)
    return np.asarray(z, float), np.asarray(log_q, float)


def log_prob_of(family: Family, z: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """log q at given draws, `[n]`, in nats."""
    with precision.context(dtype):
        return np.asarray(_log_prob(family, z.astype(dtype), plain=True), float)


def plain_draws(family: Family, n: int, seed: int, dtype: np.dtype) -> np.ndarray:
    """`n` draws of q, `[n, D]`, for averages: antithetic with matched moments where q is Gaussian."""
    q = gaussian_of(family)
    if q is None:
        return draws_of(family, n, seed, dtype)[0]
    return q.at(matched_draws(np.random.default_rng([seed, JUDGE_STREAM]), n, q.mean.size))


def named_values(model: Model, z: np.ndarray, dtype: np.dtype) -> Any:
    """The named, shaped, constrained values at draws `z` `[n, D]`: a pytree of `[n, ...]`."""
    with precision.context(dtype):
        values = _constrain(model, z.astype(dtype), plain=True)
    return jax.tree.map(lambda x: np.asarray(x) if eqx.is_array(x) else x, values)


def columns(values: Any) -> tuple[tuple[str, ...], Float[np.ndarray, "n M"]]:
    """The floating numbers of a pytree of `[n, ...]` as named columns.

    Example:
        >>> columns({"tau": np.ones(3), "theta": np.ones((3, 2))})[0]
        ('tau', 'theta[0]', 'theta[1]')
    """
    names, found = [], []
    for path, leaf in jax.tree_util.tree_leaves_with_path(eqx.filter(values, is_float_array)):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        for place in np.ndindex(leaf.shape[1:]):
            names.append(name + (f"[{', '.join(map(str, place))}]" if place else ""))
            found.append(leaf[(slice(None), *place)])
    return tuple(names), np.stack(found, axis=1)


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


def judge(
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
        return log_weights, trust.judge(
            log_weights, values, names, converged=convergence.answer, recurred=recurred, rivals=rivals
        )

    seen = density(z[:n])
    log_weights, (found, weighing) = weighed(n, seen)
    if found.answer == "corrected":  # the weighted draws become the answer: more of them
        more = density(z[n:])
        seen = Seen(*(np.concatenate(pair) for pair in zip(seen, more, strict=True)))
        n = len(z)
        log_weights, (found, weighing) = weighed(n, seen)
    weights = weighing.smoothed.weights if found.answer == "corrected" else np.full(n, 1 / n)
    verdict = Verdict(convergence, found)
    return Judged(verdict, _bound(seen, log_weights), z[:n], weights, seen.value, log_q[:n])


def _bound(seen: Seen, log_weights: np.ndarray) -> Bound:
    elbo, likelihood = float(np.mean(log_weights)), float(np.mean(seen.log_likelihood))
    with np.errstate(invalid="ignore"):
        error = float(np.std(log_weights, ddof=1) / np.sqrt(len(log_weights)))
    return Bound(elbo, likelihood, likelihood - elbo, error)


def checked(family: Family, density: Density, seed: int) -> Convergence:
    """Of a Gaussian family, by the natural-gradient step that it would still make on the full data."""
    q: Any = gaussian_of(family)
    factorised = Capability.FACTORISED in family.offers
    return full_step(density, q, factorised, np.random.default_rng([seed, JUDGE_STREAM]))


def judge_late(
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
        to_columns: as in `judge`.
    """
    density = Density(problem.model, parent, dtype)
    if convergence is None:
        affordable = gaussian_of(problem.family) is not None and density.dim <= MOST_COORDINATES
        convergence = checked(problem.family, density, seed) if affordable else by_history(history)
    return judge(
        problem.model, problem.family, density, convergence, seed=seed, rows=int(parent.size), to_columns=to_columns
    )

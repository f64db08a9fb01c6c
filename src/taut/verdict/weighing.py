"""Draws of q with their importance weights: the moments that they give, and whether tails leave these undecided."""

import dataclasses

import numpy as np
from jaxtyping import Float

from taut.diagnostics.importance import HIGH_K, Smoothed, pareto_smoothed

ROUGH_RATIO = 0.1
"""Change of an sd under the weights from which the number of draws behind it matters."""

ROUNDING = 64
"""Units in the last place of its largest value up to which the sd of a quantity is rounding: it is a constant."""
TAIL = 0.025
"""Share of the mass beyond each end of a 95 % interval."""
TAIL_FACTOR = 1.5
"""Factor on this share up to which an interval holds: 1.3 is a shift by 0.1 sd, and the rest is left to the noise of a
thousand draws."""


@dataclasses.dataclass(frozen=True)
class Weighing:
    """Draws of q with their normalised weights, and the moments that they give.

    Attributes:
        smoothed: The smoothed weights.
        values: `[n, M]`, the named unknowns at the draws.
        shift: `[M]`, change of each mean under the weights, in sds of q.
        sd_ratio: `[M]`, weighted sd over the sd of q.
        second_moment_size: `[M]`, effective number of draws behind each weighted sd; 0 where the weighted squares have
            a tail too heavy (k-hat above 0.7) for any number of draws to tell.
        elbo: Mean log-weight, in nats; -inf where a draw has no density.
        half_variance: Half the variance of the finite log-weights: an estimate of KL(q||p), in nats, where q is close.
    """

    smoothed: Smoothed
    values: Float[np.ndarray, "n M"]
    shift: Float[np.ndarray, " M"]
    sd_ratio: Float[np.ndarray, " M"]
    second_moment_size: Float[np.ndarray, " M"]
    elbo: float
    half_variance: float


def varies(values: Float[np.ndarray, "n M"]) -> np.ndarray:
    """Whether each quantity differs from draw to draw by more than rounding, `[M]`; a constant is not judged.

    Example:
        >>> varies(np.array([[1.0, 0.1], [1.0, 0.1 + 1e-17], [1.0 + 2e-16, 0.3]])).tolist()
        [False, True]
    """
    if not np.issubdtype(values.dtype, np.floating):
        return np.ptp(values, axis=0) > 0
    return values.std(0) > ROUNDING * np.finfo(values.dtype).eps * np.abs(values).max(0)


def weigh(log_weights: Float[np.ndarray, " n"], values: Float[np.ndarray, "n M"]) -> Weighing:
    """Means and sds under the weights against those of the same draws without them: paired, so that the noise cancels.

    Args:
        log_weights: log p(x, z) - log q(z), in nats; any constant may be added.
        values: The named unknowns at the same draws; those that are constant do not move.
    """
    judged = varies(values)
    smoothed = pareto_smoothed(log_weights)
    w = smoothed.weights[:, None]
    mean, sd = values.mean(0), values.std(0)
    safe = np.where(judged, sd, 1.0)
    weighted = np.sum(w * values, 0)
    squared = (values - weighted) ** 2
    weighted_sd = np.sqrt(np.sum(w * squared, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.sum(w * squared, 0) ** 2 / np.sum((w * squared) ** 2, 0)
    size = np.where(np.isfinite(size) & judged, size, len(values))
    moved = (np.abs(weighted_sd / safe - 1) > ROUGH_RATIO) & judged
    size[moved] = np.where(heavy_tails(values[:, moved], smoothed.weights), 0.0, size[moved])
    finite = log_weights[np.isfinite(log_weights)]
    return Weighing(
        smoothed,
        values,
        np.where(judged, (weighted - mean) / safe, 0.0),
        np.where(judged, weighted_sd / safe, 1.0),
        size,
        float(np.mean(finite)) if len(finite) == len(log_weights) else -np.inf,
        0.5 * float(np.var(finite)) if len(finite) > 1 else np.inf,
    )


def heavy_tails(
    values: Float[np.ndarray, "n M"], weights: Float[np.ndarray, " n"] | None = None, above: float = HIGH_K
) -> np.ndarray:
    """Whether the (weighted) squared deviations have a tail that draws do not average out, `[M]`.

    Args:
        values: The draws.
        weights: Their weights; equal by default.
        above: Largest k-hat of the squares that is not heavy: 0.8 is that of a log-normal of log-sd 1, and 1 that of a
            distribution with an infinite variance.
    """
    w = np.full(len(values), 1 / len(values)) if weights is None else weights
    with np.errstate(divide="ignore"):
        log_squares = np.log(w)[:, None] + 2 * np.log(np.abs(values - w @ values))
    return pareto_smoothed(log_squares.T).k_hat > above


def tails_of_interval(
    draws: Float[np.ndarray, "n M"], values: Float[np.ndarray, "m M"], weights: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, "2 M"]:
    """Share of the weighted `values` below and above the equal-tailed 95 % intervals of `draws`.

    Args:
        draws: Draws of q, which count alike.
        values: Draws of the posterior.
        weights: Their weights, which sum to 1; equal by default.
    """
    w = np.full(len(values), 1 / len(values)) if weights is None else weights
    lower, upper = np.quantile(draws, [TAIL, 1 - TAIL], axis=0)
    return np.stack([w @ (values < lower), w @ (values > upper)])


def intervals_hold(tails: Float[np.ndarray, "2 M"]) -> np.ndarray:
    """Whether both `tails_of_interval` are those of a 95 % interval, nearly, `[M]`.

    Example:
        >>> intervals_hold(np.array([[0.03, 0.09], [0.02, 0.03]])).tolist()
        [True, False]
    """
    return np.all((tails <= TAIL * TAIL_FACTOR) & (tails >= TAIL / TAIL_FACTOR), axis=0)


def resample(weights: Float[np.ndarray, " n"], n: int, rng: np.random.Generator) -> np.ndarray:
    """Places of `n` draws with replacement, by systematic resampling: each appears n w times, rounded up or down.

    Args:
        weights: The weights of the draws; they sum to 1.
        n: Number of draws.
        rng: Random numbers of the resampling and of the order.
    """
    places = np.searchsorted(np.cumsum(weights), (np.arange(n) + rng.uniform()) / n)
    return rng.permutation(np.minimum(places, len(weights) - 1))

r"""What the other rows say of each row: cavities, and integrals of the row's likelihood over them.

The site of a row in q is removed by a step of rank one (`left_out`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested.exact import FreeEffects
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.state import State

LARGEST = 0.95
"""Influence above which a cavity may not be a distribution, and the row is solved anew in any case."""
POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
LOG_WEIGHTS = np.log(WEIGHTS / WEIGHTS.sum())


@dataclass
class Cavity:
    """Normal mixtures of rows' linear predictors, K components, at T cells.

    Attributes:
        log_share: `[T, K, n]`.
        mean: `[T, K, n]`.
        variance: `[T, 1, n]`.
        centre, width: `[T, K, n]`, where the integrand lies, and its sd.
    """

    log_share: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    centre: np.ndarray
    width: np.ndarray


def cavities(inner: Inner, state: State, t: np.ndarray) -> tuple[Cavity, np.ndarray]:
    """The cavities of all rows, and the influences `[T, n]`."""
    if isinstance(inner.effects, FreeEffects):
        return _free(inner, state, t, inner.effects)
    hv = state.h * state.v
    left = 1 - np.minimum(hv, LARGEST)
    variance = state.v / left
    mean = state.m - variance * state.slope
    return gaussian(mean, variance, state.m, np.sqrt(state.v)), hv


def gaussian(mean, variance, centre, width) -> Cavity:
    """Cavities of one component; T by n each."""
    mean, variance, centre, width = (x[:, None] for x in (mean, variance, centre, width))
    return Cavity(np.zeros_like(mean), mean, variance, centre, width)


def _free(inner: Inner, state: State, t: np.ndarray, effects: FreeEffects) -> tuple[Cavity, np.ndarray]:
    r"""Cavities where the effects e of the eliminated factor are free.

    The density of e is divided by exp E[log p(y_i) given e]. Of the border's part, with variance c, the step of rank
    one leaves c / ((1 - h k)(1 - h (k + c))), where k = z' C^-1 z is the part of the effects.
    """
    layout, prior = inner.layout, inner.prior(t)
    inverse = inner.algebra.factorise(state.h, prior.border, prior.groups).inverse
    columns = layout.columns
    of_effects = sum(
        y * z * inverse[:, a, b][:, layout.index] for a, z in enumerate(columns) for b, y in enumerate(columns)
    )
    hv = state.h * (state.v + of_effects)
    left = (1 - np.minimum(state.h * of_effects, LARGEST)) * (1 - np.minimum(hv, LARGEST))
    variance = state.v / left
    log_share, at = _effect_nodes(inner, state, effects)
    base = state.m[:, None] + at
    T, K, n = base.shape
    repeated = (np.repeat(x, K, 0) for x in (state.v, t))
    value = inner.expect(base.reshape(T * K, n), *repeated)[0].reshape(T, K, n)
    log_share = log_share - value
    log_share = log_share - logsumexp(log_share, axis=1, keepdims=True)
    mean = base - (variance * state.slope)[:, None]
    return Cavity(log_share, mean, variance[:, None], mean, np.broadcast_to(np.sqrt(variance)[:, None], mean.shape)), hv


def _effect_nodes(inner: Inner, state: State, effects: FreeEffects) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of the shares of the effects' nodes, and z'e there, `[T, K, n]` each, row by row."""
    layout, (centre, root, share, _) = inner.layout, state.held
    moves = sum(root[:, None, :, b] * effects.rule.points[:, b, None, None] for b in range(effects.width))
    places = centre[:, None] + moves
    at = np.zeros(1) + sum(z * places[:, :, a][:, :, layout.index] for a, z in enumerate(layout.columns))
    with np.errstate(divide="ignore"):
        return np.log(share)[:, :, layout.index], at


def integrals(inner: Inner, scored: Likelihood, cavity: Cavity, t: np.ndarray, powers: np.ndarray):
    """The logarithms of the integrals of p(y_i given eta) to its power and of itself, `[T, n]` each."""
    T, K, n = cavity.mean.shape
    eta = cavity.centre[:, :, None] + cavity.width[:, :, None] * POINTS[:, None]
    phi = np.repeat(inner.scales.phi(t), K * len(POINTS), 0)
    flat = eta.reshape(-1, n)
    value = np.asarray(scored.expect(flat, np.zeros_like(flat), phi)[0]).reshape(eta.shape)
    away = (eta - cavity.mean[:, :, None]) ** 2 / cavity.variance[:, :, None]
    log_scale = np.log(cavity.width) - 0.5 * np.log(cavity.variance)
    weight = LOG_WEIGHTS[:, None] + 0.5 * POINTS[:, None] ** 2 - 0.5 * away
    weight = weight + (log_scale + cavity.log_share)[:, :, None]
    return (logsumexp(weight + power * value, axis=(1, 2)) for power in (powers, 1.0))


def predictors(inner: Inner, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows' linear predictors under q as mixtures: log shares and means `[T, K, n]`, variances `[T, 1, n]`."""
    if not isinstance(inner.effects, FreeEffects):
        return np.zeros_like(state.m)[:, None], state.m[:, None], state.v[:, None]
    log_share, at = _effect_nodes(inner, state, inner.effects)
    return log_share, state.m[:, None] + at, state.v[:, None]

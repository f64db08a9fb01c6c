"""The posterior table: exact for a regression, from weighted draws for anything else."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core import precision
from taut.verdict.judge import columns, gaussian_of, named_values, plain_draws

if TYPE_CHECKING:
    from taut.results.fit import Fit

DRAWS = 4000
"""Behind a summary where moments are not closed; their first two moments in z are q's exactly."""


def coefficients(fit: "Fit", level: float) -> dict[str, Any]:
    """Of a regression, on both scales: linear functions of a Gaussian are Gaussian.

    Args:
        fit: of a regression.
        level: probability of the interval.
    """
    assert fit.design is not None
    answer: Any = fit.answer
    q = gaussian_of(answer)
    if q is None:  # a Gaussian that is not kept as a factor of its covariance
        with precision.context(fit.dtype):
            q = Gaussian(np.asarray(answer.mean, float), np.linalg.cholesky(np.asarray(answer.covariance, float)))
    A = fit.design.original_scale()
    with np.errstate(all="ignore"):  # a fit that has diverged is shown all the same
        mean, sd = A @ q.mean, np.sqrt(np.sum((A @ q.factor) ** 2, axis=1))
    half = ndtri(0.5 + 0.5 * level) * sd
    return {
        "name": list(fit.design.names),
        "mean": mean,
        "sd": sd,
        "lower": mean - half,
        "upper": mean + half,
        "p_positive": ndtr(mean / sd),
        "mean_standardised": q.mean,
        "sd_standardised": q.sd,
    }


def marginals(fit: "Fit", level: float) -> dict[str, Any]:
    """Of a log density: weighted means, sds and quantiles of draws.

    Args:
        fit: of a log density.
        level: probability of the interval.
    """
    names, draws, weights = _weighted(fit)
    mean = weights @ draws
    sd = np.sqrt(weights @ (draws - mean) ** 2)
    order, tails = np.argsort(draws, axis=0), np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])
    reached = np.cumsum(weights[order], axis=0)
    places = np.argmax(reached[None] >= tails[:, None, None], axis=1)
    lower, upper = np.take_along_axis(np.take_along_axis(draws, order, axis=0), places, axis=0)
    return {
        "name": list(names),
        "mean": mean,
        "sd": sd,
        "lower": lower,
        "upper": upper,
        "p_positive": weights @ (draws > 0),
    }


def _weighted(fit: "Fit") -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Draws behind a summary: saved ones, weighted ones where they are the answer, else q's with matched moments."""
    if fit.draws is not None:
        names, values = columns(fit.draws)
    elif fit.judgement is not None and fit.judgement.corrected:
        names, values = columns(named_values(fit.model, fit.judgement.z, fit.dtype))
        return names, values, fit.judgement.weights
    else:
        z = plain_draws(fit.posterior, DRAWS, fit.seed, fit.dtype)
        names, values = columns(named_values(fit.model, z, fit.dtype))
    return names, values, np.full(len(values), 1 / len(values))

"""A posterior whose answer is known: the model, its moments, and how they are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from taut.models import LogDensity


@dataclass(frozen=True)
class Target:
    """A model and the truth about it.

    Attributes:
        name: by which a command line asks for it.
        model: the log density, handed to `taut.fit` as it is.
        names: of the constrained scalars, as `fit.summary()` names them, unknowns in alphabetical order.
        mean, sd: of each.
        mean_error, sd_error: standard errors of `mean` and `sd`; zero where they are exact.
        log_normaliser: ln of the integral of exp(log joint) over the constrained space; None where unknown. An ELBO
            cannot exceed it.
        log_normaliser_error: its standard error.
        tags: what makes it easy or hard: "gaussian-fits", "skewed", "heavy-tailed", "several modes", "funnel",
            "hierarchy", "scales".
        how: where the truth comes from.
    """

    name: str
    model: LogDensity
    names: tuple[str, ...]
    mean: np.ndarray
    sd: np.ndarray
    mean_error: np.ndarray
    sd_error: np.ndarray
    log_normaliser: float | None
    log_normaliser_error: float
    tags: frozenset[str]
    how: str


def flat(values: Mapping[str, Any]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and numbers of `values` (arrays by name), in the order of `fit.summary()`: sorted, then row by row."""
    names, numbers = [], []
    for name in sorted(values):
        array = np.asarray(values[name], float)
        names += [name + (f"[{', '.join(map(str, place))}]" if place else "") for place in np.ndindex(array.shape)]
        numbers.append(array.ravel())
    return tuple(names), np.concatenate(numbers)


def known(
    name: str,
    model: LogDensity,
    *,
    mean: Mapping[str, Any],
    sd: Mapping[str, Any],
    tags: set[str],
    how: str,
    mean_error: Mapping[str, Any] | None = None,
    sd_error: Mapping[str, Any] | None = None,
    log_normaliser: float | None = None,
    log_normaliser_error: float = 0.0,
) -> Target:
    """A target whose moments are given by parameter, each in the parameter's shape."""
    names, means = flat(mean)
    sds = flat(sd)[1]
    errors = [np.zeros_like(means) if e is None else flat(e)[1] for e in (mean_error, sd_error)]
    return Target(name, model, names, means, sds, *errors, log_normaliser, log_normaliser_error, frozenset(tags), how)

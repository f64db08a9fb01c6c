"""A few numbers of the data against the same of replicated data."""

import dataclasses
from collections.abc import Callable

import numpy as np

from taut.diagnostics.predictive.check import Check, band
from taut.diagnostics.predictive.replicated import Replicated

STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda y: y.mean(-1),
    "sd": lambda y: y.std(-1),
    "share of zeros": lambda y: (y == 0).mean(-1),
    "smallest": lambda y: y.min(-1),
    "largest": lambda y: y.max(-1),
}
EXTREME = 0.01


def statistics(data: Replicated) -> Check:
    """Mean, sd, share of zeros, smallest and largest; one that neither the data nor the draws move is left out."""
    observed = {name: float(f(data.observed)) for name, f in STATISTICS.items()}
    drawn = {name: f(data.rows) for name, f in STATISTICS.items()}
    names = [name for name in STATISTICS if np.ptp(np.append(drawn[name], observed[name])) > 0]
    seen, rows = np.array([observed[x] for x in names]), np.array([drawn[x] for x in names]).reshape(len(names), -1).T
    mean, lower, upper = band(rows)
    # Of equal ones half.
    p = (rows > seen).mean(0) + 0.5 * (rows == seen).mean(0)
    odd = [i for i in range(len(names)) if min(p[i], 1 - p[i]) < EXTREME]
    check = Check("statistics", np.array(names), seen, mean, lower, upper, "", {"p_value": p})
    text = (
        "; ".join(f"{names[i]} {seen[i]:.3g}, predicted {lower[i]:.3g} to {upper[i]:.3g}" for i in odd)
        if odd
        else _within(check)
    )
    return dataclasses.replace(check, sentence=f"Not as predicted: {text}." if odd else text)


def _within(check: Check) -> str:
    """What is said where nothing is extreme; one number in ten is outside its band by chance."""
    outside = ", ".join(check.at[check.outside])
    if not outside:
        return "Mean, spread and extremes are as predicted."
    return f"Outside the 90 % band, as one number in ten is by chance: {outside}. The others are as predicted."

"""The errors of the mean gradient of each estimator: whether it is unbiased."""

import numpy as np
from matplotlib.figure import Figure

from taut.report.figures.estimator_looks import looks
from taut.report.figures.style import GREY, WIDTH, plain, vertical_grid
from taut.studies.claims import FALSE_ALARM, Claims

BEYOND = 30.0
"""Number of standard errors at which the axis ends. A larger error is drawn there."""


def unbiasedness(found: Claims) -> Figure:
    """Draw the errors of each estimator's mean gradient, a dot for each parameter, and the band of errors by chance.

    Args:
        found: The claims, from `taut.gradient_claims`.
    """
    from scipy.stats import norm

    names = list(dict.fromkeys(found.table["estimator"]))
    figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * len(names)))
    ax = figure.subplots()
    allowed = -norm.ppf(FALSE_ALARM / 2 / max(found.table["parameters"]))
    ax.axvspan(-allowed, allowed, color=GREY, alpha=0.18, linewidth=0)
    ax.axvline(0, color=GREY, linewidth=0.8)
    jitter = np.random.default_rng(0)
    for line, (name, look) in enumerate(zip(names, looks(names), strict=True)):
        rows = found.means.filter(found.means["estimator"] == name)
        error, se = rows["error"].to_numpy(), rows["standard_error"].to_numpy()
        z = np.divide(error, se, out=np.zeros_like(error), where=se > 1e-12 * max(np.abs(error).max(), 1.0))
        ax.plot(
            np.clip(z, -BEYOND, BEYOND),
            line + jitter.uniform(-0.22, 0.22, len(z)),
            "o",
            color=look.colour,
            markersize=2.8,
            alpha=0.75,
            markeredgewidth=0,
        )
    ax.set_xscale("symlog", linthresh=6, linscale=2.5)
    ax.set_xlim(-1.1 * BEYOND, 1.1 * BEYOND)
    ax.set_xticks([-BEYOND, -4, -2, 0, 2, 4, BEYOND])
    ax.xaxis.set_major_formatter(plain)
    ax.minorticks_off()
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel("error of the mean gradient, in standard errors")
    vertical_grid(ax)
    return figure

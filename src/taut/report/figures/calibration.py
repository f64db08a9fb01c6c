"""The reliability diagram: do the rows to which p was given come true with frequency p?"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import ndtri

from taut.report.evidence import BINS, Evidence
from taut.report.figures.style import BLUE, GREY, WIDTH
from taut.report.posterior_table import LEVEL


def wilson(positive: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Wilson's 95 % interval of a binomial proportion.

    With k of n and z the normal quantile, the proportions that a score test does not reject:

    .. math:: \frac{k + z^2/2 \pm z \sqrt{k (n - k) / n + z^2/4}}{n + z^2}

    Args:
        positive: `[m]`, k.
        count: `[m]`, n, at least 1.

    Returns:
        Lower and upper ends, each `[m]`.

    Example:
        >>> low, high = wilson(np.array([0]), np.array([10]))
        >>> round(float(low[0]), 4), round(float(high[0]), 4)
        (0.0, 0.2775)

    Source: E. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.
    """
    z = ndtri(0.5 + 0.5 * LEVEL)
    half = z * np.sqrt(positive * (count - positive) / count + z**2 / 4)
    middle = positive + z**2 / 2
    # At k = 0 and k = n an end is exactly 0 or 1, and rounding must not take it outside.
    return np.clip((middle - half) / (count + z**2), 0, 1), np.clip((middle + half) / (count + z**2), 0, 1)


def calibration(evidence: Evidence, positive: str) -> Figure:
    """Draw it.

    Args:
        evidence: the binned data.
        positive: what y = 1 is called.
    """
    filled = evidence.count > 0
    count, predicted = evidence.count[filled], evidence.predicted[filled]
    observed = evidence.positive[filled] / count
    low, high = wilson(evidence.positive[filled], count)
    figure = Figure(figsize=(WIDTH, 4.6))
    main, below = figure.subplots(2, 1, height_ratios=[3.6, 1], sharex=True)
    main.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle="--")
    # Rounding may put an end of an interval a hair on the wrong side of its middle.
    ends = np.maximum([observed - low, high - observed], 0)
    main.errorbar(predicted, observed, ends, fmt="o", color=BLUE, markersize=5, elinewidth=1.6)
    main.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03), ylabel=f"share of rows with {positive}")
    below.bar((np.arange(BINS) + 0.5) / BINS, evidence.count, 0.9 / BINS, color=BLUE, alpha=0.35)
    for place, n in zip(np.flatnonzero(filled), count, strict=True):
        above = {"xytext": (0, 1.5), "textcoords": "offset points", "ha": "center"}
        below.annotate(f"{n:,}", ((place + 0.5) / BINS, n), **above, fontsize=7.5)
    below.set(xlabel=f"predictive probability of {positive}", ylabel="rows", ylim=(0, 1.3 * count.max()))
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    return figure

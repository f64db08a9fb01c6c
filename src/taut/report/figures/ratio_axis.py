"""A second axis above one of logarithms, where their exponentials are read."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from taut.report.figures.style import plain

MOST = 7
"""Ticks."""
SERIES = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
"""Multiples of powers of ten that are ticks, from the coarsest."""


def ratio_ticks(low: float, high: float) -> list[float]:
    """Round ratios between e^low and e^high, the most of a series that are no more than `MOST`.

    Example:
        >>> ratio_ticks(-1.0, 1.2)
        [0.5, 0.7, 1.0, 1.5, 2.0, 3.0]
        >>> ratio_ticks(-0.05, 0.1)
        [1.0, 1.05, 1.1]
    """
    if high - low < 0.7:
        inside = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(np.exp(low), np.exp(high))
        return [float(round(x, 6)) for x in inside if low <= np.log(x) <= high]
    first, last = int(np.floor(low / np.log(10))), int(np.ceil(high / np.log(10)))
    each = max(1, round((last - first) / (MOST - 1)))
    found: list[float] = [10.0**k for k in range(first, last + 1) if k % each == 0]
    for multiples in SERIES if each == 1 else ():
        finer = [float(f"{m}e{k}") for k in range(first, last + 1) for m in multiples]
        inside = [x for x in finer if low <= np.log(x) <= high]
        if len(inside) > MOST:
            break
        found = inside
    return [x for x in found if low <= np.log(x) <= high]


def ratio_axis(ax: Axes) -> None:
    """Draw it above axes whose x is a logarithm."""
    above = ax.secondary_xaxis("top")
    ticks = ratio_ticks(*ax.get_xlim())
    above.set_xticks(np.log(ticks), ["\N{MULTIPLICATION SIGN}" + plain(x) for x in ticks])
    above.spines["top"].set_visible(True)

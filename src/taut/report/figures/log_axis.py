"""Ticks of logarithmic axes, whose labels need no mathematics typeset."""

from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullFormatter

from taut.report.figures.style import plain

SUPERSCRIPT = str.maketrans("-0123456789", "\N{SUPERSCRIPT MINUS}⁰¹²³⁴⁵⁶⁷⁸⁹")


def power(value: float, _: Any = None) -> str:
    """A power of ten as a tick label.

    Example:
        >>> power(1e6), power(0.01), power(100.0)
        ('10⁶', '0.01', '100')
    """
    exponent = round(np.log10(value))
    return plain(value) if abs(exponent) < 4 else "10" + str(exponent).translate(SUPERSCRIPT)


def label_decades(axis: Axis) -> None:
    """Label an axis at powers of ten; an axis of at most two decades is labelled at 2 and 5 times these as well.

    Args:
        axis: The x axis or the y axis of a plot, logarithmic already.
    """
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(power if high / low > 100 else plain)
    axis.set_minor_formatter(NullFormatter())

"""A straight line through a series: how fast it rises, and whether that is more than its noise."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit


class Line(NamedTuple):
    """The least-squares line through a series at equal distances.

    Attributes:
        slope: Rise from one value to the next.
        standard_error: Standard error of `slope`, from the scatter around the line.
        freedom: Degrees of freedom of that error.
    """

    slope: float
    standard_error: float
    freedom: int

    def rises(self, level: float = 0.995) -> bool:
        """Whether the slope is positive by a one-sided t-test; a flat series passes with probability 1 - `level`."""
        return self.slope > float(stdtrit(self.freedom, level)) * self.standard_error


def line(values: Float[np.ndarray, " n"]) -> Line:
    r"""The straight line through `values`, n of at least 2.

    .. math:: \hat b = \frac{\sum_i x_i y_i}{\sum_i x_i^2}, \qquad
              \mathrm{se}(\hat b)^2 = \frac{\sum_i (y_i - \bar y - \hat b x_i)^2}{(n - 2) \sum_i x_i^2},
              \qquad x_i = i - \tfrac{n - 1}{2}

    The error is that of independent scatter around the line.

    Example:
        >>> line(np.array([0.0, 1.0, 2.0, 3.0]))
        Line(slope=1.0, standard_error=0.0, freedom=2)
    """
    x = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(x @ values / (x @ x))
    residual = values - values.mean() - slope * x
    freedom = max(len(values) - 2, 1)
    return Line(slope, float(np.sqrt(residual @ residual / freedom / (x @ x))), freedom)

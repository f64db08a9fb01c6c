"""How a series rises: by a straight line and its noise, since when no more, and when it would no longer."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SLIGHT = 1e-3
"""Rise, as a share of the value itself, that counts for nothing: a tenth of a percent."""
FARTHEST = 100
"""Largest multiple of its length to which a series is continued."""
STRAIGHT = 0.75
"""Smallest ratio of an earlier slope to a later one that is no bend upwards: a straight line has a half."""


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
        from scipy.special import stdtrit  # a tenth of a second to load, and no fit waits for it

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


def least_rise(value: float) -> float:
    """The rise above `value` from which it counts."""
    return SLIGHT * max(1.0, abs(value))


def since_rise(values: Float[np.ndarray, " n"] | list[float]) -> int:
    """Number of values since the last that counts as a rise; those between may have risen by less in all.

    Example:
        >>> since_rise([-100.0, -90.0, -89.95, -89.92, -91.0])
        3
    """
    mark, at = values[0], 0
    for i, value in enumerate(values):
        if value > mark + least_rise(mark):
            mark, at = value, i
    return len(values) - 1 - at


def no_rise(values: Float[np.ndarray, " n"] | list[float]) -> str:
    """What has become of a series of looks since its last rise, in words.

    Example:
        >>> no_rise([-90.0, -91.0, -92.0]), no_rise([-90.0, -91.0, -89.99])
        ('has not risen in the last 2 looks', 'has risen by less than 0.1 % in the last 2 looks')
    """
    since = since_rise(values)
    slightly = int(np.argmax(values)) > len(values) - 1 - since
    return f"has {f'risen by less than {100 * SLIGHT:g} %' if slightly else 'not risen'} in the last {since} looks"


def length_until_flat(values: Float[np.ndarray, " n"], window: int) -> tuple[float, float] | None:
    r"""Between which lengths the series would end with `window` values in which it rises by nothing that counts.

    A training curve rises ever less with each doubling of the steps. If each doubling brought as much as the last,
    the curve were :math:`a + b \log t`, with a rise of about :math:`b w / t` over the last w values: slight only from
    :math:`t = b w / r` on, where r is the least rise that counts. This is the larger length. If each brought the same
    share of the one before, as the last did, the curve were a power law that comes to rest: this is the smaller one.

    Args:
        values: The series at equal distances, from the first value on.
        window: Number of values that must not rise.

    Returns:
        The smaller and the larger length, neither below what there is; None where the series is too short, does not
        rise, bends upwards (so that nothing can be said of its end) or would end beyond `FARTHEST` times its length.

    Example:
        >>> [round(length) for length in length_until_flat(-10 + np.log(np.arange(1.0, 101)), window=20)]
        [3673, 3673]
    """
    n = len(values)
    if n < 8:
        return None
    whole, half, quarter = (_level(values, at) for at in (n, n // 2, n // 4))
    late, early = whole - half, half - quarter
    if late <= 0 or early < STRAIGHT * late:
        return None
    more = max(late * window / (np.log(2) * least_rise(whole) * n), 1.0)
    power = max(np.log2(early / late), 0.0)
    least, most = (max(n * more**exponent + window / 2, n) for exponent in (1 / (1 + power), 1.0))
    return (float(least), float(most)) if most <= FARTHEST * n else None


def _level(values: np.ndarray, at: int) -> float:
    """The series at its value number `at`, as the mean of the values around it."""
    around = max(at // 16, 1)
    return float(np.mean(values[max(at - around, 0) : at]))

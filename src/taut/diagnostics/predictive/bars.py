"""How often each value was seen, against how often it is predicted: for counts and levels."""

import numpy as np

from taut.diagnostics.predictive.check import Check, band, many_outside
from taut.diagnostics.predictive.replicated import Replicated

MOST_BARS = 30


def bars(data: Replicated) -> Check:
    """Numbers of rows at each value, or in steps of equal width where there are many values; the last takes the rest.

    A bar's position is its smallest value.
    """
    observed = data.observed
    most = int(max(observed.max(), np.quantile(data.rows.max(1), 0.5)))
    width = int(np.ceil((most + 1) / MOST_BARS))
    starts = np.arange(0, most + 1, width)

    def counted(y):
        places = np.minimum(y // width, len(starts) - 1).astype(int)
        return np.bincount(places, minlength=len(starts))

    mean, lower, upper = band(np.array([counted(row) for row in data.rows]))
    seen = counted(observed).astype(float)
    check = Check("bars", starts, seen, mean, lower, upper, "")
    outside = check.outside
    if many_outside(outside):
        worst = int(np.argmax(np.abs(seen - mean) / np.maximum(upper - lower, 1.0)))
        text = (
            f"{int(outside.sum())} of {len(starts)} bars lie outside their 90 % band: {_named(starts, width, worst)} "
            f"was seen {seen[worst]:.0f} times and {mean[worst]:.1f} times were predicted."
        )
    else:
        text = "The values are as frequent as predicted."
    return Check("bars", starts, seen, mean, lower, upper, text, {"width": np.array(width)})


def _named(starts: np.ndarray, width: int, bar: int) -> str:
    start = starts[bar]
    return f"the value {start}" if width == 1 else f"a value from {start} to {start + width - 1}"

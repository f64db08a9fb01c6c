"""Where a Gaussian starts: its mean and standard deviations as given, checked."""

from typing import Any

import numpy as np

from taut.core.names import brief
from taut.errors import ArgumentError


def start(mean: Any, sd: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[D]` and the logarithms of the standard deviations `[D]`.

    Raises:
        ArgumentError: No numbers, a negative standard deviation, or shapes that do not go together.
    """
    try:
        mean_array, sds = np.asarray(mean, float), np.asarray(sd, float)
        sds = np.broadcast_to(sds, mean_array.shape)
    except (TypeError, ValueError):
        mean_array = sds = np.zeros(())
    if mean_array.ndim < 1 or np.any(sds <= 0):
        raise ArgumentError(
            f"around(mean={brief(mean)}, sd={brief(sd)}): a mean of shape [D] and positive standard deviations, one or "
            "one for each coordinate, are needed."
        )
    return mean_array, np.log(sds)

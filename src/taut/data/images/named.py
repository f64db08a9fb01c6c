"""Image sets that go by a name: one that comes with scikit-learn, and those of openml.org."""

from math import isqrt
from typing import Any

import numpy as np

from taut.data.images.pixels import Raw
from taut.errors import DataError

OPENML = "openml:"


def digits() -> Raw:
    """scikit-learn's 1,797 handwritten digits, 8 x 8 with values from 0 to 16.

    Source: E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits, 1998 (its test part).
    """
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    return Raw(data.images.astype(np.uint8), train_labels=data.target, levels=16, test_size=297)


def openml(name: str) -> Raw:
    """A set from openml.org, kept on disk by scikit-learn; rows of h * h pixels become `[h, h]`.

    Raises:
        DataError: no such set, or no network.
    """
    from sklearn.datasets import fetch_openml

    try:
        # liac-arff: the other parser needs pandas, which Taut does not.
        data: Any = fetch_openml(name, as_frame=False, parser="liac-arff")
    except OSError as problem:  # URLError, HTTPError and timeouts are among them
        raise DataError(
            f"'{OPENML}{name}' could not be fetched from openml.org, {problem}: check name and network, or fetch the "
            "images elsewhere and give their folder, .npz or .npy; 'digits' needs no network."
        ) from problem
    except ValueError as problem:
        raise DataError(f"'{OPENML}{name}' cannot be used, {problem} Look for its name at openml.org.") from problem
    images = np.asarray(data.data)
    side = isqrt(images.shape[1]) if images.ndim == 2 else 0
    if side > 1 and side * side == images.shape[1]:
        images = images.reshape(-1, side, side)
    return Raw(images, train_labels=data.target)

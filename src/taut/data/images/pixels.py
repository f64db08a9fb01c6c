"""Arrays that should be images: checked, made as small as they can be, and their grey scale found."""

from typing import Any, NamedTuple

import numpy as np

from taut.core.names import brief
from taut.data.images.layout import upright
from taut.errors import DataError

SHAPES = "[n, h, w], [n, h, w, channels], [n, channels, h, w] or [n, pixels]"
DARK = 127
"""Values that stay below half of 255 but not below 1 do not say what white is: 16 in scikit-learn's digits."""


ROUNDING = 1e-5
"""How far a pixel may be outside [0, 1] by rounding."""


class Raw(NamedTuple):
    """What a file held, not yet checked.

    Attributes:
        train: the images, all of them where there is no `test`.
        test: images set apart by whoever made the file.
        train_labels: one for each of `train`.
        test_labels: one for each of `test`.
        levels: value of white where the format says it.
        test_size: images to set apart for testing where a set without `test` has a customary number.
    """

    train: Any
    test: Any = None
    train_labels: Any = None
    test_labels: Any = None
    levels: int | None = None
    test_size: int | None = None


def as_pixels(values: Any, what: str, channels: Any = None) -> np.ndarray:
    """Check images, and store them as bytes where all values are whole, as float32 where not.

    Args:
        values: array-like, see `SHAPES`.
        what: how a message calls them.
        channels: "first" or "last" of an image's axes; None finds out (`taut.data.images.layout`).

    Returns:
        A read-only array with the colours last, uint8 or float32, every value in [0, 255].

    Raises:
        DataError: another shape, nothing in it, no numbers, or values that are not in [0, 255].

    Example:
        >>> as_pixels([[0.0, 1.0]], "the images").dtype, as_pixels([[0.0, 0.5]], "the images").dtype
        (dtype('uint8'), dtype('float32'))
    """
    try:
        array = np.asarray(values)
    except ValueError:  # nested lists of unequal lengths
        raise DataError(f"{_start(what)} are of mixed sizes: crop or scale all of them to one size.") from None
    if array.dtype == object and array.ndim == 0:
        raise DataError(f"{_start(what)} are {brief(values)}: an array {SHAPES} is needed.")
    if array.dtype == object:
        raise DataError(
            f"{_start(what)} are an array of Python objects, most often since sizes are mixed: scale all to one size "
            "and give numbers, np.stack(images)."
        )
    if array.dtype.kind not in "buif":
        raise DataError(f"{_start(what)} are of type {array.dtype}, which is no real number: give uint8 or floats.")
    if array.ndim not in (2, 3, 4):
        alone = " (one image alone: add an axis in front, images[None])" if array.ndim == 1 else ""
        raise DataError(f"{_start(what)} are an array of shape {array.shape}{alone}: {SHAPES} is needed.")
    if len(array) == 0:
        raise DataError(f"{_start(what)} are none: the array has shape {array.shape}. At least one image is needed.")
    if array.size == 0:
        raise DataError(f"{_start(what)} have no pixels: the array has shape {array.shape}.")
    array = upright(array, what, channels)
    if array.dtype != np.uint8:
        array = _in_range(array, what)
    array = np.ascontiguousarray(array).view()  # a view, so that the caller's own array stays writable
    array.flags.writeable = False
    return array


def levels_of(*arrays: np.ndarray) -> int:
    """Value of white, 1 or 255, from the largest value in checked images.

    Raises:
        DataError: the largest value is neither, so that nothing says what white is, or each array says another.

    Example:
        >>> levels_of(np.array([[0, 200]], np.uint8)), levels_of(np.array([[0.0, 0.3]]))
        (255, 1)
    """
    each = [float(a.max()) for a in arrays]
    largest = max(each)
    if largest > DARK and 0 < min(each) <= 1:
        raise DataError(
            f"The largest pixels are {' and '.join(f'{x:.9g}' for x in each)}: training and test images are not on one "
            "scale. Bring both to [0, 1] or to 0 to 255."
        )
    if 1 < largest <= DARK:
        raise DataError(
            f"The largest pixel is {largest:.9g}, so that nothing says what white is: the scale is taken for [0, 1] up "
            f"to 1 and for 0 to 255 above {DARK}. Divide by the value of white, which gives floats in [0, 1]."
        )
    return 1 if largest <= 1 else 255


def as_labels(values: Any, images: np.ndarray, what: str) -> np.ndarray | None:
    """One label for each image, as whole numbers where all of them read as such.

    Args:
        values: `[n]` or `[n, 1]` of numbers or text, or None.
        images: what they belong to.
        what: how a message calls the images.

    Returns:
        `[n]`, or None.

    Raises:
        DataError: not as many as images.

    Example:
        >>> as_labels(["7", "0"], np.zeros((2, 4)), "the images")
        array([7, 0])
    """
    if values is None:
        return None
    labels = np.asarray(values)
    if labels.shape not in ((len(images),), (len(images), 1)):
        raise DataError(
            f"There are {len(images)} images in {what} and labels of shape {labels.shape}: one for each is needed. "
            "Do both come from the same set?"
        )
    labels = labels.ravel()
    try:
        numbers = labels.astype(np.float64)
    except (ValueError, TypeError):
        return labels.astype(str)
    whole = np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all()
    return labels.astype(str) if not whole else numbers.astype(np.int64)


def _in_range(array: np.ndarray, what: str) -> np.ndarray:
    if array.dtype == bool:
        return array.astype(np.uint8)
    if not np.isfinite(array).all():
        bad = ~np.isfinite(array)
        raise DataError(
            f"{_start(what)} have {bad.sum()} pixels that are NaN or infinite, in {_rows(bad)}: fill them in or leave "
            "those images out."
        )
    if array.dtype.kind == "f":
        array = np.where((array < 0) & (array > -ROUNDING), 0.0, array)
        array = np.where((array > 1) & (array < 1 + ROUNDING), 1.0, array)
    if array.min() < 0:
        bad = array < 0
        remedy = "bring them to [0, 1] (from [-1, 1]: (x + 1) / 2) or to 0 to 255"
        if array.dtype == np.int8:
            remedy = "bytes that were read with a sign are mended by images.view(np.uint8)"
        elif array.min() < -1:
            remedy = "undo the standardisation, x * sd + mean, which gives [0, 1] or 0 to 255"
        raise DataError(
            f"{_start(what)} have negative pixels, {array.min():g} at the lowest, in {_rows(bad)}: {remedy}."
        )
    if array.max() > 255:
        bad = array > 255
        raise DataError(
            f"{_start(what)} have pixels over 255, {array.max():g} at the largest, in {_rows(bad)}: divide by the "
            "value of white (65535 with 16 bits), which gives floats in [0, 1]."
        )
    whole = array.dtype.kind in "iu" or (array == np.floor(array)).all()
    return array.astype(np.uint8 if whole else np.float32)


def _rows(bad: np.ndarray) -> str:
    rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
    return f"{len(rows)} of {len(bad)} images, the first of them number {rows[0]} (from 0)"


def _start(what: str) -> str:
    return what[0].upper() + what[1:]

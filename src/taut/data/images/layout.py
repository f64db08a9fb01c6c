"""Which axis of an array of images is which: the images first, then height and width, colours last."""

from typing import Any

import numpy as np

from taut.core.names import find, unknown
from taut.errors import ArgumentError, DataError

COLOURS = (1, 3, 4)
"""Lengths of an axis of colours: grey, red-green-blue, and that with transparency."""
FLAT_LABELS = 100
"""Most classes that one-hot labels are looked for."""


def upright(array: np.ndarray, what: str, channels: Any = None) -> np.ndarray:
    """Images `[n, h, w]`, `[n, h, w, channels]` or `[n, pixels]`, from these or from `[n, channels, h, w]`.

    Args:
        array: `[n, ...]` with two to four axes.
        what: How a message calls the images.
        channels: "first" or "last" of an image's axes; None looks for an axis of 1, 3 or 4.

    Raises:
        DataError: Images that come last, a single image, or labels in their place; with the remedy.
        ArgumentError: Another word for `channels`.

    Example:
        >>> upright(np.zeros((60, 3, 10, 15)), "the images").shape
        (60, 10, 15, 3)
        >>> upright(np.zeros((60, 3, 10, 15)), "the images", "last").shape
        (60, 3, 10, 15)
    """
    if channels is not None:
        named = find(channels, ("first", "last"))
        if named is None:
            raise ArgumentError(f"channels={unknown(channels, ('first', 'last'))}.")
        return np.moveaxis(array, 1, -1) if named == "first" and array.ndim == 4 else array
    if array.ndim == 2:
        _refuse_labels(array, what)
    if array.ndim == 3:
        _refuse_one_or_last(array, what)
    return _colours_last(array, what) if array.ndim == 4 else array


def _colours_last(array: np.ndarray, what: str) -> np.ndarray:
    first, height, width, last = array.shape[1], *array.shape[1:3], array.shape[3]
    if last in COLOURS or last < min(height, width):
        return array
    if first in COLOURS:
        return np.moveaxis(array, 1, -1)
    raise DataError(
        f"{what[0].upper()}{what[1:]} have shape {array.shape}, and neither the second nor the last axis is one of "
        "colours (1, 3 or 4). Give [n, h, w, channels] (np.moveaxis(images, -1, 0) where the images come last), or say "
        "which axis it is, load_images(images, channels='last')."
    )


def _refuse_one_or_last(array: np.ndarray, what: str) -> None:
    n, height, width = array.shape
    shown = f"{what[0].upper()}{what[1:]} have shape {array.shape}"
    if width in COLOURS and min(n, height) > max(COLOURS):
        raise DataError(
            f"{shown}, as one colour image has: give it as images[None]. If these are {n} images of {height} x {width} "
            "grey pixels, give images[..., None]."
        )
    if n == height and width > 4 * height:
        raise DataError(
            f"{shown}, as {width} images of {n} x {height} pixels have that come last: give "
            f"np.moveaxis(images, -1, 0). If these are {n} images of {height} x {width} pixels, give images[..., None]."
        )


def _refuse_labels(array: np.ndarray, what: str) -> None:
    n, size = array.shape
    ones = 1 < size <= FLAT_LABELS and n > size and bool(np.all((array == 0) | (array == 1)))
    one_hot = ones and bool(np.all(array.sum(axis=1) == 1))
    if (size == 1 and n > 1) or one_hot:
        kind = "one label for each image" if size == 1 else "one-hot labels"
        raise DataError(
            f"{what[0].upper()}{what[1:]} have shape {array.shape} and look like {kind}. Give the images; labels go "
            f"beside them in a .npz file. If these are images, give images[:, None, :]."
        )

"""Images of a model as one picture, laid out in rows with a thin line between them."""

import base64
import io
import math

import numpy as np
from matplotlib import image

WIDTH = 900
"""Pixels that a picture is about as wide as: sharp on a screen that has two for each of the page's."""


def image_shape(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """How an example is shown: `(h, w)`, `(h, w, 1 or 3)`, a flat one as a square where it is one; None if it is none.

    Example:
        >>> image_shape((784,)), image_shape((28, 28)), image_shape((6,))
        ((28, 28), (28, 28), None)
    """
    if len(shape) == 1:
        side = math.isqrt(shape[0])
        return (side, side) if side * side == shape[0] and side > 1 else None
    if len(shape) == 3:
        return tuple(shape) if shape[2] in (1, 3) else None
    return tuple(shape) if len(shape) == 2 else None


def tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """Images side by side in rows of `columns`, on white: `[H, W, 3]` bytes.

    Args:
        images: `[n, h, w]` or `[n, h, w, 1 or 3]`; 0 is black and 1 white, what lies beyond is cut off.
        columns: of the picture.

    Example:
        >>> tiled(np.zeros((3, 8, 8)), 2).shape
        (17, 17, 3)
    """
    images = images[..., None] if images.ndim == 3 else images
    n, h, w, _ = images.shape
    gap = max(1, w // 12)
    rows = -(-n // columns)
    sheet = np.ones((rows * (h + gap) - gap, columns * (w + gap) - gap, 3))
    for place, one in enumerate(images):
        top, left = (place // columns) * (h + gap), (place % columns) * (w + gap)
        sheet[top : top + h, left : left + w] = np.clip(one, 0, 1)
    return np.round(255 * sheet).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """`[H, W, 3]` bytes as a PNG file, each pixel a whole square of screen pixels so that none is blurred."""
    times = max(1, round(WIDTH / picture.shape[1]))
    file = io.BytesIO()
    image.imsave(file, picture.repeat(times, axis=0).repeat(times, axis=1), format="png", metadata={"Software": ""})
    return file.getvalue()


def inline_png(images: np.ndarray, columns: int) -> str:
    """The tiled images as the address of a picture that is its own content."""
    return "data:image/png;base64," + base64.b64encode(png(tiled(images, columns))).decode()

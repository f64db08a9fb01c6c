"""Images in splits: to learn from, to validate on, to test on."""

import zlib
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np

from taut.core.arguments import instance, is_number, whole
from taut.core.names import brief
from taut.errors import ArgumentError, DataError

SEED = 0
"""Of the test split of data that come without one, and of the images that a limit keeps: the same for everybody."""
DISTINCT = 10
"""Fewest different test images that, all found among the training images, are taken for a leak."""


@dataclass(frozen=True, eq=False)
class Images:
    """Images in splits; the arrays are read-only.

    Attributes:
        name: where they are from.
        levels: value of white: 255, 16 ("digits") or 1. Grey is value / levels, in [0, 1].
        train: uint8, or float32 where values are not whole; `[n, h, w]`, `[n, h, w, channels]` or `[n, pixels]`.
        test: as `train`, of other images.
        train_labels: `[n]`, numbers or text, or None.
        test_labels: as `train_labels`.
        validation: images taken from `train` by `split`, or None.
        validation_labels: as `train_labels`.
        test_split: how the test images were set apart; goes with every number computed from them.
        layout: how their axes were moved, "as given" where they were not.
    """

    name: str
    levels: int
    train: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    validation: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    test_split: str = "as given"
    layout: str = "as given"

    def __str__(self) -> str:
        """How the images were understood, in one line."""
        n = len(self.train) + (0 if self.validation is None else len(self.validation))
        moved = "" if self.layout == "as given" else f" ({self.layout})"
        return (
            f"{self.name}: {n:,} images to learn from and {len(self.test):,} to test on, {_pixels(self.shape)}, values "
            f"from 0 to {self.levels}{moved}."
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return self.train.shape[1:]

    def record(self) -> dict[str, Any]:
        """What a stored result says of its data, as JSON."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "levels": self.levels,
            "train": len(self.train),
            "validation": 0 if self.validation is None else len(self.validation),
            "test": len(self.test),
            "test_split": self.test_split,
        }


def _pixels(shape: tuple[int, ...]) -> str:
    """The shape of an image in words, height first."""
    if len(shape) == 1:
        side = isqrt(shape[0])
        square = side * side == shape[0] and side > 1
        return f"{shape[0]} numbers each, " + (f"{side} x {side} pixels" if square else "of unknown height and width")
    colours = "in grey" if len(shape) == 2 or shape[2] == 1 else f"in {shape[2]} colours"
    return f"{shape[0]} x {shape[1]} pixels {colours}"


def split(images: Images, fraction: float = 0.1, seed: int = 0) -> Images:
    """Set some of the training images apart for validation, e.g. for early stopping; the test images stay as they are.

    Args:
        images: without validation images.
        fraction: of the training images, between 0 and 1; at least one image.
        seed: of the choice.

    Raises:
        ArgumentError: a fraction that is not between 0 and 1, a seed that is no whole number from 0 to 2^32 - 1, a
            single training image, or images that have a validation split.

    Example:
        >>> from taut.data import load_images
        >>> parts = split(load_images("digits"), 0.2)
        >>> len(parts.train), len(parts.validation), len(parts.test)
        (1200, 300, 297)
    """
    instance("images", images, Images, "give taut.data.load_images(array)")
    if images.validation is not None:
        raise ArgumentError(
            f"'{images.name}' has {len(images.validation)} validation images already: split what was loaded."
        )
    n = len(images.train)
    if n < 2:
        raise ArgumentError("There is a single training image: at least two are needed to set one apart.")
    if not is_number(fraction) or not 0 < fraction < 1:
        raise ArgumentError(f"fraction={brief(fraction)}: a share of the training images between 0 and 1 is needed.")
    rest, apart = _choose(n, min(max(1, round(fraction * n)), n - 1), seed, "validation")
    return replace(
        images,
        train=_rows(images.train, rest),
        train_labels=_rows(images.train_labels, rest),
        validation=_rows(images.train, apart),
        validation_labels=_rows(images.train_labels, apart),
    )


def with_test(images: np.ndarray, labels: np.ndarray | None, count: int, name: str, levels: int) -> Images:
    """`Images` of which `count` are set apart for testing, the same at every call.

    Raises:
        DataError: a single image.
    """
    n = len(images)
    if n < 2:
        raise DataError("There is a single image: at least two are needed, one to learn from and one to test on.")
    rest, apart = _choose(n, count, SEED, "test")
    return Images(
        name,
        levels,
        train=_rows(images, rest),
        test=_rows(images, apart),
        train_labels=_rows(labels, rest),
        test_labels=_rows(labels, apart),
        test_split=f"{count} of {n} at random, seed {SEED}",
    )


def limited(images: Images, limit: int) -> Images:
    """At most `limit` images of each split, at random (a folder may be sorted by label), the same at every call."""
    sizes = len(images.train), len(images.test)
    train, test = (_choose(n, min(limit, n), SEED, "limit")[1] for n in sizes)
    return replace(
        images,
        train=_rows(images.train, train),
        train_labels=_rows(images.train_labels, train),
        test=_rows(images.test, test),
        test_labels=_rows(images.test_labels, test),
        test_split=images.test_split + (f"; {len(test)} of these" if len(test) < sizes[1] else ""),
    )


def refuse_leak(train: np.ndarray, test: np.ndarray) -> None:
    """Refuse training images that are training and test images in one.

    One test image among the training images may be chance, a blank page for instance. All of them, where hardly any
    training image occurs twice, are none: were a tenth of all draws repeats, ten would be so once in 10^10.
    """
    tested = {row.tobytes() for row in test}
    trained = {row.tobytes() for row in train}
    if len(tested) >= DISTINCT and tested <= trained and len(trained) > 0.9 * len(train):
        raise DataError(
            f"All {len(test)} test images are also among the {len(train)} training images: a test on them would say "
            "nothing. Remove them from the training images."
        )


def check_seed(seed: Any) -> int:
    """A whole number from 0 to 2^32 - 1; anything else is refused."""
    return whole("seed", seed, 0, 2**32 - 1)


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose: two purposes with the same seed share none."""
    entropy = [check_seed(seed), zlib.crc32(purpose.encode())]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def read_only(array: np.ndarray) -> np.ndarray:
    """The same array, protected from writing."""
    array.flags.writeable = False
    return array


def _choose(n: int, count: int, seed: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows that stay and the `count` that are chosen, each in their old order."""
    order = generator(seed, purpose).permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def _rows(array: Any, rows: np.ndarray) -> Any:
    return None if array is None else read_only(array[rows])

"""Grey levels become what a likelihood takes: 0 and 1, drawn once, drawn anew, or cut at a half; or grey in [0, 1].

The same network on the same digits scores 83 or 104 nats by the binarisation alone, so the way goes with every number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import numpy as np

from taut.core.arguments import instance
from taut.core.names import find, unknown
from taut.data.images.splits import Images, check_seed, generator, read_only
from taut.errors import ArgumentError

Kind = Literal["fixed", "dynamic", "threshold", "none"]
CHUNK = 4096
"""Rows that are drawn at once, which bounds the memory for uniform numbers."""


@dataclass(frozen=True)
class Binarisation:
    """How grey levels became data; `dataclasses.asdict` gives the JSON that a stored number carries.

    Attributes:
        kind: "fixed" (x ~ Bernoulli(grey), drawn once), "dynamic" (drawn anew at each training step, once for testing),
            "threshold" (grey >= 1/2) or "none" (grey).
        seed: of the draws that are made once.

    Raises:
        ArgumentError: an unknown kind, or a seed that is no whole number from 0 to 2^32 - 1.

    Example:
        >>> Binarisation("fixed", seed=1)
        Binarisation(kind='fixed', seed=1)
    """

    kind: Kind
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "kind", find(self.kind, get_args(Kind)) or self.kind)
        if self.kind not in get_args(Kind):
            raise ArgumentError(
                f"kind={unknown(self.kind, get_args(Kind))}; the images come second, binarise(kind, images)."
            )
        object.__setattr__(self, "seed", check_seed(self.seed))


@dataclass(frozen=True)
class Grey:
    """The transform of `taut.data.source.Source` that brings stored values to [0, 1].

    Transforms are compared by value, so that two runs share a compilation.

    Attributes:
        levels: value of white.

    Example:
        >>> Grey(16)(None, jax.numpy.array([0, 4, 16], "uint8")).tolist()
        [0.0, 0.25, 1.0]
    """

    levels: int

    def __call__(self, key: Any, rows: Any) -> Any:
        """The rows in [0, 1]; the key is not used."""
        return rows / float(self.levels)  # bytes become the float type of the precision in force


@dataclass(frozen=True)
class Draw:
    """The transform that draws x ~ Bernoulli(value / levels) anew at each step.

    Attributes:
        levels: value of white.

    Example:
        >>> Draw(255)(jax.random.key(0), jax.numpy.array([0, 255], "uint8")).tolist()
        [0.0, 1.0]
    """

    levels: int

    def __call__(self, key: Any, rows: Any) -> Any:
        """One draw of the rows, 0 and 1."""
        grey = Grey(self.levels)(key, rows)
        return jax.random.bernoulli(key, grey).astype(grey.dtype)


@dataclass(frozen=True, eq=False)
class Training:
    """What is trained on: `Source(training.rows, transform=training.transform)`.

    Neither this nor `HeldOut` is an array: the two cannot be joined, nor one be taken for the other.

    Attributes:
        rows: `[n, ...]` as stored, uint8 where values are whole: a quarter of the memory of floats.
        transform: `(key, rows) -> rows`, from stored values to data.
        labels: `[n]` or None.
    """

    rows: np.ndarray
    transform: Callable
    labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What is validated or tested on: the same rows at each evaluation.

    Attributes:
        rows: `[n, ...]` float32, the data themselves.
        labels: `[n]` or None.
    """

    rows: np.ndarray
    labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Binarised:
    """Splits in the form that a likelihood takes.

    Attributes:
        binarisation: how they came about.
        train: to learn from.
        test: to report on.
        validation: to stop by, or None.
    """

    binarisation: Binarisation
    train: Training
    test: HeldOut
    validation: HeldOut | None = None


def binarise(kind: Kind, images: Images, seed: int = 0) -> Binarised:
    """Turn images into the data of a likelihood.

    With grey = value / images.levels, in [0, 1]:

    ========= ============================================= =============================================
    kind      training                                      validation and test
    ========= ============================================= =============================================
    fixed     x ~ Bernoulli(grey), drawn once               x ~ Bernoulli(grey), drawn once
    dynamic   x ~ Bernoulli(grey), drawn anew at each step  x ~ Bernoulli(grey), drawn once (as in fixed)
    threshold x = 1 if grey >= 1/2, else 0                  as for training
    none      x = grey                                      as for training
    ========= ============================================= =============================================

    Args:
        kind: a row of the table.
        images: from `load_images`.
        seed: of what is drawn once; each split has random numbers of its own.

    Raises:
        ArgumentError: an unknown kind, or a seed that is no whole number from 0 to 2^32 - 1.

    Example:
        >>> from taut.data.images.images import load_images
        >>> data = binarise("fixed", load_images("digits"))
        >>> np.unique(data.test.rows).tolist(), data.train.rows.dtype, data.train.transform
        ([0.0, 1.0], dtype('uint8'), Grey(levels=1))

    Source: R. Salakhutdinov and I. Murray, On the quantitative analysis of deep belief networks, 2008 (fixed);
    Y. Burda, R. Grosse and R. Salakhutdinov, Importance weighted autoencoders, 2016 (dynamic).
    """
    how = Binarisation(kind, seed)
    kind = how.kind
    instance("images", images, Images, "give taut.data.load_images(array), which finds out what white is")

    levels = images.levels

    def held_out(rows: np.ndarray, labels: Any, part: str) -> HeldOut:
        done = _grey(rows, levels) if kind == "none" else _binary(how, rows, levels, part).astype(np.float32)
        return HeldOut(read_only(done), labels)

    if kind in ("dynamic", "none"):
        train = Training(images.train, Draw(levels) if kind == "dynamic" else Grey(levels), images.train_labels)
    else:
        train = Training(read_only(_binary(how, images.train, levels, "train")), Grey(1), images.train_labels)
    validation = images.validation
    return Binarised(
        how,
        train,
        test=held_out(images.test, images.test_labels, "test"),
        validation=None if validation is None else held_out(validation, images.validation_labels, "validation"),
    )


def _grey(rows: np.ndarray, levels: int) -> np.ndarray:
    return rows.astype(np.float32) / np.float32(levels)


def _binary(how: Binarisation, rows: np.ndarray, levels: int, part: str) -> np.ndarray:
    """0 and 1 as uint8; no two parts share random numbers."""
    uniform = generator(how.seed, f"binarise {part}")
    done = np.empty(rows.shape, np.uint8)
    for start in range(0, len(rows), CHUNK):
        some = slice(start, start + CHUNK)
        grey = _grey(rows[some], levels)
        # Uniform on [0, 1), so that white is always 1 and black never.
        done[some] = grey >= 0.5 if how.kind == "threshold" else uniform.random(grey.shape, np.float32) < grey
    return done

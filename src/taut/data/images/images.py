"""Images in: from a name, a folder, a file or an array, checked, with test images set apart."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taut.core.arguments import plain
from taut.data.images.arrays import read_arrays
from taut.data.images.idx import is_idx_folder, read_idx_folder
from taut.data.images.named import OPENML, digits, openml
from taut.data.images.pictures import read_pictures
from taut.data.images.pixels import Raw, as_labels, as_pixels, levels_of
from taut.data.images.splits import Images, limited, refuse_leak, with_test
from taut.data.wording import suggestion
from taut.errors import ArgumentError, DataError

TEST_SHARE = 0.1


def load_images(spec: Any, *, limit: int | None = None, channels: str | None = None) -> Images:
    """Load images and their test split.

    Where the data have no test split, a tenth of them (at least one) is set apart, the same at every call; of "digits"
    it is 297 of 1,797.

    Args:
        spec: "digits"; "openml:NAME"; a folder of IDX files (train-images-idx3-ubyte.gz, ...) or of PNG and JPEG
            files (subfolders: labels, or train and test); a .npz or .npy file; or an array `[n, h, w]`,
            `[n, h, w, channels]`, `[n, channels, h, w]` or `[n, pixels]`. Values are in [0, 1] or from 0 to 255.
        limit: most images of each split, taken at random, the same at every call; None for all.
        channels: whether the colours are the "first" or the "last" axis of an image; None looks for an axis of 1, 3 or
            4. They are last in what is returned.

    Returns:
        The images as they were stored, with what white is; `taut.data.binarise` makes data of them, and `print` says
        how they were understood.

    Raises:
        DataError: files or values that cannot be used.
        ArgumentError: an unknown name, or a limit that is no positive whole number.

    Example:
        >>> import numpy as np
        >>> images = load_images("digits")
        >>> images.train.shape, images.test.shape, images.levels
        ((1500, 8, 8), (297, 8, 8), 16)
        >>> load_images(np.zeros((20, 4, 4))).test_split
        '2 of 20 at random, seed 0'
    """
    limit = plain(limit)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ArgumentError(f"limit={limit!r}: the most images of a split is needed, a positive whole number or None.")
    name, raw = _read(spec)
    what = "the images" if raw.test is None else "the training images"
    train = as_pixels(raw.train, what, channels)
    labels = as_labels(raw.train_labels, train, what)
    if raw.test is None:
        count = raw.test_size or max(1, round(TEST_SHARE * len(train)))
        images = with_test(train, labels, count, name, raw.levels or levels_of(train))
    else:
        test = as_pixels(raw.test, "the test images", channels)
        if test.shape[1:] != train.shape[1:]:
            raise DataError(
                f"The training images of '{name}' have shape {train.shape[1:]} and its test images {test.shape[1:]}: "
                "scale them to one size."
            )
        refuse_leak(train, test)
        test_labels = as_labels(raw.test_labels, test, "the test images")
        images = Images(name, raw.levels or levels_of(train, test), train, test, labels, test_labels)
    given = np.shape(raw.train)[1:]
    if given != train.shape[1:]:
        images = replace(images, layout=f"colours moved from first to last, {given} to {train.shape[1:]}")
    return images if limit is None else limited(images, limit)


class Listed(NamedTuple):
    """All images of a source in their own order.

    Attributes:
        pixels: `[n, ...]`, as stored.
        levels: value of white where the source says it, else None.
        split: `[n]`, "train" or "test" where the source says so, else "all".
        labels: `[n]`, or None where an image has none.
    """

    pixels: np.ndarray
    levels: int | None
    split: np.ndarray
    labels: np.ndarray | None


def list_images(spec: Any) -> Listed:
    """Read the images of a source in their own order: the training images first where it has two splits.

    Unlike `load_images`, nothing is set apart and no grey scale guessed.

    Args:
        spec: as of `load_images`.

    Raises:
        DataError: files or values that cannot be used.
        ArgumentError: an unknown name.

    Example:
        >>> found = list_images("digits")
        >>> found.pixels.shape, found.levels, set(found.split.tolist())
        ((1797, 8, 8), 16, {'all'})
    """
    _, raw = _read(spec)
    parts = [("all" if raw.test is None else "train", raw.train, raw.train_labels)]
    parts += [] if raw.test is None else [("test", raw.test, raw.test_labels)]
    pixels = [as_pixels(values, "the images") for _, values, _ in parts]
    if len({x.shape[1:] for x in pixels}) > 1:
        sizes = " and ".join(str(x.shape[1:]) for x in pixels)
        raise DataError(f"The images in {spec} are of shapes {sizes}: scale them to one size.")
    labels = [as_labels(given, x, "the images") for (_, _, given), x in zip(parts, pixels, strict=True)]
    known = [x for x in labels if x is not None]
    all_labels = np.concatenate(known) if len(known) == len(parts) else None
    split = np.concatenate([np.full(len(x), name) for (name, _, _), x in zip(parts, pixels, strict=True)])
    return Listed(np.concatenate(pixels), raw.levels, split, all_labels)


def _read(spec: Any) -> tuple[str, Raw]:
    if not isinstance(spec, (str, Path)):
        return "array", Raw(spec)
    if spec == "digits":
        return "digits", digits()
    if isinstance(spec, str) and spec.startswith(OPENML):
        return spec, openml(spec.removeprefix(OPENML))
    path = Path(spec).expanduser()
    try:
        if path.is_dir():
            return path.resolve().name, read_idx_folder(path) if is_idx_folder(path) else read_pictures(path)
    except OSError as problem:
        raise DataError(f"{path} cannot be read, {problem}.") from problem
    if not path.exists():
        if isinstance(spec, str) and not path.suffix and len(path.parts) == 1:
            raise ArgumentError(
                f"There are no images by the name '{spec}'.{suggestion(spec, ['digits'])} Give 'digits', "
                f"'{OPENML}NAME' (from openml.org, e.g. {OPENML}mnist_784), or a folder or file in {Path.cwd()}."
            )
        raise DataError(f"There is no file or folder {path}: check the path, which is read from {Path.cwd()}.")
    if path.suffix.lower() not in (".npy", ".npz"):
        raise DataError(f"{path} is no .npy or .npz file: to read IDX, PNG or JPEG files, give the folder they are in.")
    return path.name, read_arrays(path)

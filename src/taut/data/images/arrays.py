"""Images in NumPy's own files."""

from pathlib import Path

import numpy as np

from taut.data.images.pixels import Raw
from taut.data.wording import listing
from taut.errors import DataError

KEYS = (
    ("x_train", "x_test", "y_train", "y_test"),  # as Keras names them
    ("train", "test", "train_labels", "test_labels"),
)


def read_arrays(path: Path) -> Raw:
    """Read images from a `.npy` file, or from a `.npz` file with one array or with arrays named as in `KEYS`.

    Pickled objects are never loaded: unpickling runs whatever code the file holds.

    Raises:
        DataError: a damaged or pickled file, or arrays whose names do not say which are the images.
    """
    try:
        with path.open("rb") as file:  # np.load leaves a damaged .npz open
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return Raw(loaded)
            return _named({key: loaded[key] for key in loaded.files}, path)
    except DataError:
        raise
    except Exception as problem:  # damage makes zipfile and NumPy raise what they do not document
        if "pickle" in str(problem).lower() and (path.suffix == ".npz" or _may_be_pickled(path)):
            raise DataError(
                f"{path} holds pickled Python objects, which are not loaded since that could run any code: where it "
                "was made, save plain numbers, np.save(path, np.stack(images).astype(np.uint8))."
            ) from None
        reason = "it is no NumPy file" if "pickle" in str(problem).lower() else problem
        raise DataError(f"{path} cannot be read, {reason}: save or fetch it again.") from problem


def _named(arrays: dict[str, np.ndarray], path: Path) -> Raw:
    for train, test, train_labels, test_labels in KEYS:
        if train in arrays:
            return Raw(arrays[train], arrays.get(test), arrays.get(train_labels), arrays.get(test_labels))
    if len(arrays) == 1:
        return Raw(next(iter(arrays.values())))
    shapes = listing(f"'{key}' {array.shape}" for key, array in arrays.items()) or "nothing"
    raise DataError(
        f"{path} holds {shapes}, and which are the images? Save one array, or name them x_train, x_test, y_train, "
        "y_test, or train, test, train_labels, test_labels."
    )


def _may_be_pickled(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(6)
    return start == b"\x93NUMPY" or start[:1] == b"\x80"  # an array of objects, or a pickle of its own

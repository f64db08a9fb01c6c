"""Arrays from files that may be damaged or made to harm, as `core/checked_files.py` has it for JSON.

They are apart because commands that only print a saved verdict read no arrays and do not load NumPy.
"""

import hashlib
import math
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from taut.core.checked_files import checked

KINDS = "biufcU"
"""Kinds of the numbers and texts that arrays may hold: no Python objects, no records."""
LARGEST_EMPTY = 2**20
"""Largest side of an array that holds nothing."""


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed `.npz` file by name, in its order.

    Raises:
        FileNotFoundError: there is no such file.
        SavedFitError: it is damaged, or holds what `numpy.savez` does not write.
    """
    return checked(path, math.inf, _members)


def digest(arrays: dict[str, np.ndarray]) -> str:
    """The SHA-256 of arrays with their names, types, shapes and order."""
    made = hashlib.sha256()
    for name, array in arrays.items():
        made.update(repr((name, array.dtype.str, array.shape)).encode())
        made.update(array.tobytes())
    return made.hexdigest()


def _members(path: Path) -> dict[str, np.ndarray]:
    arrays, left = {}, path.stat().st_size
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            left -= member.file_size
            if member.compress_type != zipfile.ZIP_STORED or left < 0:
                raise ValueError("it would unpack to more than it holds")
            name = member.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"it holds {name} twice")
            arrays[name] = _array(archive.read(member))
    return arrays


def _array(data: bytes) -> np.ndarray:
    """One `.npy` file, whose header is checked against its size before anything is allocated."""
    stream = BytesIO(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of headers that no NumPy writes today
        version = np.lib.format.read_magic(stream)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, by_columns, dtype = header(stream)
    if dtype.kind not in KINDS or dtype.names or dtype.itemsize * math.prod(shape) != len(data) - stream.tell():
        raise ValueError(f"an array is said to be {dtype}{list(shape)}, and its bytes are not")
    if not all(0 <= side <= max(len(data), LARGEST_EMPTY) for side in shape):
        raise ValueError(f"an array of shape {list(shape)} is no saved one")
    flat = np.frombuffer(data, dtype, offset=stream.tell()).copy()
    return flat.reshape(shape, order="F" if by_columns else "C")

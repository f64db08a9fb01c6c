"""IDX files, the format that MNIST came in, and folders of them."""

import gzip
import math
import re
import zlib
from pathlib import Path

import numpy as np

from taut.data.images.pixels import Raw
from taut.data.wording import quoted
from taut.errors import DataError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
IDX_NAME = re.compile(r"(images|labels).*idx\d.ubyte(\.gz)?$", re.IGNORECASE)


def read_idx(path: str | Path) -> np.ndarray:
    r"""Read an IDX file, gzipped or not (its first bytes tell, not its name).

    Two zero bytes, one for the type of the values, one for the number d of axes; d lengths of four bytes each,
    big-endian; the values, the last axis running fastest; nothing else.

    Args:
        path: the file.

    Returns:
        The array, of the type that the file states (MNIST: uint8).

    Raises:
        DataError: no IDX header, fewer or more values than it announces, or damaged gzip data.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels-idx1-ubyte"
        >>> _ = path.write_bytes(b"\0\0\x08\x01" + (3).to_bytes(4, "big") + bytes([5, 0, 4]))
        >>> read_idx(path)
        array([5, 0, 4], dtype=uint8)

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as problem:  # the last two: gzip data cut short or altered
        raise DataError(f"{path} cannot be read, {problem}: fetch it again.") from problem
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES or not data[3]:
        raise DataError(
            f"{path} is no IDX file: its magic number is {data[:4].hex() or 'missing'}, where 0000 and a type from 08 "
            "to 0e should stand (00000803 for images). Is it the file that its name says?"
        )
    dtype, axes = np.dtype(TYPES[data[2]]), data[3]
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4))
    announced = start + math.prod(shape) * dtype.itemsize
    if len(data) < announced:
        raise DataError(
            f"{path} is truncated: its header announces {announced} bytes for an array of shape {shape}, and there are "
            f"{len(data)}. Fetch it again."
        )
    if len(data) > announced:
        raise DataError(
            f"{path} has {len(data) - announced} extra bytes behind the {announced} that its header announces for an "
            f"array of shape {shape}: header or content is damaged. Fetch it again."
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def is_idx_folder(folder: Path) -> bool:
    """Whether files in the folder are named as IDX images or labels are."""
    return any(IDX_NAME.search(path.name) for path in folder.iterdir())


def read_idx_folder(folder: Path) -> Raw:
    """Read the images and labels of a folder with names like `train-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte`.

    Raises:
        DataError: labels without images, several files for one role, or whatever `read_idx` refuses.
    """
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(p for p in folder.iterdir() if IDX_NAME.search(p.name)):
        role = _part(path.name), "images" if "images" in path.name.lower() else "labels"
        other = found.setdefault(role, path)
        # With and without .gz it is the same file; the unpacked one, first in the order, is read.
        if other is not path and other.name != path.name.removesuffix(".gz"):
            raise DataError(
                f"{folder} has more than one file of {role[0] or 'the'} {role[1]}, {quoted([other.name, path.name])}: "
                "keep one set in a folder of its own."
            )
    parts = [part for part in ("train", "test", "") if (part, "images") in found]
    if lonely := [path.name for (part, _), path in found.items() if part not in parts]:
        raise DataError(f"{folder} has {quoted(lonely)} and no images to go with it: put the images' file beside it.")
    if len(parts) > 1 and "" in parts:
        names = [found[part, "images"].name for part in parts]
        raise DataError(f"{folder}: which of {quoted(names)} is for training? Name two files with train and t10k.")
    images = [read_idx(found[part, "images"]) for part in parts]
    labels = [read_idx(found[part, "labels"]) if (part, "labels") in found else None for part in parts]
    for part, array in zip(parts, images, strict=True):
        if array.ndim < 3:
            raise DataError(
                f"{found[part, 'images']} should hold images and its array has shape {array.shape}, as labels have: "
                "are the names swapped?"
            )
    if len(parts) == 1:
        return Raw(images[0], train_labels=labels[0])
    return Raw(images[0], images[1], labels[0], labels[1])


def _part(name: str) -> str:
    if re.search("t10k|test", name, re.IGNORECASE):
        return "test"
    return "train" if "train" in name.lower() else ""

"""Folders of PNG and JPEG files."""

from pathlib import Path

import numpy as np

from taut.data.images.pixels import Raw
from taut.data.wording import quoted
from taut.errors import DataError

ENDINGS = (".png", ".jpg", ".jpeg")
SPLITS = {"train", "test"}
WANTED = "PNG and JPEG files, or IDX files (train-images-idx3-ubyte.gz and so on),"
Labelled = tuple[np.ndarray, list[str] | None]


def read_pictures(folder: Path) -> Raw:
    """Read the pictures of a folder, all of one size; subfolders are labels, unless they are named train and test.

    Args:
        folder: with pictures, or with a subfolder of them for each label, or with `train` and `test` that hold either.
            Names that begin with "." or "__" are passed over.

    Returns:
        uint8 `[n, h, w]` where they are grey, `[n, h, w, 3]` where coloured; in the order of their names.

    Raises:
        DataError: no pictures, pictures on two levels, mixed sizes, 16 bits, transparency, or a damaged file.
    """
    by_name = {p.name.lower(): p for p in _entries(folder) if p.is_dir() or _is_picture(p)}
    names = set(by_name)
    if names & SPLITS and names - SPLITS:
        # Taken for labels they would mix the splits; left out without a word they would shrink the data.
        raise DataError(
            f"{folder} has {quoted(sorted(names))}, and beside train and test nothing else is read. Put validation "
            "images into train, and set some apart with taut.data.split; rename train and test if they are labels."
        )
    if names & SPLITS:
        parts = [_labelled(by_name[name]) for name in ("train", "test") if name in by_name]
        if len(parts) == 2:
            (train, train_labels), (test, test_labels) = parts
            return Raw(train, test, train_labels, test_labels, 255)
        return Raw(parts[0][0], train_labels=parts[0][1], levels=255)
    images, labels = _labelled(folder)
    return Raw(images, train_labels=labels, levels=255)


def _labelled(folder: Path) -> Labelled:
    entries = _entries(folder)
    if not entries:
        raise DataError(f"{folder} is empty: {WANTED} are read from a folder.")
    here = [p for p in entries if _is_picture(p)]
    below = [p for d in entries if d.is_dir() for p in _entries(d) if _is_picture(p)]
    if here and below:
        raise DataError(
            f"{folder} has images in it ('{here[0].name}') and in its subfolders ('{below[0].parent.name}/"
            f"{below[0].name}'): put every image into the subfolder of its label, or all into one folder."
        )
    if not (here or below):
        raise DataError(
            f"{folder} has no images, only {quoted((p.name for p in entries), 4)}: {WANTED} are read from a folder."
        )
    paths = here or below
    images = []
    for path in paths:
        image = _read(path)
        if images and image.shape != images[0].shape:
            raise DataError(
                f"Images of mixed sizes: {paths[0]} is {_size(images[0])} and {path} is {_size(image)}. Crop, scale or "
                "convert them to one size and one number of colours."
            )
        images.append(image)
    return np.stack(images), [p.parent.name for p in below] or None


def _entries(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith((".", "__")))  # .DS_Store, __MACOSX


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and path.is_file()


def _read(path: Path) -> np.ndarray:
    from PIL import Image  # matplotlib needs it, so it is there

    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{path} has more than 8 bits a pixel: save it with 8 bits, white being 255.")
            if image.has_transparency_data:
                pixels = np.asarray(image.convert("RGBA"))
                if (pixels[..., 3] < 255).any():
                    raise DataError(f"{path} is transparent in places: save it on a background of your choice.")
            return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"))
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise DataError(f"{path} is damaged or no image, {problem}: save it again or remove it.") from problem


def _size(image: np.ndarray) -> str:
    height, width = image.shape[:2]
    return f"{width} x {height} {'grey' if image.ndim == 2 else 'coloured'}"

"""DATA on the command line for images: the splits of a run, the same whenever it is looked at again."""

import dataclasses
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from taut.errors import ArgumentError, DataError, SavedFitError

if TYPE_CHECKING:
    from taut.data import Binarised, Images
    from taut.report import LatentEvidence
    from taut.results.latent import LatentFit

VALIDATION = 0.1
"""Part of the training images by which training is stopped."""


class Splits(NamedTuple):
    """The images of a run.

    Attributes:
        source: where they are read from, an absolute path or a name.
        images: as stored, in splits.
        data: in the form that the likelihood takes.
    """

    source: str
    images: "Images"
    data: "Binarised"

    @property
    def origin(self) -> Path | str:
        """The file or folder that the images were read from; the name of other images."""
        path = Path(self.source)
        return path if path.exists() else self.source

    @property
    def size(self) -> int:
        """Number of images in all splits."""
        record = self.images.record()
        return sum(record[part] for part in ("train", "validation", "test"))

    @property
    def grey(self) -> np.ndarray | None:
        """The test images before chance made them 0 and 1; None where it did not."""
        if self.data.binarisation.kind not in ("fixed", "dynamic") or self.images.levels == 1:
            return None
        return self.images.test / np.float32(self.images.levels)

    def record(self) -> dict[str, Any]:
        """What every figure of the run carries."""
        return {
            "source": self.source,
            "data": self.images.record(),
            "binarisation": dataclasses.asdict(self.data.binarisation),
            "split": "test",
            "checksum": zlib.crc32(np.ascontiguousarray(self.data.test.rows).tobytes()),
        }


def usual_binarisation(likelihood: str) -> str:
    """How grey levels become what a likelihood takes, where nothing else was asked for."""
    return "dynamic" if likelihood == "bernoulli" else "none"


def read_splits(source: str, kind: Any, seed: int) -> Splits:
    """Read images, set a tenth of the training images apart for validation, and binarise.

    Args:
        source: as given on the command line.
        kind: of binarisation.
        seed: of the validation split and the binarisation.

    Raises:
        DataError: images that cannot be used.
        ArgumentError: an unknown name.
    """
    from taut.data import binarise, load_images, split

    images = split(load_images(source), VALIDATION, seed)
    path = Path(source).expanduser()
    return Splits(str(path.resolve()) if path.exists() else source, images, binarise(kind, images, seed))


def load_run(run: Path) -> "tuple[LatentFit, LatentEvidence]":
    """A fit that `taut vae` saved, with what it keeps of its data.

    Raises:
        SavedFitError: Something else made the fit.
    """
    import taut
    from taut.report import LatentEvidence

    fit: Any = taut.load(run)
    evidence = LatentEvidence.from_arrays(fit.evidence)
    if evidence is None or "data" not in evidence.record:
        raise SavedFitError(
            f"{run} holds a {fit.model.name} that was not made by taut vae: it does not say which images it was fitted "
            "to. Load it in Python, taut.load(...)."
        )
    return fit, evidence


def read_again(record: dict[str, Any]) -> Splits:
    """The images of a run, checked to be the same as then.

    Raises:
        DataError: they have changed.
    """
    how = record["binarisation"]
    splits = read_splits(record["source"], how["kind"], how["seed"])
    if splits.record()["checksum"] != record["checksum"]:
        raise DataError(
            f"The test images in {record['source']} are not those of the run: they have changed since. Put them back, "
            "or fit again."
        )
    return splits


def read_new(source: str, record: dict[str, Any]) -> dict[str, np.ndarray]:
    """All images of a source in their own order, in the form that a run's likelihood takes.

    Args:
        source: as given on the command line.
        record: of the run: its binarisation, and what white is.

    Returns:
        `rows` `[n, ...]`, `split` `[n]` ("train" or "test" where the source says so, else "all") and, where there are
        labels, `label` `[n]`.

    Raises:
        DataError: images that cannot be used, or of another size.
    """
    from taut.data import Images, binarise, list_images

    pixels, levels, split, labels = list_images(source)
    if list(pixels.shape[1:]) != record["data"]["shape"]:
        raise DataError(
            f"The images in {source} have shape {pixels.shape[1:]} and the run was fitted to "
            f"{tuple(record['data']['shape'])}: scale them to that size."
        )
    white = levels or (1 if pixels.max() <= 1 else record["data"]["levels"])
    if pixels.max() > white:
        raise DataError(
            f"The largest pixel in {source} is {pixels.max():g}, and in the run white was {white}: bring the images to "
            "that scale."
        )
    how = record["binarisation"]
    rows = binarise(how["kind"], Images(source, white, pixels, pixels), how["seed"]).test.rows
    return {"rows": rows, "split": split} | ({} if labels is None else {"label": labels})


def numbers(text: str, option: str) -> tuple[float, ...]:
    """A list of numbers as written on a command line.

    Raises:
        ArgumentError: something else is among them.

    Example:
        >>> numbers("0.5, 1,2", "--betas")
        (0.5, 1.0, 2.0)
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        raise ArgumentError(
            f"{option} {text!r}: numbers separated by commas are needed, e.g. {option} 0.5,1,2."
        ) from None
    return values

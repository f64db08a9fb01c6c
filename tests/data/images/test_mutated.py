"""Image files with faults are read or refused in Taut's own words: no error of another library, no warning."""

import gzip
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from taut.data import binarise, load_images
from taut.errors import TautError

from ...helpers.mutations import mutated

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 6, 6)).astype(np.uint8)


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.tobytes()


def saved(write):
    file = BytesIO()
    write(file)
    return file.getvalue()


FILES = {
    "train-images-idx3-ubyte": idx(PIXELS),
    "train-images-idx3-ubyte.gz": gzip.compress(idx(PIXELS)),
    "train-labels-idx1-ubyte": idx(np.arange(12, dtype=np.uint8) % 3),
    "a.npy": saved(lambda file: np.save(file, PIXELS)),
    "b.npz": saved(lambda file: np.savez(file, x_train=PIXELS, y_train=np.arange(12))),
    "c.npz": saved(lambda file: np.savez_compressed(file, PIXELS)),
    "d.png": saved(lambda file: Image.fromarray(PIXELS[0]).save(file, "png")),
    "e.jpg": saved(lambda file: Image.fromarray(PIXELS[1]).save(file, "jpeg")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_images_with_faults_are_read_or_refused(name, tmp_path):
    rng, slowest = np.random.default_rng(2), 0.0
    if name.startswith("train-labels"):
        (tmp_path / "train-images-idx3-ubyte").write_bytes(FILES["train-images-idx3-ubyte"])
    if name in ("d.png", "e.jpg"):
        (tmp_path / "whole.png").write_bytes(FILES["d.png"])
    path = tmp_path / name
    for _ in range(300):
        path.write_bytes(mutated(FILES[name], rng))
        begun = time.perf_counter()
        try:
            images = load_images(path if name.endswith(("npy", "npz")) else tmp_path)
            if np.size(images.train) < 10_000:
                binarise(images, "fixed", seed=0)
        except TautError:
            pass
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 5

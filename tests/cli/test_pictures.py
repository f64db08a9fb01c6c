"""Where the images of a run come from."""

import numpy as np
import pytest
from PIL import Image

from taut.cli.pictures import read_splits
from taut.data.provenance import of_path


@pytest.fixture
def folder(tmp_path):
    """A folder of 30 pictures."""
    where = tmp_path / "pictures"
    where.mkdir()
    rng = np.random.default_rng(0)
    for number in range(30):
        Image.fromarray(rng.integers(0, 256, (6, 6)).astype(np.uint8)).save(where / f"{number:02}.png")
    return where


def test_a_folder_is_known_by_its_name_and_its_images_are_counted(folder):
    splits = read_splits(str(folder), "dynamic", 0)
    assert of_path(splits.origin) == {"data": "pictures/"}
    assert splits.size == 30


def test_bundled_images_are_known_by_their_name():
    splits = read_splits("digits", "dynamic", 0)
    assert (splits.origin, splits.size) == ("digits", 1797)

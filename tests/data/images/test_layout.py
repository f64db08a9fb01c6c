"""Which axis is which, and what white is: read rightly with a line that says so, or refused with the remedy."""

import numpy as np
import pytest

from taut.data import list_images, load_images
from taut.errors import ArgumentError, DataError

RNG = np.random.default_rng(0)
COLOURED = RNG.integers(0, 256, (60, 10, 15, 3), np.uint8)
GREY = COLOURED[..., 0]


@pytest.mark.parametrize(
    ("images", "shape", "words"),
    [
        (COLOURED, (10, 15, 3), "10 x 15 pixels in 3 colours"),
        (np.moveaxis(COLOURED, -1, 1), (10, 15, 3), "(3, 10, 15) to (10, 15, 3)"),
        (GREY[:, None], (10, 15, 1), "to 255 (colours moved from first to last, (1, 10, 15)"),
        (GREY[..., None], (10, 15, 1), "10 x 15 pixels in grey, values from 0 to 255."),
        (GREY, (10, 15), "10 x 15 pixels in grey"),
        (np.concatenate([COLOURED, GREY[..., None]], -1), (10, 15, 4), "4 colours"),
        (np.zeros((60, 4, 12, 12), np.uint8), (12, 12, 4), "4 colours"),
        (np.ones((60, 12, 12, 7), np.uint8), (12, 12, 7), "7 colours"),
        (np.zeros((60, 3, 8, 3), np.uint8), (3, 8, 3), "3 x 8 pixels in 3 colours"),
        (GREY.reshape(60, -1), (150,), "150 numbers each, of unknown height and width"),
        (np.zeros((60, 64)), (64,), "8 x 8 pixels"),
        (GREY / 255.0, (10, 15), "values from 0 to 1"),
        (GREY.astype(float), (10, 15), "values from 0 to 255"),
        (GREY / 255.0 * (1 + 1e-7) - 1e-7, (10, 15), "values from 0 to 1"),
        (GREY > 100, (10, 15), "values from 0 to 1"),
    ],
)
def test_images_are_understood_and_said(images, shape, words):
    found = load_images(images)
    assert found.shape == shape
    assert words in str(found)
    assert str(found).startswith("array: 54 images to learn from and 6 to test on, ")
    assert list_images(images).pixels.shape[1:] == shape


def test_no_pixel_changes_its_place():
    first, last = load_images(np.moveaxis(COLOURED, -1, 1)), load_images(COLOURED)
    np.testing.assert_array_equal(first.train, last.train)
    np.testing.assert_array_equal(first.test, last.test)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((60, 10, 15, 20), np.uint8), "neither the second nor the last axis"),
        (np.zeros((32, 32, 3, 500), np.uint8), "np.moveaxis"),
        (np.zeros((28, 28, 1000), np.uint8), "1000 images of 28 x 28 pixels"),
        (np.zeros((64, 64, 3), np.uint8), r"images\[None\]"),
        (np.zeros((64, 48, 4), np.uint8), r"images\[None\]"),
        (np.eye(10)[RNG.integers(0, 10, 60)], "one-hot labels"),
        (np.arange(60)[:, None], "one label for each image"),
        (np.arange(60), "one image alone"),
        (GREY / 127.5 - 1, r"from \[-1, 1\]"),
        ((GREY - 127.0) / 60, "standardisation"),
        (GREY.astype(np.int8), "view"),
        (GREY.astype(np.uint16) * 257, "16 bits"),
        (GREY / 8, "what white is"),
    ],
)
def test_images_that_nobody_means_are_refused_with_the_remedy(images, words):
    with pytest.raises(DataError, match=words):
        load_images(images)


def test_the_axis_of_colours_can_be_said():
    bands = RNG.integers(0, 256, (60, 3, 10, 15), np.uint8)
    assert load_images(bands, channels="last").shape == (3, 10, 15)
    assert load_images(np.moveaxis(bands, 1, -1), channels="First").shape == (15, 3, 10)
    assert load_images(np.zeros((64, 64, 3)), channels="last").shape == (64, 3)
    with pytest.raises(ArgumentError, match="channels='middle' is not known"):
        load_images(bands, channels="middle")


@pytest.mark.parametrize("scale", [255.0, 1 / 255])
def test_training_and_test_images_are_on_one_scale(tmp_path, scale):
    np.savez(tmp_path / "two.npz", x_train=GREY / 255.0, x_test=np.flip(GREY[:20] / 255.0) * scale)
    if scale < 1:
        np.savez(tmp_path / "two.npz", x_train=GREY, x_test=np.flip(GREY[:20]) * scale)
    with pytest.raises(DataError, match="not on one scale"):
        load_images(tmp_path / "two.npz")

"""Images in: what is read, what is refused with which words, how splits and binarisations come about."""

import dataclasses
import gzip
import io
import itertools
import json
import pickle
import time
import urllib.error
import zlib
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from taut.core.batch import Batch
from taut.data import Images, binarise, list_images, load_images, split
from taut.data.images.binarisation import Binarisation, Draw, Grey, HeldOut, Training
from taut.data.images.idx import read_idx
from taut.data.source import Source, take
from taut.errors import ArgumentError, DataError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (30, 4, 5), np.uint8)
OTHER = RNG.integers(0, 256, (12, 4, 5), np.uint8)
TRAIN, TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
TRAIN_LABELS, TEST_LABELS = "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"


def idx(array, kind=0x08) -> bytes:
    head = bytes([0, 0, kind, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


def png(array, mode=None, form="PNG") -> bytes:
    file = io.BytesIO()
    (Image.fromarray(array) if mode is None else Image.fromarray(array).convert(mode)).save(file, form)
    return file.getvalue()


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


# Reading


def test_every_form_with_two_splits_reads_the_same_images(tmp_path):
    y, z = np.arange(30, dtype=np.uint8) % 10, np.arange(12, dtype=np.uint8) % 10
    plain = {TRAIN: idx(GREY), TRAIN_LABELS: idx(y), TEST: idx(OTHER), TEST_LABELS: idx(z)}
    folders = {
        "idx": plain,
        "idx.gz": {f"{name}.gz": gzip.compress(data) for name, data in plain.items()},
        "both": plain | {f"{TRAIN}.gz": gzip.compress(idx(GREY))},
        "dots": {name.replace("-idx", ".idx"): data for name, data in plain.items()},
        "unpacked by the browser": {f"{name}.gz": data for name, data in plain.items()},
        "keras.npz": {"": npz(x_train=GREY, y_train=y, x_test=OTHER, y_test=z[:, None])},
        "named.npz": {"": npz(train=GREY, train_labels=y, test=OTHER, test_labels=z)},
        "floats.npz": {
            "": npz(x_train=GREY.astype(float), y_train=y.astype(float), x_test=OTHER.astype(">i4"), y_test=z)
        },
    }
    for name, files in folders.items():
        if "" in files:
            (tmp_path / name).write_bytes(files[""])
        else:
            write(tmp_path / name, files)
        images = load_images(str(tmp_path / name))
        for got, expected in (
            (images.train, GREY),
            (images.test, OTHER),
            (images.train_labels, y),
            (images.test_labels, z),
        ):
            np.testing.assert_array_equal(got, expected, err_msg=name)
        assert (images.name, images.levels, images.train.dtype) == (name, 255, np.uint8)
        assert images.test_split == "as given"


def test_pictures_with_labels_and_with_splits(tmp_path):
    flat = write(
        tmp_path / "flat", {f"{i:02}.png": png(a) for i, a in enumerate(GREY)} | {".DS_Store": b"x", "READ.me": b"x"}
    )
    images = load_images(flat)
    assert images.train_labels is None
    assert images.levels == 255
    merged = {a.tobytes() for a in (*images.train, *images.test)}
    assert merged == {a.tobytes() for a in GREY}

    by_label = write(tmp_path / "labels", {f"{i % 3}/{i:02}.PNG": png(a) for i, a in enumerate(GREY)})
    images = load_images(by_label)
    truth = {a.tobytes(): i % 3 for i, a in enumerate(GREY)}
    for rows, labels in ((images.train, images.train_labels), (images.test, images.test_labels)):
        assert [truth[a.tobytes()] for a in rows] == labels.tolist()  # the label goes with its image

    files = {f"train/cat/{i}.png": png(a) for i, a in enumerate(GREY)} | {
        f"test/dog/{i}.png": png(a) for i, a in enumerate(OTHER)
    }
    images = load_images(write(tmp_path / "splits", files))
    assert (len(images.train), len(images.test), images.test_split) == (30, 12, "as given")
    assert set(images.train_labels) == {"cat"}
    assert set(images.test_labels) == {"dog"}


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (png(GREY[0]), (4, 5)),
        (png(GREY[0], "1"), (4, 5)),
        (png(GREY[0], "LA"), (4, 5)),
        (png(np.stack([GREY[0]] * 3, -1)), (4, 5, 3)),
        (png(np.stack([GREY[0]] * 3, -1), "RGBA"), (4, 5, 3)),
        (png(np.stack([GREY[0]] * 3, -1), "P"), (4, 5, 3)),
        (png(np.stack([GREY[0]] * 3, -1), "CMYK", "JPEG"), (4, 5, 3)),
        (png(GREY[0], form="JPEG"), (4, 5)),
    ],
)
def test_colour_modes(tmp_path, data, shape):
    ending = "jpeg" if data[:2] == b"\xff\xd8" else "png"
    assert load_images(write(tmp_path, {f"a.{ending}": data, f"b.{ending}": data})).shape == shape


@pytest.mark.parametrize(
    ("array", "levels", "dtype"),
    [
        (GREY, 255, np.uint8),
        (GREY.reshape(30, 20), 255, np.uint8),
        (np.stack([GREY] * 3, -1), 255, np.uint8),
        (GREY.astype(np.float64), 255, np.uint8),
        (GREY.astype(np.int64), 255, np.uint8),
        (GREY / 255, 1, np.float32),
        (GREY * 0.999, 255, np.float32),
        (GREY > 127, 1, np.uint8),
        ((GREY > 127).astype(np.float32), 1, np.uint8),
        (np.zeros((5, 2, 2)), 1, np.uint8),  # constant images are images
        (np.full((5, 2, 2), 255, np.uint8), 255, np.uint8),
        (np.full((5, 2, 2), 0.5), 1, np.float32),
        ([[0, 1], [1, 0]], 1, np.uint8),
    ],
)
def test_scale_and_type_of_arrays(array, levels, dtype):
    images = load_images(array)
    assert (images.levels, images.train.dtype, images.test.dtype) == (levels, dtype, dtype)
    assert len(images.train) + len(images.test) == len(array)
    assert images.shape == np.shape(array)[1:]


IDX_KINDS = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}
IDX_ARRAYS = st.sampled_from(sorted(IDX_KINDS)).flatmap(
    lambda dtype: arrays(dtype, array_shapes(max_dims=4, min_side=0))
)


@given(array=IDX_ARRAYS, zipped=st.booleans())
def test_every_idx_array_comes_back(tmp_path, array, zipped):
    content = idx(array, IDX_KINDS[array.dtype.str.lstrip("|")])
    (tmp_path / "a").write_bytes(gzip.compress(content) if zipped else content)
    found = read_idx(tmp_path / "a")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@given(array=IDX_ARRAYS, data=st.data())
def test_every_idx_file_cut_short_is_refused(tmp_path, array, data):
    content = idx(array, IDX_KINDS[array.dtype.str.lstrip("|")])
    (tmp_path / "a").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DataError, match=r"truncated|no IDX file"):
        read_idx(tmp_path / "a")


def test_digits_are_pinned():
    images = load_images("digits")
    assert (images.levels, images.train.dtype, images.test_split) == (16, np.uint8, "297 of 1797 at random, seed 0")
    # A change of the split would make every number of before incomparable.
    assert zlib.crc32(images.test.tobytes()) == 788737444
    assert zlib.crc32(binarise("fixed", images).test.rows.tobytes()) == 346713976


def test_openml_is_asked_only_on_request(monkeypatch):
    asked = []

    def fetch(name, **options):
        asked.append(name)
        return type(
            "Bunch", (), {"data": GREY[:, :, :4].reshape(30, 16).astype(float), "target": np.array(["3"] * 30, object)}
        )

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    load_images("digits")
    assert not asked
    images = load_images("openml:mnist_784")
    assert (images.shape, images.name, set(images.train_labels), asked) == (
        (4, 4),
        "openml:mnist_784",
        {3},
        ["mnist_784"],
    )


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (urllib.error.URLError("no route to host"), ["no route to host", "network", "'digits'"]),
        (ValueError("No active dataset nonsuch found."), ["No active dataset nonsuch found.", "openml.org"]),
    ],
)
def test_openml_that_fails(monkeypatch, problem, words):
    def fetch(name, **options):
        raise problem

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(DataError) as caught:
        load_images("openml:nonsuch")
    assert all(word in str(caught.value) for word in words), caught.value


def test_mnist(shared):
    start = time.perf_counter()
    images = load_images(shared / "mnist")
    seconds = time.perf_counter() - start
    assert (images.train.shape, images.test.shape, images.levels) == ((60000, 28, 28), (10000, 28, 28), 255)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(images.train_labels).tolist() == counts
    assert np.bincount(images.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert seconds < 2


# Refusing


def tampered(data: bytes, **at: int) -> bytes:
    data = bytearray(data)
    for place, value in at.items():
        data[int(place[1:])] = value
    return bytes(data)


PAIR = {TRAIN: idx(GREY), TEST: idx(OTHER)}
# files of a folder, words that the message must contain
BAD_FOLDERS = {
    "empty": ({}, ["empty", "PNG", "IDX"]),
    "only hidden files": ({".DS_Store": b"x"}, ["empty"]),
    "no images": ({"notes.txt": b"x", "a.tif": b"x"}, ["no images", "'notes.txt'", "PNG"]),
    "images too deep": ({"a/b/c.png": png(GREY[0])}, ["no images", "'a'"]),
    "mixed sizes": (
        {"a.png": png(GREY[0]), "b.png": png(GREY[0][:, :4])},
        ["mixed sizes", "a.png is 5 x 4", "b.png is 4 x 4"],
    ),
    "grey and coloured": ({"a.png": png(GREY[0]), "b.png": png(GREY[0], "RGB")}, ["a.png is 5 x 4 grey", "coloured"]),
    "two levels": ({"a.png": png(GREY[0]), "0/b.png": png(GREY[0])}, ["'a.png'", "'0/b.png'", "subfolder"]),
    "a single image": ({"a.png": png(GREY[0])}, ["single image", "two"]),
    "16 bits": ({"a.png": png(GREY[0].astype(np.uint16))}, ["a.png", "8 bits"]),
    "transparent": ({"a.png": png(np.zeros((2, 2, 4), np.uint8))}, ["a.png", "transparent"]),
    "damaged picture": ({"a.png": png(GREY[0])[:-30]}, ["a.png", "damaged"]),
    "no picture": ({"a.png": b"text"}, ["a.png", "damaged or no image"]),
    "splits among labels": ({"train/a.png": png(GREY[0]), "0/b.png": png(GREY[0])}, ["'0', 'train'", "labels"]),
    "image beside splits": ({"train/a.png": png(GREY[0]), "b.png": png(GREY[0])}, ["'b.png', 'train'"]),
    "validation folder": (
        {f"{s}/{i}.png": png(GREY[i]) for s in ("train", "val", "test") for i in (0, 1)},
        ["'val'", "taut.data.split"],
    ),
    "idx magic": (PAIR | {TRAIN: tampered(idx(GREY), _0=1)}, [TRAIN, "no IDX", "01000803", "00000803"]),
    "idx type": (PAIR | {TRAIN: tampered(idx(GREY), _2=7)}, [TRAIN, "no IDX", "00000703"]),
    "idx without axes": (PAIR | {TRAIN: b"\0\0\x08\0"}, [TRAIN, "no IDX"]),
    "idx empty": (PAIR | {TRAIN: b""}, [TRAIN, "no IDX", "missing"]),
    "idx is HTML": (PAIR | {TRAIN: b"<html>404</html>"}, [TRAIN, "no IDX"]),
    "idx truncated": (PAIR | {TRAIN: idx(GREY)[:-1]}, [TRAIN, "truncated", "616", "615"]),
    "idx header truncated": (PAIR | {TRAIN: idx(GREY)[:9]}, [TRAIN, "truncated"]),
    "idx of a huge shape": (PAIR | {TRAIN: tampered(idx(GREY), _4=255, _8=255, _12=255)}, [TRAIN, "truncated"]),
    "idx extra bytes": (PAIR | {TRAIN: idx(GREY) + b"\0\0"}, [TRAIN, "2 extra bytes"]),
    "gz truncated": ({f"{TRAIN}.gz": gzip.compress(idx(GREY))[:-9]}, [TRAIN, "cannot be read", "again"]),
    "gz altered": (
        {f"{TRAIN}.gz": tampered(gzip.compress(idx(GREY)), _40=0, _41=0)},
        [TRAIN, "cannot be read", "again"],
    ),
    "idx labels as images": (PAIR | {TRAIN: idx(GREY[:, 0, 0])}, [TRAIN, "(30,)", "swapped"]),
    "too few labels": (PAIR | {TRAIN_LABELS: idx(np.zeros(29, np.uint8))}, ["30 images", "training", "(29,)"]),
    "labels alone": ({TRAIN_LABELS: idx(np.zeros(3, np.uint8))}, [TRAIN_LABELS, "no images"]),
    "train images lost": (
        {TEST: idx(OTHER), TRAIN_LABELS: idx(np.zeros(30, np.uint8))},
        [TRAIN_LABELS, "no images"],
    ),
    "two sets": (PAIR | {f"emnist-{TRAIN}": idx(GREY)}, [TRAIN, f"emnist-{TRAIN}", "more than one"]),
    "part unknown": ({TRAIN: idx(GREY), "images-idx3-ubyte": idx(OTHER)}, ["which", "t10k"]),
    "unlike sizes": (PAIR | {TEST: idx(OTHER[:, :3])}, ["(4, 5)", "(3, 5)", "one size"]),
    "idx of no images": (PAIR | {TRAIN: idx(GREY[:0])}, ["training images are none", "(0, 4, 5)"]),
    "test among training": (PAIR | {TRAIN: idx(np.concatenate([GREY, OTHER]))}, ["All 12 test images", "42 training"]),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_folders_that_are_refused(tmp_path, case):
    files, words = BAD_FOLDERS[case]
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError) as caught:
        load_images(write(tmp_path / "set", files))
    assert all(word in str(caught.value) for word in words), caught.value


OBJECTS = np.array([GREY[0], GREY[0][:2]], object)
BAD_FILES = {
    "no such file": ("absent.npz", None, ["no file", "absent.npz"]),
    "another ending": ("a.csv", b"1,2", ["a.csv", ".npy", "folder"]),
    "an IDX file": (TRAIN, idx(GREY), [TRAIN, "give the folder"]),
    "pickled npy": ("a.npy", npy(OBJECTS), ["a.npy", "pickled", "np.stack"]),
    "pickled npz": ("a.npz", npz(x_train=OBJECTS), ["a.npz", "pickled", "np.stack"]),
    "a pickle": ("a.npy", pickle.dumps([1]), ["pickled"]),
    "no NumPy file": ("a.npy", b"hello there", ["a.npy", "no NumPy file"]),
    "empty file": ("a.npy", b"", ["a.npy", "cannot be read"]),
    "truncated npy": ("a.npy", npy(GREY)[:-7], ["a.npy", "cannot be read"]),
    "truncated npz": ("a.npz", npz(x_train=GREY)[:-40], ["a.npz", "cannot be read"]),
    "altered npz": ("a.npz", tampered(npz(x_train=GREY), _300=1, _301=2), ["a.npz", "cannot be read"]),
    "npz of nothing": ("a.npz", npz(), ["nothing", "x_train"]),
    "npz of unknown names": ("a.npz", npz(a=GREY, b=OTHER), ["'a' (30, 4, 5)", "'b' (12, 4, 5)", "x_train"]),
    "npz with test alone": ("a.npz", npz(x_test=GREY, y_test=GREY), ["x_train"]),
    "npz labels": ("a.npz", npz(x_train=GREY, y_train=np.zeros((30, 10))), ["30 images", "(30, 10)", "one for each"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_are_refused(tmp_path, case):
    name, data, words = BAD_FILES[case]
    if data is not None:
        write(tmp_path, {name: data})
    with pytest.raises(DataError) as caught:
        load_images(tmp_path / name)
    assert all(word in str(caught.value) for word in words), caught.value


def with_value(value, dtype=float):
    array = np.zeros((20, 3, 3), dtype)
    array[7, 1, 1] = value
    return array


BAD_ARRAYS = {
    "one axis": (np.zeros(9), ["(9,)", "images[None]", "[n, h, w]"]),
    "no axis": (3.0, ["shape ()", "[n, h, w]"]),
    "five axes": (np.zeros((2, 3, 4, 5, 6)), ["(2, 3, 4, 5, 6)", "[n, h, w]"]),
    "no images": (np.zeros((0, 28, 28)), ["none", "(0, 28, 28)"]),
    "no pixels": (np.zeros((5, 0, 28)), ["no pixels", "(5, 0, 28)"]),
    "one image": (np.zeros((1, 28, 28)), ["single image"]),
    "NaN": (with_value(np.nan), ["1 pixels", "NaN", "1 of 20 images", "number 7"]),
    "infinite": (with_value(np.inf), ["infinite", "number 7"]),
    "negative": (with_value(-0.5), ["negative", "-0.5", "number 7", "(x + 1) / 2"]),
    "negative integer": (with_value(-1, int), ["negative", "-1"]),
    "over 255": (with_value(256, int), ["over 255", "256", "number 7"]),
    "scale of digits": (with_value(16), ["largest pixel is 16", "white", "[0, 1]"]),
    "scale of digits in bytes": (with_value(16, np.uint8), ["largest pixel is 16"]),
    "hardly over 1": (with_value(1.5), ["largest pixel is 1.5"]),
    "objects": (OBJECTS, ["Python objects", "np.stack"]),
    "ragged lists": ([[[0, 1]], [[0, 1], [1, 0]]], ["mixed sizes"]),
    "text": (np.array([["a", "b"]]), ["<U1", "number"]),
    "complex": (np.zeros((3, 2), complex), ["complex128"]),
    "nothing": (None, ["None", "[n, h, w]"]),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_arrays_that_are_refused(case):
    array, words = BAD_ARRAYS[case]
    with pytest.raises(DataError) as caught:
        load_images(array)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda i: load_images("digit"), ["'digit'", "Did you mean 'digits'?", "openml:mnist_784"]),
        (lambda i: load_images("mnist"), ["'mnist'", "'digits'", "openml:mnist_784", "folder"]),
        (lambda i: load_images("digits", limit=0), ["limit=0", "positive"]),
        (lambda i: load_images("digits", limit=True), ["limit=True"]),
        (lambda i: load_images("digits", limit=2.5), ["limit=2.5"]),
        (lambda i: split(i, 0.0), ["fraction=0.0", "between 0 and 1"]),
        (lambda i: split(i, 1.0), ["fraction=1.0"]),
        (lambda i: split(i, float("nan")), ["fraction=nan"]),
        (lambda i: split(i, 0.1, seed=-1), ["seed=-1", "whole number"]),
        (lambda i: split(split(i)), ["validation images already"]),
        (lambda i: split(load_images(np.zeros((2, 3, 3)))), ["single training image"]),
        (lambda i: binarise("fixt", i), ["'fixt'", "Did you mean 'fixed'?", "dynamic"]),
        (lambda i: binarise(None, i), ["None", "fixed"]),
        (lambda i: binarise("fixed", i, seed=1.5), ["seed=1.5", "whole number"]),
    ],
)
def test_arguments_that_are_refused(call, words):
    with pytest.raises(ArgumentError) as caught:
        call(load_images(GREY))
    assert all(word in str(caught.value) for word in words), caught.value


# Splitting


def numbered(n: int) -> np.ndarray:
    """Images of which each is its own number in binary, so that it can be told where each went."""
    return ((np.arange(n)[:, None] >> np.arange(16)) & 1).astype(np.uint8)


def numbers(rows: np.ndarray) -> list[int]:
    return (rows.astype(int) @ (1 << np.arange(16))).tolist()


def test_splits_are_disjoint_and_whole_and_keep_their_labels():
    n = 1000
    images = load_images(numbered(n))
    parts = split(images, 0.25, seed=3)
    ids = [numbers(rows) for rows in (parts.train, parts.validation, parts.test)]
    assert [len(i) for i in ids] == [675, 225, 100]
    assert sorted(itertools.chain(*ids)) == list(range(n))
    assert all(i == sorted(i) for i in ids)  # in their old order
    assert numbers(split(images, 0.25, seed=3).validation) == ids[1]
    assert numbers(split(images, 0.25, seed=4).validation) != ids[1]
    assert numbers(parts.test) == numbers(images.test)


def test_a_limit_is_a_seeded_sample_of_each_split(tmp_path):
    (tmp_path / "a.npz").write_bytes(
        npz(x_train=numbered(2000)[:1500], x_test=numbered(2000)[1500:], y_train=np.arange(1500) // 150)
    )
    images = load_images(tmp_path / "a.npz", limit=200)
    assert (len(images.train), len(images.test), images.test_split) == (200, 200, "as given; 200 of these")
    assert set(numbers(images.train)) <= set(range(1500))
    assert set(numbers(images.test)) <= set(range(1500, 2000))
    assert [i // 150 for i in numbers(images.train)] == images.train_labels.tolist()
    assert len(set(images.train_labels)) == 10  # though sorted by label
    again = load_images(tmp_path / "a.npz", limit=200)
    np.testing.assert_array_equal(images.train, again.train)
    assert len(load_images(tmp_path / "a.npz", limit=10**6).train) == 1500


def test_few_patterns_are_no_leak(tmp_path):
    (tmp_path / "a.npz").write_bytes(npz(x_train=np.tile(numbered(16), (20, 1)), x_test=numbered(16)))
    assert len(load_images(tmp_path / "a.npz").test) == 16


def test_arrays_are_protected_and_the_users_own_is_not():
    own = GREY.copy()
    images = load_images(own)
    own[0] = 0
    assert images.train.tobytes() != own[: len(images.train)].tobytes()
    for array in (images.train, images.test, binarise("fixed", images).train.rows, binarise("none", images).test.rows):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        images.train = images.test


def test_training_and_held_out_rows_cannot_be_joined():
    data = binarise("fixed", load_images("digits"))
    assert isinstance(data.train, Training)
    assert isinstance(data.test, HeldOut)
    with pytest.raises(TypeError):
        data.train + data.test
    with pytest.raises(ValueError, match="zero-dimensional"):
        np.concatenate([data.train, data.test])
    with pytest.raises(DataError):
        Source(data)


def test_records_are_json():
    images = split(load_images("digits"))
    record = json.loads(json.dumps(images.record() | {"binarisation": dataclasses.asdict(Binarisation("dynamic", 7))}))
    assert record == {
        "name": "digits",
        "shape": [8, 8],
        "levels": 16,
        "train": 1350,
        "validation": 150,
        "test": 297,
        "test_split": "297 of 1797 at random, seed 0",
        "binarisation": {"kind": "dynamic", "seed": 7},
    }


# Binarising


def pixels_of(level: float, levels: int, n: int = 2000) -> Images:
    """Images in which every pixel has one level, in a test split of its own."""
    rows = np.full((n, 10), level, np.uint8 if float(level).is_integer() else np.float32)
    return Images("constant", levels, rows, rows.copy(), validation=rows.copy())


@pytest.mark.parametrize(
    ("level", "levels"), [(0, 255), (1, 255), (64, 255), (254, 255), (255, 255), (4, 16), (0.3, 1), (1, 1)]
)
def test_drawn_pixels_have_the_grey_as_mean(level, levels):
    images, p = pixels_of(level, levels), level / levels
    fixed, dynamic = binarise("fixed", images, seed=1), binarise("dynamic", images, seed=1)
    rows = jax.numpy.asarray(images.train)
    drawn = [
        fixed.train.transform(None, jax.numpy.asarray(fixed.train.rows)),
        fixed.validation.rows,
        fixed.test.rows,
        dynamic.train.transform(jax.random.key(0), rows),
        dynamic.test.rows,
    ]
    for x in map(np.asarray, drawn):
        assert x.dtype == np.float32
        assert set(np.unique(x)) <= {0.0, 1.0}
        # 5 standard errors: a false alarm once in 1.7 million for each of 40 means; exact at 0 and 1, where it is 0.
        assert abs(x.mean(dtype=float) - p) <= 5 * np.sqrt(p * (1 - p) / x.size)
    if 0.1 < p < 0.9:
        chance = p**2 + (1 - p) ** 2  # that two independent draws agree
        train, validation, test = (np.asarray(x) for x in drawn[:3])
        for a, b in ((train, test), (train, validation), (validation, test)):
            assert abs((a == b).mean() - chance) <= 5 * np.sqrt(chance * (1 - chance) / a.size)


def test_what_is_drawn_once_stays_and_depends_on_the_seed():
    images = load_images("digits")
    one, same, other = binarise("fixed", images, 1), binarise("fixed", images, 1), binarise("fixed", images, 2)
    np.testing.assert_array_equal(one.train.rows, same.train.rows)
    np.testing.assert_array_equal(one.test.rows, same.test.rows)
    assert (one.test.rows != other.test.rows).any()
    np.testing.assert_array_equal(binarise("dynamic", images, 1).test.rows, one.test.rows)


def test_threshold_and_grey_are_exact():
    images = Images("levels", 16, np.arange(17, dtype=np.uint8)[None], np.arange(17, dtype=np.uint8)[None])
    cut, grey = binarise("threshold", images), binarise("none", images)
    assert cut.test.rows[0].tolist() == [0.0] * 8 + [1.0] * 9  # 8/16 is ink
    assert grey.test.rows[0].tolist() == [k / 16 for k in range(17)]
    for data in (cut, grey):
        np.testing.assert_array_equal(data.train.transform(None, jax.numpy.asarray(data.train.rows)), data.test.rows)


def test_images_are_listed_in_their_own_order(tmp_path):
    first, second = np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.full((2, 2, 2), 255, np.uint8)
    np.savez(tmp_path / "two.npz", x_train=first, y_train=[2, 0, 1], x_test=second, y_test=[1, 1])
    found = list_images(tmp_path / "two.npz")
    np.testing.assert_array_equal(found.pixels, np.concatenate([first, second]))
    assert found.split.tolist() == ["train"] * 3 + ["test"] * 2
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0, 1, 1, 1]
    alone = list_images(first)
    assert (alone.split.tolist(), alone.labels, alone.levels) == (["all"] * 3, None, None)
    np.savez(tmp_path / "sizes.npz", x_train=first, x_test=np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(DataError, match=r"\(2, 2\) and \(3, 3\): scale them"):
        list_images(tmp_path / "sizes.npz")


def test_bytes_stay_bytes_until_the_step_and_draws_change_with_it():
    data = binarise("dynamic", load_images("digits"))
    source = Source(data.train.rows, batch_size=32, dtype="float32", transform=data.train.transform)
    assert source.rows.dtype == np.uint8
    parent, plan = source.block(0, 2)
    assert isinstance(parent, Batch)
    step = jax.jit(lambda key: take(parent, plan[0], source.transform, key).rows)
    first, again, second = (np.asarray(step(jax.random.key(k))) for k in (0, 0, 1))
    assert (first.dtype, first.shape) == (np.float32, (32, 8, 8))
    np.testing.assert_array_equal(first, again)
    grey = data.train.rows[np.asarray(plan)[0]] / 16
    unsure = (grey > 0) & (grey < 1)
    assert (first != second)[unsure].any()
    np.testing.assert_array_equal(first[~unsure], grey[~unsure])


def test_transforms_are_compared_by_value_so_that_runs_share_a_compilation():
    compiled = []

    def run(transform, key, rows):
        compiled.append(transform)
        return transform(key, rows)

    step = jax.jit(run, static_argnums=0)
    for transform in (Draw(255), Draw(255), Grey(255), Grey(255), Grey(16)):
        step(transform, jax.random.key(0), jax.numpy.zeros((2, 2), "uint8"))
    assert compiled == [Draw(255), Grey(255), Grey(16)]


def test_transforms_follow_the_precision_in_force(x64):
    rows = jax.numpy.array([[3]], "uint8")
    assert Grey(255)(None, rows).dtype == np.float64
    assert float(Grey(255)(None, rows)[0, 0]) == 3 / 255

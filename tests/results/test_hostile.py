"""A saved fit that is damaged or made to harm is refused in Taut's own words, and costs neither time nor memory."""

import json
import math
import os
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

import taut
from taut.core.array_files import read_arrays, write_arrays
from taut.errors import SavedFitError, TautError
from taut.models import LogisticRegression

from ..helpers.saved_fits import changed

OLD = Path(__file__).parent / "fits_0_1_0"
"""Fits without checksums."""
TABLE = {"age": [25, 41], "income": [21.5, 30.0], "job": ["cook", "baker"]}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    X = np.random.default_rng(0).normal(size=(20, 2))
    return taut.fit(LogisticRegression(), (X, np.arange(20) % 2)).save(tmp_path_factory.mktemp("saved") / "run")


@pytest.fixture
def run(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "copy"))


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(OLD / "regression-table", tmp_path / "old"))


def used(fit):
    """What people ask of a fit, as far as nothing has to be compiled."""
    said = json.dumps([fit.to_json(), str(fit), str(fit.verdict)])
    if not isinstance(fit, taut.LatentFit):
        fit.summary(0.9)
        fit.sample(3, seed=1)
    return said


def flipped(path, place, bit):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_a_folder_may_be_copied_and_renamed(saved, run):
    assert used(taut.load(run.rename(run.with_name("other")))) == used(taut.load(saved))


def test_no_flipped_bit_of_the_text_passes(run):
    path, rng = run / "fit.json", np.random.default_rng(0)
    whole = path.read_bytes()
    for place in rng.permutation(len(whole))[:700]:
        flipped(path, place, rng.integers(8))
        with pytest.raises(SavedFitError, match="fit.json"):
            taut.load(run)
        path.write_bytes(whole)


def test_no_flipped_bit_of_the_arrays_changes_an_answer(saved, run):
    path, rng, refused = run / "arrays.npz", np.random.default_rng(0), 0
    whole, expected = path.read_bytes(), used(taut.load(saved))
    for place in rng.permutation(len(whole))[:400]:
        flipped(path, place, rng.integers(8))
        try:
            assert used(taut.load(run)) == expected  # a time stamp, say
        except SavedFitError:
            refused += 1
        path.write_bytes(whole)
    assert refused > 250


@pytest.mark.parametrize("name", ["fit.json", "arrays.npz"])
def test_a_file_that_is_cut_or_of_another_fit_is_refused(name, run, tmp_path):
    other = taut.fit(LogisticRegression(), (np.arange(6.0)[:, None] ** 2, [0, 1, 0, 1, 1, 0])).save(tmp_path / "b")
    shutil.copy(other / name, run / name)
    with pytest.raises(SavedFitError, match="different fits"):
        taut.load(run)
    whole = (other / name).read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        (run / name).write_bytes(whole[:size])
        with pytest.raises(SavedFitError, match=name):
            taut.load(run)


def test_a_checksum_cannot_be_left_out(run):
    meta = json.loads((run / "fit.json").read_text())
    meta.pop("sha256")
    (run / "fit.json").write_text(json.dumps(meta))
    with pytest.raises(SavedFitError, match="checksum"):
        taut.load(run)


def test_sealed_again_only_the_content_counts(run):
    assert taut.load(changed(run, lambda meta: meta["fit"].update(elbo=-3.0))).elbo == -3.0


def deep(meta):
    meta["fit"]["reasons"]["family"] = json.loads("[" * 300 + "]" * 300)


def replaced(*places_and_value):
    *places, last, value = places_and_value

    def change(meta):
        for place in places:
            meta = meta[place]
        meta[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replaced("design", "scale", 0, -2.0), "design.*scale.0 is -2.0"),
        (replaced("design", "scale", 0, 0.0), "scale.0"),
        (replaced("design", "shift", 0, 1e30), "design.*mean"),
        (replaced("design", "shift", 0, "3"), "shift.0 is '3'"),
        (replaced("design", "shift", 0, float("nan")), "shift.0 is nan"),
        (replaced("design", "columns", 3), "columns is 3"),
        (replaced("design", "columns", 0, "name", 5), "columns.0.name is 5"),
        (replaced("design", "columns", 0, "kind", "numerical"), "kind.*numeric"),
        (replaced("design", "columns", 2, "levels", {"a": 1}), "levels"),
        (replaced("design", "intercept", "yes"), "intercept"),
        (replaced("design", None), "design"),
        (replaced("design", []), "design"),
        (replaced("labels", "classes", ["a", "b", "c"]), "classes"),
        (replaced("labels", 1), "labels"),
        (replaced("parts", "family", "fields", "mean", "array", [10**12]), "mean"),
        (replaced("parts", "family", "fields", "mean", "array", [10**30]), "array"),
        (replaced("parts", "family", "fields", "mean", "array", [-1]), "array"),
        (replaced("parts", "family", "fields", "mean", "dtype", "O"), "dtype is 'O'"),
        (
            replaced("parts", "model", "fields", "prior", "fields", "scale", {"number": -1.0, "dtype": "float64"}),
            "scale",
        ),
        (replaced("parts", "model", "fields", "standardise", 5), "standardise is 5"),
        (replaced("parts", "gradient", "fields", "samples", 0), "samples"),
        (replaced("parts", "objective", {"tuple": []}), "objective"),
        (replaced("algorithm", "fields", "steps", "many"), "steps is 'many'"),
        (replaced("fit", "elbo", "high"), "fit.elbo is 'high'"),
        (replaced("fit", "elbo", 10**400), "fit.elbo"),
        (replaced("fit", "ended", "well"), "fit.ended is 'well'"),
        (replaced("fit", "dtype", "object"), "fit.dtype"),
        (replaced("fit", "rows", -1), "fit.rows"),
        (replaced("fit", "verdict", "trust", "answer", "perfect"), "trust.answer"),
        (replaced("fit", "verdict", "trust", "shift", [1.0]), "trust.shift"),
        (replaced("fit", "seconds", 3.0), "seconds"),
        (replaced("local", "no"), "local"),
        (deep, "nested"),
    ],
    ids=lambda value: None if callable(value) else value,
)
@pytest.mark.parametrize("which", ["old", "run"])
def test_an_absurd_value_is_refused_by_its_name(which, change, words, old, run):
    if which == "run":
        shutil.copytree(old, run, dirs_exist_ok=True)
        meta = json.loads((run / "fit.json").read_text())
        arrays, _ = read_arrays(run / "arrays.npz")
        meta |= {"format": 2, "arrays_sha256": write_arrays(run / "arrays.npz", arrays, {"format": 2}), "sha256": ""}
        (run / "fit.json").write_text(json.dumps(meta))
    folder = {"old": old, "run": run}[which]
    with pytest.raises(SavedFitError, match=words) as refusal:
        taut.load(changed(folder, change))
    assert str(folder) in str(refusal.value)


def test_text_that_is_nested_too_deeply(old):
    (old / "fit.json").write_text('{"format": 1, "fit": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(SavedFitError, match="nested too deeply"):
        taut.load(old)


@pytest.mark.parametrize("name", ["fit.json", "arrays.npz"])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_read(name, make, old):
    (old / name).unlink()
    make(old / name)
    with pytest.raises(SavedFitError, match=f"{name}.*no regular file"):
        taut.load(old)


def npy(shape, descr="<f8", data=b""):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (64 - (len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header.encode() + data


def archive(path, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)


@pytest.mark.parametrize(
    "member",
    [
        npy((10**12,)),
        npy((2**62, 2**62)),
        npy((0, 10**15)),
        npy((-1,)),
        npy((3,), "|O", b"\x80\x04N."),
        npy((1,), [("a", "<f8")], bytes(8)),
        npy((4,), "<f8", bytes(31)),
        npy("(" * 5000),
        npy("(3L,)", "<f8", bytes(24)),
        npy((1,), "<U1000000000"),
        b"no array",
        b"",
        b"\x93NUMPY\x09\x09",
    ],
    ids=range(13),
)
def test_hostile_arrays_are_refused(member, old):
    archive(old / "arrays.npz", __meta__=member)
    with pytest.raises(SavedFitError, match="arrays.npz"):
        taut.load(old)


def test_an_archive_that_unpacks_to_more_than_it_is(old):
    archive(old / "arrays.npz", zipfile.ZIP_DEFLATED, bomb=npy((10**7,), "<f8", bytes(8 * 10**7)))
    assert (old / "arrays.npz").stat().st_size < 10**6
    with pytest.raises(SavedFitError, match="unpack"):
        taut.load(old)
    with zipfile.ZipFile(old / "arrays.npz", "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            file.writestr("a.npy", npy((1,), "<f8", bytes(8)))
    with pytest.raises(SavedFitError, match="twice"):
        taut.load(old)


def test_weighted_draws_that_are_not_whole(tmp_path):
    folder = Path(shutil.copytree(OLD / "regression-corrected", tmp_path / "run"))
    with np.load(folder / "arrays.npz") as file:
        arrays = dict(file)
    for name, value in {
        "judged.z": arrays["judged.z"][:, :1],
        "judged.weights": -arrays["judged.weights"],
        "judged.log_q": arrays["judged.log_q"][:3],
    }.items():
        np.savez(folder / "arrays.npz", **(arrays | {name: value}))
        with pytest.raises(SavedFitError, match="draws that are the answer"):
            taut.load(folder)
    arrays.pop("judged.z")
    np.savez(folder / "arrays.npz", **arrays)
    with pytest.raises(SavedFitError, match="draws that are the answer"):
        taut.load(folder)


ABSURD = (None, True, -1, 0, "x", "", math.inf, math.nan, -1e300, 10**30, [], {}, [[]], {"": {}}, [1, 2, 3])


def places(value, at=()):
    """Every place in nested lists and objects."""
    yield at
    for name, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(one, (*at, name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regression-corrected", "regression-low-rank", "density-skewed", "autoencoder-rate"])
def test_absurd_values_anywhere_raise_nothing_of_their_own(name, tmp_path):
    """What is let pass is what nobody reads, or a value that could be."""
    folder = Path(shutil.copytree(OLD / name, tmp_path / "run"))
    text = (folder / "fit.json").read_text()
    refused, tried, rng = 0, 0, np.random.default_rng(0)
    for place in list(places(json.loads(text)))[1:]:
        for chosen in rng.permutation(len(ABSURD))[:3]:
            (folder / "fit.json").write_text(text)
            changed(folder, replaced(*place, ABSURD[chosen]))
            tried += 1
            try:
                used(taut.load(folder))
            except TautError:
                refused += 1
    assert refused > tried / 3

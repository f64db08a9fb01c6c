"""A checkpoint with faults is refused in Taut's own words, or it is as it was."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import taut
from taut.core.array_files import read_arrays, write_arrays
from taut.errors import SavedFitError
from taut.learning.checkpoints import CHECKPOINT_FILE

from ..helpers.mutations import mutated

X = np.random.default_rng(0).normal(size=(12, 2))
DATA = (X, np.arange(12) % 2)


def fit(folder, steps):
    algorithm = taut.algorithms.StochasticGradient(steps=steps)
    return taut.fit(taut.models.LogisticRegression(), DATA, algorithm=algorithm, checkpoint=folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkpoint of a whole run, from which nothing is left to do."""
    folder = tmp_path_factory.mktemp("made")
    return folder, fit(folder, 20)


def same(one, other):
    leaves = zip(jax.tree.leaves(one.posterior), jax.tree.leaves(other.posterior), strict=True)
    return all(np.array_equal(a, b) for a, b in leaves)


@pytest.mark.slow
def test_a_checkpoint_with_faults_is_refused_or_as_it_was(made, tmp_path):
    folder, whole = made
    content, rng, refused = (folder / CHECKPOINT_FILE).read_bytes(), np.random.default_rng(3), 0
    for _ in range(400):
        changed = mutated(content, rng)
        (tmp_path / CHECKPOINT_FILE).write_bytes(changed)
        try:
            arrays, meta = read_arrays(tmp_path / CHECKPOINT_FILE)
        except SavedFitError as error:
            refused += 1
            told = str(error)
        else:
            told, expected = CHECKPOINT_FILE, read_arrays(folder / CHECKPOINT_FILE)
            assert meta == expected[1]
            assert all(arrays[name].tobytes() == x.tobytes() for name, x in expected[0].items())
        assert CHECKPOINT_FILE in told
    assert refused > 300


def without(name):
    return lambda arrays, meta: (
        {key: x for key, x in arrays.items() if not key.startswith(name)},
        {key: x for key, x in meta.items() if key != name},
    )


@pytest.mark.parametrize(
    "change",
    [
        without("history.bound"),
        without("state"),
        without("step"),
        without("identity"),
        lambda arrays, meta: (arrays, meta | {"step": "many"}),
        lambda arrays, meta: (arrays, meta | {"step": -1}),
        lambda arrays, meta: (arrays, meta | {"step": 7}),
        lambda arrays, meta: (arrays, meta | {"identity": []}),
        lambda arrays, meta: (arrays, meta | {"identity": {"problem": 3}}),
        lambda arrays, meta: (arrays | {"history.bound": np.zeros(3)}, meta),
        lambda arrays, meta: (arrays | {"history.elbo": np.zeros(())}, meta),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("sealed", [True, False])
def test_a_checkpoint_that_was_tampered_with_is_refused(change, sealed, made, tmp_path):
    arrays, meta = read_arrays(made[0] / CHECKPOINT_FILE)
    arrays, meta = change(arrays, meta)
    if sealed:
        write_arrays(tmp_path / CHECKPOINT_FILE, arrays, meta)
    else:
        text = np.array(json.dumps(meta | {"format": 1}))
        np.savez(tmp_path / CHECKPOINT_FILE, __meta__=text, **arrays)
    with pytest.raises(SavedFitError):
        fit(tmp_path, 20)


def test_a_checkpoint_of_version_0_1_0_is_gone_on_with(made, tmp_path):
    arrays, meta = read_arrays(made[0] / CHECKPOINT_FILE)
    np.savez(tmp_path / CHECKPOINT_FILE, __meta__=np.array(json.dumps(meta | {"format": 1})), **arrays)
    assert same(fit(tmp_path, 20), made[1])


def test_a_checkpoint_may_be_moved(made, tmp_path):
    folder = Path(shutil.copytree(made[0], tmp_path / "moved"))
    assert same(fit(folder, 20), made[1])

"""Flax modules as encoders and decoders, if Flax is installed."""

import subprocess
import sys

import jax
import numpy as np
import pytest

import taut
from taut.errors import ArgumentError
from taut.families import Amortized
from taut.models import LatentVariableModel
from taut.networks import from_flax

linen = pytest.importorskip("flax.linen", exc_type=ImportError)
nnx = pytest.importorskip("flax.nnx", exc_type=ImportError)
IMAGES = (np.random.default_rng(0).random((64, 4, 4)) < 0.3).astype(np.float32)


class Net(linen.Module):
    out: int

    @linen.compact
    def __call__(self, x):
        return linen.Dense(self.out)(linen.relu(linen.Dense(8)(x.ravel())))


class Pair(linen.Module):
    @linen.compact
    def __call__(self, x):
        h = linen.relu(linen.Dense(8)(x.ravel()))
        return linen.Dense(2)(h), linen.Dense(2)(h)


class Dropping(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dropout(0.5, deterministic=False)(linen.Dense(4)(x.ravel()))


class Normalised(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.BatchNorm(use_running_average=False)(linen.Dense(4)(x.ravel()))


class NetX(nnx.Module):
    def __init__(self, n, out, dropout=False):
        rngs = nnx.Rngs(0)
        self.first, self.last = nnx.Linear(n, 8, rngs=rngs), nnx.Linear(8, out, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs) if dropout else None

    def __call__(self, x):
        h = nnx.relu(self.first(x.ravel()))
        return self.last(h if self.dropout is None else self.dropout(h))


def in_evaluation():
    module = NetX(16, 4, dropout=True)
    module.eval()
    return module


def bound():
    module = Net(4)
    return module.bind(module.init(jax.random.key(3), IMAGES[0]))


@pytest.mark.slow  # each module is compiled anew
@pytest.mark.parametrize(
    ("decoder", "encoder"),
    [(Net(16), Net(4)), (Net(16), Pair()), (NetX(2, 16), NetX(16, 4)), (Net(16), in_evaluation()), (Net(16), bound())],
    ids=["linen", "pair", "nnx", "evaluation", "bound"],
)
def test_a_module_is_learned_and_saved(decoder, encoder, tmp_path):
    model = LatentVariableModel(decoder, latent=2)
    fit = taut.fit(model, IMAGES, family=Amortized(encoder), steps=60, batch_size=64, progress=False)
    assert np.all(np.isfinite(fit.history["elbo"]))
    assert fit.history["elbo"][-10:].mean() > fit.history["elbo"][:10].mean()
    again = taut.load(fit.save(tmp_path / "run"), model=model, family=Amortized(from_flax(encoder, IMAGES[0])))
    np.testing.assert_array_equal(again.encode(IMAGES)[0], fit.encode(IMAGES)[0])
    np.testing.assert_array_equal(again.decode(np.zeros((1, 2))), fit.decode(np.zeros((1, 2))))


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (lambda: Net(5), r"shape \(5,\).*needs.*\(4,\)"),
        (lambda: Net, "the class Net"),
        (lambda: NetX(15, 4), "does not take an example"),
        (Dropping, "does not take an example.*PRNG"),
        (Normalised, "batch_stats"),
        (lambda: NetX(16, 4, dropout=True), "dropout.*training mode.*eval"),
    ],
    ids=["size", "class", "input", "dropout", "batch statistics", "nnx dropout"],
)
def test_a_module_that_cannot_serve_is_refused(encoder, words):
    with pytest.raises(ArgumentError, match=words):
        taut.fit(LatentVariableModel(Net(16), latent=2), IMAGES, family=Amortized(encoder()), steps=2, progress=False)


def test_a_module_needs_an_example():
    with pytest.raises(ArgumentError, match="needs an example"):
        from_flax(Net(4))
    with pytest.raises(ArgumentError, match="no Flax module"):
        from_flax(lambda x: x)


def test_taut_does_not_import_flax():
    program = "import sys, taut; taut.networks.MLP, taut.fit, taut.families.Amortized; print('flax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"

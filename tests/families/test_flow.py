"""The flow against autodiff's Jacobian and the Gaussian that it starts as."""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from taut.core.trees import is_float_array
from taut.errors import ArgumentError
from taut.families.flow import Flow

pytestmark = pytest.mark.usefixtures("x64")


def test_density_both_ways_and_by_autodiff():
    pytest.importorskip("flowjax")
    rng = np.random.default_rng(12)
    mean, factor, noise = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    start = Flow.around(mean, factor=factor, layers=2, width=4)
    learned, fixed = eqx.partition(start, is_float_array)
    q = eqx.combine(jax.tree.map(lambda a: a + 0.3 * rng.uniform(-1, 1, a.shape), learned), fixed)

    @eqx.filter_jit
    def everything(q, noise):
        def one(noise):
            x, there = q.sample_and_log_prob(noise)
            return x, there, q.log_prob(x), jnp.linalg.slogdet(jax.jacobian(q.sample)(noise))[1]

        return jax.vmap(one)(noise)

    x, there, back, log_det = everything(q, noise)
    np.testing.assert_allclose(back, there, rtol=1e-9)
    np.testing.assert_allclose(np.sum(-0.5 * noise**2 - 0.5 * np.log(2 * np.pi), 1) - log_det, there, rtol=1e-9)
    x, there, back, _ = everything(start, noise)
    exact = multivariate_normal(mean, factor @ factor.T).logpdf(x)
    np.testing.assert_allclose(there, exact, rtol=1e-7)


def test_one_coordinate_is_refused():
    pytest.importorskip("flowjax")
    with pytest.raises(ArgumentError, match="SinhArcsinh"):
        Flow.around([0.0])


def test_without_flowjax_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "flowjax.flows", None)
    with pytest.raises(ArgumentError, match=r"taut\[flows\]"):
        Flow.around([0.0, 0.0])

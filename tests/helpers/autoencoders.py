"""Fixtures: autoencoders with a known posterior, in which everything that an evaluation estimates is known."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from taut.families.amortized import Amortized
from taut.gradients import Reparametrization
from taut.models.latent import LatentVariableModel
from taut.models.likelihoods import Gaussian
from taut.networks.mlp import Linear
from taut.objectives import Elbo
from taut.problem import Problem

PIXELS, SD = 5, 1.0


class Known(NamedTuple):
    """x = W z + b + noise with W'W diagonal, so that the exact posterior is a mean-field Gaussian."""

    problem: Problem
    images: np.ndarray
    log_marginal: np.ndarray
    elbo: np.ndarray
    kl: np.ndarray


class FirstPixel(eqx.Module):
    slope: Any
    output: Any

    def __call__(self, x):
        return jnp.concatenate([x.ravel()[0] * self.slope, self.output])


def bound(log_sd):
    return 7 * np.arctanh(log_sd / 7)  # the inverse of the amortised family's bound


@pytest.fixture
def known(x64):
    """known(n, latent, widen, shrink): q is the exact posterior, its sd times `widen`, its mean times `shrink`."""

    def build(n=40, latent=2, widen=1.0, shrink=1.0, used=None):
        rng = np.random.default_rng(3)
        W = np.linalg.qr(rng.normal(size=(PIXELS, latent)))[0] * np.linspace(3.0, 1.0, latent)
        W[:, latent if used is None else used :] = 0
        b = rng.normal(size=PIXELS)
        x = rng.normal(size=(n, latent)) @ W.T + b + SD * rng.normal(size=(n, PIXELS))
        covariance = W @ W.T + SD**2 * np.eye(PIXELS)
        off = x - b
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        log_marginal = -0.5 * np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off) - 0.5 * log_det
        v = SD**2 / (np.sum(W**2, axis=0) + SD**2)
        A = W * v / SD**2  # posterior mean = (x - b) A
        m, s2 = shrink * off @ A, widen**2 * v
        gap = 0.5 * np.sum(widen**2 - 1 - np.log(widen**2) + (m - off @ A) ** 2 / v, axis=1)  # KL(q || posterior)
        kl = 0.5 * np.sum(s2 + m**2 - 1 - np.log(s2), axis=1)
        outputs = np.concatenate([-shrink * b @ A, bound(0.5 * np.log(s2))])
        encoder = Linear(np.concatenate([shrink * A, np.zeros_like(A)], axis=1), outputs)
        model = LatentVariableModel(Linear(W.T.copy(), b), Gaussian(SD), latent)
        problem = Problem(model, Amortized(encoder), Elbo(), Reparametrization())
        return Known(problem, x, log_marginal, log_marginal - gap, kl)

    return build


@pytest.fixture
def binary(x64):
    """Four binary units, 0/1 pixels: (problem, images, all 16 codes, log p(x, z) and log q(z|x) of each)."""
    from taut.gradients import Reinforce
    from taut.models.prior import BernoulliPrior

    rng = np.random.default_rng(5)
    W, V = rng.normal(size=(4, 6)), rng.normal(size=(6, 4))
    model = LatentVariableModel(Linear(W, np.zeros(6)), "bernoulli", 4, BernoulliPrior())
    problem = Problem(model, Amortized(Linear(V, np.zeros(4)), "bernoulli"), Elbo(), Reinforce(2))
    images = (rng.random((30, 6)) < 0.5).astype(float)
    z = np.array(np.meshgrid(*[[0.0, 1.0]] * 4)).reshape(4, -1).T
    logits, of_z = z @ W, images @ V
    log_joint = images @ logits.T - np.logaddexp(0, logits).sum(1) - 4 * np.log(2)
    log_q = of_z @ z.T - np.logaddexp(0, of_z).sum(1, keepdims=True)
    return problem, images, z, log_joint, log_q


@pytest.fixture
def still():
    """still(slope, log_sd): a family whose mean is `slope` times the first pixel, its sd the same for all images."""
    return lambda slope, log_sd: Amortized(FirstPixel(np.asarray(slope), bound(np.asarray(log_sd))))

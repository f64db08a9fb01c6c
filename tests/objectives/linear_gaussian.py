"""The one latent-variable model whose constrained optimum is known: x ~ N(0, v), p(x|z) = N(w z, sigma^2), one z each.

With D = E (x - w z)^2 the expected log-likelihood is -ln(2 pi sigma^2) / 2 - D / (2 sigma^2), and Shannon's
rate-distortion function of a Gaussian gives the least KL = ln(v / D) / 2 and the multiplier d KL / dE = sigma^2 / D.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from taut.algorithms import StochasticGradient
from taut.capabilities import Capability
from taut.data.source import Source
from taut.families.amortized import Amortized
from taut.gradients import Exact, Problem
from taut.learn import learn
from taut.models import Normal
from taut.models.base import Model


class LinearDecoder(Model):
    name: ClassVar[str] = "linear-Gaussian"
    local: ClassVar[bool] = True
    weight: Any
    variance: float = eqx.field(static=True)
    prior: Normal

    @property
    def offers(self):
        return frozenset({Capability.DIFFERENTIABLE, Capability.CLOSED_LIKELIHOOD}) | self.prior.offers

    @property
    def closed_form_needs(self):
        return frozenset({Capability.MOMENTS})

    def dim(self, rows):
        return 1

    def learned(self):
        return ("weight",)

    def _log_normal(self, squared):
        return -0.5 * np.log(2 * np.pi * self.variance) - 0.5 * squared / self.variance

    def log_likelihood(self, z, rows):
        return self._log_normal((rows[:, 0] - self.weight * z[0]) ** 2)

    def expected_log_likelihood(self, q, rows):
        return self._log_normal((rows[:, 0] - self.weight * q.mean[0]) ** 2 + self.weight**2 * q.variance[0])


class LinearEncoder(eqx.Module):
    slope: Any
    log_sd: Any

    def __call__(self, x):
        return jnp.stack([self.slope * x[0], self.log_sd])


def likelihood_at(D, variance):
    """The expected log-likelihood whose distortion is D."""
    return -0.5 * np.log(2 * np.pi * variance) - 0.5 * D / variance


def data(v, n=2):
    """Rows with the second moment v exactly: all that the model sees of them."""
    return np.sqrt(v) * np.resize([1.0, -1.0], (n, 1))


def problem(objective, gradient=None, variance=0.2, start=(0.7, 0.5, -0.3)):
    weight, slope, log_sd = map(np.asarray, start)
    model = LinearDecoder(weight, variance, Normal(0.0, 1.0))
    return Problem(model, Amortized(LinearEncoder(slope, log_sd)), objective, gradient or Exact())


def train(problem, v, steps, n=2, batch_size=None, rate=0.02, seed=0, **options):
    algorithm = StochasticGradient(steps=steps, learning_rate=rate, **options)
    return learn(problem, algorithm, Source(data(v, n), batch_size=batch_size, seed=seed), seed=seed)


def ending(outcome):
    """Averages over the last tenth of training."""
    return {name: np.mean(x[-len(x) // 10 :], axis=0) for name, x in outcome.history.items()}

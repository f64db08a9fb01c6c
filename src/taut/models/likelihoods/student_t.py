r"""Real numbers with residuals that may be far out.

Its expectation under a Gaussian predictor has no closed form, and its logarithm is singular within
\(\sigma\sqrt\nu\) of the real line, so that no rule with nodes in the predictor serves. With \(a^2 = \nu\sigma^2\),

.. math:: \log(1 + u) = \int_0^\infty \frac{e^{-t}}{t} (1 - e^{-tu})\, dt, \qquad
    E e^{-t d^2/a^2} = q^{-1/2} e^{-t\delta^2/(a^2 q)}, \quad q = 1 + 2tv/a^2,

for d ~ N(\(\delta\), v). In \(\tau = \log t\) the integrand is analytic within \(\pi/2\) of the real line and falls off
at both ends, so that the trapezoid rule errs by \(e^{-\pi^2/h}\): 1e-9 for the step that 100 nodes leave where d is
1e5 times a.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import stdtr, stdtrit

from taut.core.constants import LOG_2PI
from taut.errors import ArgumentError
from taut.models.likelihoods.base import Likelihood, Moments
from taut.models.likelihoods.checks import finite
from taut.models.likelihoods.gamma_functions import log_rising
from taut.models.likelihoods.parameter import Parameter

NODES = np.linspace(0, 1, 100)
LAST = float(np.log(25.0))
"""Beyond it the integrand is below e^-25."""
BEFORE = 20.0
"""How far below the smallest t that matters the rule begins: e^-20 is what is left out there."""


def _logarithm(delta, v, a2):
    """E log(1 + d^2/a^2) for d ~ N(delta, v), and its first two derivatives in delta."""
    delta, v = jnp.broadcast_arrays(delta[..., None], v[..., None])
    first = -jnp.log1p((delta**2 + v) / a2) - BEFORE
    step = (LAST - first) / (len(NODES) - 1)
    t = jnp.exp(first + (LAST - first) * NODES.astype(delta.dtype))
    q = 1 + 2 * t * v / a2
    pull = t / (a2 * q)
    left = -0.5 * jnp.log(q) - pull * delta**2
    falling = jnp.exp(-t) * step
    kernel = falling * jnp.exp(left) * 2 * pull
    value = jnp.sum(-falling * jnp.expm1(left), -1)
    return value, jnp.sum(kernel * delta, -1), jnp.sum(kernel * (1 - 2 * pull * delta**2), -1)


class StudentT(Likelihood):
    """Location eta, scale sigma and nu degrees of freedom: y = eta + sigma t.

    Attributes:
        log_nu: logarithm of the degrees of freedom.
        log_sigma: logarithm of the scale.

    Example:
        >>> round(float(StudentT(nu=1.0).log_prob(jnp.zeros(1), jnp.zeros(1))[0]), 4)  # a Cauchy: -log pi
        -1.1447
    """

    name: ClassVar[str] = "student-t"
    scale: ClassVar[str] = "location"
    target: ClassVar[str | None] = "numbers"
    wants: ClassVar[str] = "finite numbers"
    log_nu: Any
    log_sigma: Any

    def __init__(self, nu: float = 20.0, sigma: float = 1.0):
        if not (np.all(np.isfinite([nu, sigma])) and nu > 0 and sigma > 0):
            raise ArgumentError(f"StudentT(nu={nu!r}, sigma={sigma!r}): two positive, finite numbers are needed.")
        self.log_nu, self.log_sigma = float(np.log(nu)), float(np.log(sigma))

    def parameters(self, spread=1.0):
        """Degrees of freedom and scale."""
        from numpyro.distributions import Gamma, HalfNormal

        return (
            Parameter("nu", "log_nu", Gamma(2.0, 0.1)),
            Parameter("sigma", "log_sigma", HalfNormal(spread)),
        )

    def _constants(self, dtype):
        """Nu, nu sigma^2, and the log density at its peak."""
        nu, log_sigma = jnp.exp(jnp.asarray(self.log_nu, dtype)), jnp.asarray(self.log_sigma, dtype)
        return nu, nu * jnp.exp(2 * log_sigma), log_rising(nu / 2, 0.5) - 0.5 * LOG_2PI - log_sigma

    def log_prob(self, eta, y):
        """The logarithm of Student's density, in nats."""
        nu, a2, peak = self._constants(eta.dtype)
        return peak - 0.5 * (nu + 1) * jnp.log1p((y - eta) ** 2 / a2)

    def moments(self, m, v, y):
        """By the integral above, to 1e-8."""
        nu, a2, peak = self._constants(m.dtype)
        value, slope, bend = (0.5 * (nu + 1) * x for x in _logarithm(y - m, v, a2))
        return Moments(peak - value, slope, bend)

    def response(self, m, v, known=None):
        """Those of the predictor."""
        return m, jnp.sqrt(v)

    def mean(self, eta, known=None):
        """The location; it is the mean above one degree of freedom, and the median always."""
        return eta

    def sd(self, eta, known=None):
        """Infinite up to two degrees of freedom."""
        nu, a2, _ = self._constants(eta.dtype)
        return jnp.broadcast_to(jnp.where(nu > 2, jnp.sqrt(a2 / jnp.where(nu > 2, nu - 2, 1.0)), jnp.inf), eta.shape)

    def residual_variance(self, eta, spread):
        """None: it is infinite, or hangs on rows far out."""

    def sample(self, key, eta, known=None):
        """Location plus scaled noise."""
        nu, a2, _ = self._constants(eta.dtype)
        return eta + jnp.sqrt(a2 / nu) * jax.random.t(key, nu, eta.shape, eta.dtype)

    def _numbers(self):
        return (np.exp(np.asarray(x, float)) for x in (self.log_nu, self.log_sigma))

    def cdf(self, eta, y):
        """Student's."""
        nu, sigma = self._numbers()
        return stdtr(nu, (np.asarray(y, float) - np.asarray(eta, float)) / sigma)

    def quantile(self, eta, p, known=None):
        """Location plus the scaled quantile of Student's distribution."""
        nu, sigma = self._numbers()
        return np.asarray(eta, float) + sigma * stdtrit(nu, p)

    def check(self, y):
        """Finite numbers."""
        finite(self, y)

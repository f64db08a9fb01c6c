"""Three observations under Cauchy priors: tails so heavy that the fourth moments do not exist."""

import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from taut.models import LogDensity, positive, real

from .densities import cauchy, half, normal
from .target import Target, known

Y = np.array([1.2, 2.9, 5.3])


def cauchy_location() -> Target:
    """y_i ~ N(mu, sigma), mu ~ Cauchy(0, 2.5), sigma ~ half-Cauchy(2.5): two integrals on a grid.

    mu = sinh(u) and sigma = exp(t), so that power-law tails become exponential ones.
    """

    def log_joint(v):
        return cauchy(v["mu"], 2.5) + half(cauchy(v["sigma"], 2.5)) + jnp.sum(normal(Y, v["mu"], v["sigma"]))

    u, t = np.linspace(-25, 25, 2501), np.linspace(-6, 25, 621)
    mu, sigma = np.sinh(u)[:, None], np.exp(t)

    def log_cauchy(x):
        return -np.log1p((x / 2.5) ** 2) - np.log(2.5 * np.pi)

    squares = ((Y - Y.mean()) ** 2).sum() + len(Y) * (Y.mean() - mu) ** 2
    log_weight = (
        log_cauchy(mu)
        + np.log(np.cosh(u))[:, None]
        + log_cauchy(sigma)
        + np.log(2)
        + t
        - 0.5 * squares / sigma**2
        - len(Y) * (t + 0.5 * np.log(2 * np.pi))
    )
    total = logsumexp(log_weight)
    w = np.exp(log_weight - total)
    found = {}
    for name, x in (("mu", mu), ("sigma", sigma)):
        mean = (w * x).sum()
        found[name] = mean, np.sqrt((w * (x - mean) ** 2).sum())
    model = LogDensity(log_joint, parameters={"mu": real(), "sigma": positive()})
    return known(
        "cauchy-location",
        model,
        mean={k: v[0] for k, v in found.items()},
        sd={k: v[1] for k, v in found.items()},
        tags={"heavy-tailed"},
        how="quadrature",
        log_normaliser=float(total + np.log(u[1] - u[0]) + np.log(t[1] - t[0])),
    )

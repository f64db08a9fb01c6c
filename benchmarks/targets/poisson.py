"""Counts of groups whose log rates vary: two hyperparameters by quadrature, each group's effect by another inside."""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from scipy.special import gammaln as gammaln_np
from scipy.special import logsumexp

from taut.models import LogDensity, positive, real

from .densities import half, normal
from .target import Target, known

COUNTS = np.array([0, 3, 1, 7, 2, 0, 1, 12, 4, 0, 2, 5, 1, 0, 3, 9, 2, 1, 0, 6])


def poisson_effects(observed: np.ndarray = COUNTS) -> Target:
    """y_j ~ Poisson(exp(b_j)), b_j ~ N(mu, tau), mu ~ N(0, 2), tau ~ half-normal(1); centred.

    The inner integrals over b = mu + tau x are sums over a grid of x (the trapezoid rule, exact to rounding here);
    groups with the same count share theirs.
    """

    def log_joint(v):
        return (
            normal(v["mu"], 0.0, 2.0)
            + half(normal(v["tau"]))
            + jnp.sum(normal(v["b"], v["mu"], v["tau"]))
            + jnp.sum(observed * v["b"] - jnp.exp(v["b"]) - gammaln(observed + 1.0))
        )

    counts, which = np.unique(observed, return_inverse=True)
    mu, log_tau, x = np.linspace(-4, 4, 41), np.linspace(-14, 2, 65), np.linspace(-9, 9, 161)
    tau = np.exp(log_tau)
    b = mu[:, None, None] + tau[:, None] * x  # [mu, tau, x]
    base = -np.exp(b) - 0.5 * x**2 - 0.5 * np.log(2 * np.pi) + np.log(x[1] - x[0])
    inner = []
    for count in counts:
        log_f = base + count * b - gammaln_np(count + 1)
        log_I = logsumexp(log_f, axis=-1)
        f = np.exp(log_f - log_I[..., None])
        inner.append((log_I, (f * b).sum(-1), (f * b**2).sum(-1)))
    log_I, first, second = (np.array(part)[which] for part in zip(*inner, strict=True))  # each [J, mu, tau]
    log_weight = (
        log_I.sum(0)
        - 0.5 * (mu[:, None] / 2) ** 2
        - np.log(2 * np.sqrt(2 * np.pi))
        - 0.5 * tau**2
        + np.log(2)
        - 0.5 * np.log(2 * np.pi)
        + log_tau
    )
    total = logsumexp(log_weight)
    w = np.exp(log_weight - total)

    def mean_and_sd(first, second):
        mean = (w * first).sum((-2, -1))
        return mean, np.sqrt((w * second).sum((-2, -1)) - mean**2)

    found = {
        "mu": mean_and_sd(mu[:, None] + 0 * w, mu[:, None] ** 2 + 0 * w),
        "tau": mean_and_sd(tau + 0 * w, tau**2 + 0 * w),
        "b": mean_and_sd(first, second),
    }
    log_normaliser = total + np.log(mu[1] - mu[0]) + np.log(log_tau[1] - log_tau[0])
    model = LogDensity(log_joint, parameters={"mu": real(), "tau": positive(), "b": real(len(observed))})
    return known(
        "poisson-effects",
        model,
        mean={k: v[0] for k, v in found.items()},
        sd={k: v[1] for k, v in found.items()},
        log_normaliser=float(log_normaliser),
        tags={"hierarchy", "skewed"},
        how="nested quadrature",
    )

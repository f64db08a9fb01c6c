"""Normal hierarchies with known measurement errors: given the spread tau all is conjugate, and one integral is left.

With y_j ~ N(theta_j, s_j), theta_j ~ N(mu, tau), mu ~ N(0, m):

    y_j | mu, tau ~ N(mu, sqrt(s_j^2 + tau^2)),
    theta_j | mu, tau, y ~ N((y_j tau^2 + mu s_j^2) / (s_j^2 + tau^2), s_j tau / sqrt(s_j^2 + tau^2)),

and mu | tau, y is normal, too. So every moment is a smooth function of tau, averaged over p(tau|y) on a fine grid of
ln tau (the trapezoid rule is exact to rounding for a smooth integrand that vanishes at both ends).
"""

import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from taut.models import LogDensity, positive, real

from .densities import cauchy, half, normal
from .target import Target, known

SCHOOLS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
PLOTS = np.array([3012.0, 2640.0, 3405.0, 2871.0, 3120.0, 2455.0, 3590.0, 2988.0]), np.full(8, 0.003)


def moments(y, s, m, log_tau_prior, log_tau):
    """(mean, sd, log normaliser) of mu, tau, theta and eta = (theta - mu) / tau; `log_tau` is the grid."""
    tau = np.exp(log_tau)[:, None]
    spread = s**2 + tau**2
    precision = 1 / m**2 + (1 / spread).sum(1)
    mu, v = (y / spread).sum(1) / precision, 1 / precision  # of mu given tau
    # ln p(y|tau), by p(y|mu, tau) p(mu) / p(mu|y, tau) at mu = its mean.
    evidence = (
        np.asarray(-0.5 * (y - mu[:, None]) ** 2 / spread - 0.5 * np.log(2 * np.pi * spread)).sum(1)
        - 0.5 * (mu / m) ** 2
        - np.log(m)
        + 0.5 * np.log(v)
    )
    log_weight = evidence + log_tau_prior(tau[:, 0]) + log_tau  # the last: d tau = tau d ln tau
    log_normaliser = logsumexp(log_weight) + np.log(log_tau[1] - log_tau[0])
    w = np.exp(log_weight - logsumexp(log_weight))

    def over_tau(mean, variance):
        average = w @ mean
        return average, np.sqrt(w @ variance + w @ (mean - average) ** 2)

    pull, mu, v = tau**2 / spread, mu[:, None], v[:, None]
    found = {
        "mu": over_tau(mu[:, 0], v[:, 0]),
        "tau": over_tau(tau[:, 0], 0 * tau[:, 0]),
        "theta": over_tau(pull * y + (1 - pull) * mu, (1 - pull) ** 2 * v + pull * s**2),
        "eta": over_tau(tau * (y - mu) / spread, s**2 / spread + tau**2 / spread**2 * v),
    }
    return found, float(log_normaliser)


def _target(name, model, parts, found, log_normaliser, tags):
    return known(
        name,
        model,
        mean={p: found[p][0] for p in parts},
        sd={p: found[p][1] for p in parts},
        log_normaliser=log_normaliser,
        tags=tags,
        how="conjugate given tau, tau by quadrature",
    )


def eight_schools(centred: bool) -> Target:
    """D. Rubin, Estimation in Parallel Randomized Experiments, 1981; mu ~ N(0, 5), tau ~ half-Cauchy(5)."""
    y, s = SCHOOLS

    def centred_joint(v):
        return (
            normal(v["mu"], 0.0, 5.0)
            + half(cauchy(v["tau"], 5.0))
            + jnp.sum(normal(v["theta"], v["mu"], v["tau"]))
            + jnp.sum(normal(y, v["theta"], s))
        )

    def standardised_joint(v):
        return (
            normal(v["mu"], 0.0, 5.0)
            + half(cauchy(v["tau"], 5.0))
            + jnp.sum(normal(v["eta"]))
            + jnp.sum(normal(y, v["mu"] + v["tau"] * v["eta"], s))
        )

    def prior(tau):
        return np.log(2 / (5 * np.pi)) - np.log1p((tau / 5) ** 2)

    found, log_normaliser = moments(y, s, 5.0, prior, np.linspace(-35, 15, 8001))
    local = "theta" if centred else "eta"
    model = LogDensity(
        centred_joint if centred else standardised_joint, parameters={"mu": real(), "tau": positive(), local: real(8)}
    )
    return _target(
        "eight-schools" if centred else "eight-schools-noncentred",
        model,
        ("mu", "tau", local),
        found,
        log_normaliser,
        {"hierarchy", "funnel"} if centred else {"hierarchy", "skewed"},
    )


def scales() -> Target:
    """Sd of 0.003 beside sd of 120: yields of eight plots, measured to the gram."""
    y, s = PLOTS

    def log_joint(v):
        return (
            normal(v["mu"], 0.0, 1e4)
            + half(normal(v["tau"], 0.0, 1000.0))
            + jnp.sum(normal(y, v["theta"], s))
            + jnp.sum(normal(v["theta"], v["mu"], v["tau"]))
        )

    def prior(tau):
        return np.log(2) - 0.5 * (tau / 1000) ** 2 - np.log(1000 * np.sqrt(2 * np.pi))

    found, log_normaliser = moments(y, s, 1e4, prior, np.linspace(0, 12, 8001))
    model = LogDensity(log_joint, parameters={"mu": real(), "tau": positive(), "theta": real(8)})
    return _target("scales", model, ("mu", "tau", "theta"), found, log_normaliser, {"scales", "hierarchy"})

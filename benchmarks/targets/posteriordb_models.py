"""The models of the posteriors in `../shared/data/posteriordb`, after their description there, with all constants."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, logsumexp

from taut.models import LogDensity, ordered, positive, real, simplex

from .densities import cauchy, gamma, normal


def regression(X, y, beta_prior=None, sigma_prior=None):
    """y ~ N(X beta, sigma); a prior that is None is flat with density 1."""
    X, y = np.asarray(X, float), np.asarray(y, float)

    def log_joint(v):
        prior = 0.0 if beta_prior is None else jnp.sum(beta_prior(v["beta"]))
        prior = prior + (0.0 if sigma_prior is None else sigma_prior(v["sigma"]))
        return prior + jnp.sum(normal(y, X @ v["beta"], v["sigma"]))

    return LogDensity(log_joint, parameters={"beta": real(X.shape[1]), "sigma": positive()})


def _columns(*columns):
    """A design matrix with a column of ones first."""
    columns = [np.asarray(c, float) for c in columns]
    return np.stack([np.ones_like(columns[0]), *columns], 1)


def logearn_height(d):
    """Log earnings on height."""
    return regression(_columns(d["height"]), np.log(d["earn"]))


def kidscore_momiq(d):
    """Test scores of children on the IQ of their mothers."""
    return regression(_columns(d["mom_iq"]), d["kid_score"], sigma_prior=lambda s: cauchy(s, 2.5))


def logmesquite_logvas(d):
    """Log weight of bushes on their log volume, area and shape."""
    diam1, diam2, height = (np.array(d[k]) for k in ("diam1", "diam2", "canopy_height"))
    X = _columns(
        np.log(diam1 * diam2 * height),
        np.log(diam1 * diam2),
        np.log(diam1 / diam2),
        np.log(d["total_height"]),
        np.log(d["density"]),
        d["group"],
    )
    return regression(X, np.log(d["weight"]))


def nes(d):
    """Party identification on a scale from 1 to 7."""
    age = np.array(d["age_discrete"])
    return regression(
        _columns(d["real_ideo"], d["race_adj"], age == 2, age == 3, age == 4, d["educ1"], d["gender"], d["income"]),
        d["partyid7"],
    )


def blr(d):
    """Five columns, no intercept."""
    return regression(d["X"], d["y"], lambda b: normal(b, 0.0, 10.0), lambda s: normal(s, 0.0, 10.0))


def wells_dist(d):
    """Who switched wells, on the distance to the next safe one."""
    X, y = _columns(d["dist"]), np.array(d["switched"], float)

    def log_joint(v):
        eta = X @ v["beta"]
        return jnp.sum(y * eta - jax.nn.softplus(eta))

    return LogDensity(log_joint, parameters={"beta": real(2)})


def gp_regr(d):
    """Gaussian-process regression; the noise's parameter itself, not its square, is on the diagonal."""
    x, y = np.array(d["x"], float), np.array(d["y"], float)
    squares = np.subtract.outer(x, x) ** 2

    def log_joint(v):
        K = v["alpha"] ** 2 * jnp.exp(-0.5 * squares / v["rho"] ** 2) + v["sigma"] * jnp.eye(len(x))
        L = jnp.linalg.cholesky(K)
        r = jax.scipy.linalg.solve_triangular(L, y, lower=True)
        likelihood = -0.5 * r @ r - jnp.sum(jnp.log(jnp.diag(L))) - 0.5 * len(x) * math.log(2 * math.pi)
        return gamma(v["rho"], 25.0, 4.0) + normal(v["alpha"], 0.0, 2.0) + normal(v["sigma"]) + likelihood

    return LogDensity(log_joint, parameters={"rho": positive(), "alpha": positive(), "sigma": positive()})


def hmm_drive_1(d):
    """Two hidden states, summed out by the forward recursion; each starts with weight 1."""
    u, v_ = np.array(d["u"], float), np.array(d["v"], float)
    alpha = np.array(d["alpha"], float)

    def dirichlet(theta, a):
        return gammaln(jnp.sum(a)) - jnp.sum(gammaln(a)) + jnp.sum((a - 1) * jnp.log(theta))

    def log_joint(p):
        emission = normal(u[:, None], p["phi"], d["tau"]) + normal(v_[:, None], p["lambda"], d["rho"])  # [N, 2]
        log_transition = jnp.log(jnp.stack([p["theta1"], p["theta2"]]))

        def step(forward, e):
            return logsumexp(forward[:, None] + log_transition, 0) + e, None

        forward, _ = jax.lax.scan(step, emission[0], emission[1:])
        means = np.array([0.0, 3.0])
        prior = (
            dirichlet(p["theta1"], alpha[0])
            + dirichlet(p["theta2"], alpha[1])
            + jnp.sum(normal(p["phi"], means))
            + jnp.sum(normal(p["lambda"], means))
        )
        return prior + logsumexp(forward)

    return LogDensity(
        log_joint, parameters={"theta1": simplex(2), "theta2": simplex(2), "phi": ordered(2), "lambda": ordered(2)}
    )


def one_comp_mm_elim_abs(d, substeps: int = 8):
    """One compartment, first-order absorption, Michaelis-Menten elimination; a Runge-Kutta solver of fixed steps.

    The absorbed dose is known in closed form, so only the eliminated amount E is integrated:
    C = D/V (1 - exp(-k_a t)) - E, dE/dt = V_m/V C / (K_m + C).
    """
    times, observed = np.array(d["times"], float), np.array(d["C_hat"], float)
    grid = np.concatenate([[float(d["t0"])], times])
    widths = np.diff(grid) / substeps

    def log_joint(v):
        def concentration(t, eliminated):
            return d["D"] / d["V"] * -jnp.expm1(-v["k_a"] * (t - d["t0"])) - eliminated

        def rate(t, eliminated):
            c = concentration(t, eliminated)
            return v["V_m"] / d["V"] * c / (v["K_m"] + c)

        def interval(eliminated, arguments):
            t, h = arguments

            def step(i, e):
                s = t + i * h
                k1 = rate(s, e)
                k2 = rate(s + h / 2, e + h / 2 * k1)
                k3 = rate(s + h / 2, e + h / 2 * k2)
                k4 = rate(s + h, e + h * k3)
                return e + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

            eliminated, _ = jax.lax.scan(lambda e, i: (step(i, e), None), eliminated, jnp.arange(substeps))
            return eliminated, concentration(t + substeps * h, eliminated)

        _, c = jax.lax.scan(interval, jnp.zeros_like(v["k_a"]), (grid[:-1], widths))
        likelihood = jnp.sum(normal(np.log(observed), jnp.log(c), v["sigma"]) - np.log(observed))
        return likelihood + sum(cauchy(v[k]) for k in ("k_a", "K_m", "V_m", "sigma"))

    return LogDensity(log_joint, parameters={k: positive() for k in ("k_a", "K_m", "V_m", "sigma")})


MODELS = {
    f.__name__: f
    for f in (
        logearn_height,
        kidscore_momiq,
        logmesquite_logvas,
        nes,
        blr,
        wells_dist,
        gp_regr,
        hmm_drive_1,
        one_comp_mm_elim_abs,
    )
}

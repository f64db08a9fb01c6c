"""What a regression by formula says of its own rows: replicated data, and each row left out."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.diagnostics.predictive.check import Check
from taut.diagnostics.predictive.checks import predictive_checks
from taut.diagnostics.predictive.left_out import LeftOut, leave_one_out
from taut.diagnostics.predictive.replicated import over_draws, replicate
from taut.results.formula import FormulaFit

NUMBERS = 4_000_000
"""Draws times rows that are held at once."""
REPLICATED, LEFT_OUT, FEWEST = 400, 2000, 40
"""Most draws behind replicated data and behind rows left out, and the fewest of either."""


def checks_of(fit: FormulaFit) -> dict[str, Check]:
    """The posterior predictive checks that the likelihood names."""
    with precision.context(np.dtype("float64")):
        eta, values = _at_draws(fit, REPLICATED)
        return predictive_checks(replicate(fit.model.likelihood, values, eta, fit.data["y"], fit.seed))


def left_out_of(fit: FormulaFit) -> LeftOut:
    """Each row left out, by smoothed importance weights of the answer's draws."""
    likelihood, y = fit.model.likelihood, jax.tree.map(jnp.asarray, fit.data["y"])
    with precision.context(np.dtype("float64")):
        eta, values = _at_draws(fit, LEFT_OUT)
        return leave_one_out(np.asarray(over_draws(likelihood, values, eta, lambda at, eta: at.log_prob(eta, y))))


def _at_draws(fit: FormulaFit, most: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Predictors of the rows, `[S, n]` or `[S, n, m]`, and the likelihood's parameters, at some draws of the answer."""
    z, weights = fit.drawn_answer
    model, data, n = fit.model, fit.data, len(fit.data["X"])
    count = int(np.clip(NUMBERS // (n * max(1, len(model.labels))), FEWEST, most))
    # Systematic: each draw as often as its weight says.
    places = np.searchsorted(np.cumsum(weights), (np.arange(count) + 0.5) / count * weights.sum())
    parts = model.prior.parts(np.asarray(z, float)[np.minimum(places, len(z) - 1)])
    beta, m = parts.beta, len(model.labels)
    eta = np.einsum("smp,np->snm", beta.reshape(count, m, -1), data["X"]) if m else beta @ data["X"].T
    eta = eta + (data["offset"][:, None] if m else data["offset"])
    for u, index, Z in zip(parts.effects, data["index"], data["Z"], strict=True):
        eta = eta + np.einsum("nq,sqn->sn", Z, u[:, :, index])
    return eta, jax.vmap(model.prior.own.values)(jnp.asarray(parts.own)) if model.prior.own.parameters else {}

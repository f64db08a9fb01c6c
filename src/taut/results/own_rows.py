"""What a regression by formula says of its own rows: replicated data, each row left out, and a comparison by these."""

import functools
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.arguments import instance
from taut.diagnostics.predictive.checks import Checks, predictive_checks
from taut.diagnostics.predictive.compare import Compared, compare
from taut.diagnostics.predictive.left_out import LeftOut, leave_one_out, with_fallback
from taut.diagnostics.predictive.replicated import over_draws, replicate
from taut.errors import ArgumentError
from taut.models.mixed import MixedModel
from taut.results.formula_parts import some_rows
from taut.verdict.predictions import PredictionQuality, places, quality

NUMBERS = 2_000_000
"""Draws times rows that are held at once."""
REPLICATED, LEFT_OUT, FEWEST = 400, 2000, 40
"""Most draws behind replicated data and behind rows left out, and the fewest of either."""


class OwnRows:
    """A fit that keeps the rows that it was fitted to, and draws of its answer."""

    data: dict[str, Any]
    weights: Any
    model: Any
    seed: int
    solution: Any
    design: Any
    drawn_answer: Any
    draws_of_answer: Any
    judgement: Any
    said_of_predictions: Any

    @functools.cached_property
    def predictions(self) -> PredictionQuality | None:
        """Whether predictions can be used, where single unknowns cannot; None where nothing was weighed."""
        judged = self.judgement
        if judged is None or self.said_of_predictions is not None:
            return self.said_of_predictions
        rows = some_rows(self.data, places(len(self.data["X"])))
        eta = self.model.predictors(np.asarray(judged.z, float), rows)
        return quality(judged, eta.reshape(len(eta), -1))

    def check(self) -> Checks:
        """Posterior predictive checks: the data beside data that the fit would have given, as suits the likelihood.

        Returns:
            Bars of counts and levels, calibration of probabilities, quantile residuals, quantiles, and statistics, by
            name; its text has a sentence for each.
        """
        with precision.context(np.dtype("float64")):
            eta, values = self._at_draws(REPLICATED)
            return Checks(predictive_checks(replicate(self.model.likelihood, values, eta, self.data["y"], self.seed)))

    @functools.cached_property
    def _left_out(self) -> LeftOut:
        return leave_one_out(self._log_likelihood())

    def _log_likelihood(self) -> np.ndarray:
        """log p of each row at draws, `[S, n]`."""
        likelihood = self.model.likelihood
        with precision.context(np.dtype("float64")):
            y = jax.tree.map(np.asarray, self.data["y"])
            eta, values = self._at_draws(LEFT_OUT)
            return np.asarray(over_draws(likelihood, values, eta, lambda at, eta: at.log_prob(eta, y)))

    def loo(self, exact: bool = False) -> LeftOut:
        r"""Leave-one-out: how well each row is predicted by the others, \(\log p(y_i|y_{-i})\) in nats.

        Args:
            exact: take each row out of a nested fit, and where it matters fit anew without it: within 0.01 nats of
                refits, in seconds. By default importance weights of the answer's draws say it.

        Raises:
            ArgumentError: `exact` for a fit that was loaded or is not nested.
        """
        if not exact:
            return self._left_out
        if self.solution is None or self.weights is not None:
            raise ArgumentError("loo(exact=True) is for a nested fit just made, without row weights; leave exact out.")
        from taut.algorithms.nested.left_out import rows_left_out

        n, rows = len(self.data["X"]), rows_left_out(self.solution)
        return with_fallback(rows.log_density[:n], rows.good[:n], self._left_out)

    def compare(self, other: "OwnRows") -> Compared:
        """This fit and another of the same rows, by leave-one-out: the difference in nats and its standard error.

        Args:
            other: a fit of the same rows and response.

        Raises:
            ArgumentError: another kind of fit, or other rows.
        """
        instance("other", other, OwnRows, "give a fit of a regression by formula")
        fits = dict(zip(_names(self.model, other.model), (self, other), strict=True))
        return compare({k: fit.loo().elpd for k, fit in fits.items()}, {k: _fingerprint(f) for k, f in fits.items()})

    def _at_draws(self, most: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Predictors of the rows, `[S, n]` or `[S, n, m]`, and the likelihood's parameters, at draws of the answer."""
        n = len(self.data["X"])
        z = self._some_draws(int(np.clip(NUMBERS // (n * max(1, len(self.model.labels))), FEWEST, most)))
        return self.model.predictors(z, self.data), own_values(self.model, z)

    def _some_draws(self, count: int) -> np.ndarray:
        """Draws of the answer with equal weights: systematic, each as often as its weight says."""
        z, weights = self.drawn_answer
        places = np.searchsorted(np.cumsum(weights), (np.arange(count) + 0.5) / count * weights.sum())
        return np.asarray(z, float)[np.minimum(places, len(z) - 1)]

    def of_rows(self, draws: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
        """Groups of ArviZ: at the draws that `sample` gives, log p of each row and a new response for it."""
        name = self.design.response.plain_name
        z = np.asarray(self.draws_of_answer(draws, seed)[0], float)
        with precision.context(np.dtype("float64")):
            y = jax.tree.map(np.asarray, self.data["y"])
            eta, values = self.model.predictors(z, self.data), own_values(self.model, z)
            replicated = replicate(self.model.likelihood, values, eta, self.data["y"], seed)
            pointwise = over_draws(self.model.likelihood, values, eta, lambda at, eta: at.log_prob(eta, y))
        return {
            "posterior_predictive": {name: replicated.rows},
            "log_likelihood": {name: np.asarray(pointwise)},
            "observed_data": {name: replicated.observed},
        }


def own_values(model: MixedModel, z: np.ndarray) -> dict[str, Any]:
    """The likelihood's parameters at draws of z, by name."""
    own = model.prior.own
    return jax.vmap(own.values)(jnp.asarray(model.prior.parts(z).own)) if own.parameters else {}


def _names(first: MixedModel, second: MixedModel) -> tuple[str, str]:
    """What the two are called: by their formulas, with the likelihood where that is what differs."""
    names = [f"'{model.formula}'" for model in (first, second)]
    if names[0] == names[1]:
        names = [f"{name} ({model.likelihood.name})" for name, model in zip(names, (first, second), strict=True)]
    return (names[0], names[1]) if names[0] != names[1] else (f"{names[0]} (this)", f"{names[1]} (the other)")


def _fingerprint(fit: Any) -> int:
    """Of the response's values."""
    parts = fit.data["y"] if isinstance(fit.data["y"], tuple) else (fit.data["y"],)
    return zlib.crc32(b"".join(np.ascontiguousarray(part, float).tobytes() for part in parts))

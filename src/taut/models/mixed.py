"""A regression by formula on its data: linear predictors with effects of groups, under any likelihood."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taut.core.capabilities import Capability
from taut.core.threads import threads_for
from taut.models.base import Model
from taut.models.hierarchy import Hierarchy, likelihood_with
from taut.models.likelihoods import Likelihood

FIRST_LOG_SD = -0.7
"""Where the search for a group's log sd starts, in units of the response."""


class MixedModel(Model):
    r"""p(y given z) of a regression by formula: \(\eta = o + X\beta + \sum_k Z_k u_k[g_k]\), y ~ p(y given eta, phi).

    Rows are a dictionary: "X" `[n, P]`, "offset" `[n]`, "y" an array `[n]` or several, and for each group term "index"
    `[n]` (the level of each row) and "Z" `[n, q]`. With several predictors a row (a softmax), beta is `[m, P]`.

    Attributes:
        prior: Of z, see `Hierarchy`.
        likelihood: p(y given eta), with the values of its parameters where the search starts.
        formula: Its text.
        columns: Names of the columns of X.
        labels: Names of the predictors of a row, where there are several.
    """

    kind: ClassVar[str] = "formula"
    smooth: ClassVar[bool] = True
    prior: Hierarchy
    likelihood: Likelihood
    formula: str = eqx.field(static=True)
    columns: tuple[str, ...] = eqx.field(static=True)
    labels: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """With the likelihood and, where there are groups, these."""
        return f"{self.likelihood.name} regression" + (" with groups" if self.prior.groups else "")

    @property
    def offers(self):
        """Differentiable; given its scales Gaussian, where coefficients are so and a row has one predictor."""
        nested = self.prior.gaussian and not self.labels
        own = {Capability.DIFFERENTIABLE} | ({Capability.GAUSSIAN_GIVEN_SCALES} if nested else set())
        return frozenset(own) | self.prior.offers

    @property
    def spread(self) -> float:
        """Unit of the response."""
        return self.prior.own.spread

    @property
    def nested(self) -> bool:
        """Whether there are scales: sds of groups, or parameters of the likelihood."""
        return self.prior.dim > self.prior.dim_w

    def dim(self, rows):
        """Length of z."""
        return self.prior.dim

    def start(self, rows):
        """Coefficients at the means of their priors, small sds, and the likelihood's own start."""
        z = np.zeros(self.prior.dim)
        z[: len(self.prior.coefficients)] = [_location(prior) for prior in self.prior.coefficients]
        at = self.prior.dim_w
        for group in self.prior.groups:
            z[at : at + len(group.terms)] = FIRST_LOG_SD + np.log(self.spread)
            at += len(group.names)
        z[at:] = np.concatenate([self.prior.own.initial(), self.prior.further])
        return z

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """The name of each coefficient, as in beta."""
        if not self.labels:
            return self.columns
        return tuple(f"{label}:{column}" for label in self.labels for column in self.columns)

    @property
    def reported(self) -> np.ndarray:
        """Which coefficients are shown: all but an intercept whose place the thresholds take."""
        hidden = not self.likelihood.intercept
        return np.arange(len(self.prior.coefficients)) >= int(hidden)

    @property
    def order(self):
        """Coefficients, own parameters, scales."""
        shown = [name for name, kept in zip(self.coefficient_names, self.reported, strict=True) if kept]
        scales = [name for group in self.prior.groups for name in group.names]
        return (*shown, *self.prior.own.names, *scales)

    @property
    def one_signed(self):
        """The sds and the positive parameters."""
        own = {p.name for p in self.prior.own.parameters if p.support.kind == "positive"}
        sds = {name for group in self.prior.groups for name in group.names[: len(group.terms)]}
        return frozenset(own | sds)

    def predictor(self, z: Any, rows: Any) -> Any:
        """eta of each row, `[R]` or `[R, m]`."""
        parts = self.prior.parts(z)
        X, m = rows["X"], max(1, len(self.labels))
        eta = X @ parts.beta.reshape(m, -1).T if self.labels else X @ parts.beta
        eta = eta + (rows["offset"][:, None] if self.labels else rows["offset"])
        for u, index, Z in zip(parts.effects, rows["index"], rows["Z"], strict=True):
            eta = eta + jnp.sum(Z * u.T[index], axis=-1)
        return eta

    def predictors(self, z: Float[np.ndarray, "S D"], rows: Any) -> Float[np.ndarray, "S R ..."]:
        """eta of each row at draws, on the host."""
        parts, m = self.prior.parts(z), len(self.labels)
        X, offset = rows["X"], rows["offset"]
        if m:
            return np.einsum("smp,np->snm", parts.beta.reshape(len(z), m, -1), X) + offset[:, None]
        with threads_for(X.shape[1]):
            eta = parts.beta @ X.T + offset
        for u, index, Z in zip(parts.effects, rows["index"], rows["Z"], strict=True):
            for q in range(Z.shape[1]):
                part = np.take(u[:, q], index, axis=1)
                eta += part if np.all(Z[:, q] == 1) else part * Z[:, q]
        return eta

    def log_likelihood(self, z, rows):
        """log p(y_r given z), in nats."""
        likelihood = likelihood_with(self.prior.own, self.likelihood, self.prior.parts(z).own)
        return likelihood.log_prob(self.predictor(z, rows), rows["y"])

    def constrain(self, z):
        """Coefficients, own parameters and scales by name, and the effects of each group term as `[G, q]`."""
        parts = self.prior.parts(z)
        found = dict(zip(self.coefficient_names, parts.beta, strict=True))
        found |= {f"own.{name}": value for name, value in self.prior.own.values(parts.own).items()}
        found |= self.prior.scales(z)
        return found | {f"u({k}:{group.name})": u.T for k, (group, u) in enumerate(self._effects(parts))}

    def _effects(self, parts: Any) -> Any:
        return zip(self.prior.groups, parts.effects, strict=True)

    def named(self, z: Float[np.ndarray, "S D"]) -> dict[str, np.ndarray]:
        """Draws of the coefficients, own parameters and scales by name, `[S]` each, on the host."""
        parts = self.prior.parts(z)
        shown = self.reported
        names = [name for name, kept in zip(self.coefficient_names, shown, strict=True) if kept]
        found = dict(zip(names, parts.beta[:, shown].T, strict=True))
        return found | self.prior.own.shown(parts.own, parts.beta) | self.prior.scales(z)

    def to_columns(self, z: Float[np.ndarray, "S D"]) -> tuple[tuple[str, ...], Float[np.ndarray, "S M"]]:
        """Draws of everything that is unknown as named columns."""
        named = self.named(np.asarray(z, float))
        names, columns = list(named), list(named.values())
        for group, u in zip(self.prior.groups, self.effects(z), strict=True):
            names += [f"{group.name}[{level}]:{term}" for term in group.terms for level in group.levels]
            columns += list(u.reshape(len(z), -1).T)
        return tuple(names), np.stack(columns, axis=1)

    def effects(self, z: Float[np.ndarray, "S D"]) -> tuple[Float[np.ndarray, "S q G"], ...]:
        """Draws of the effects of each group term."""
        return self.prior.parts(z).effects


def _location(prior: Any) -> float:
    return dict(prior.numbers).get("loc", 0.0)

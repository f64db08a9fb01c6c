"""The parameters of a likelihood itself (a residual sd, thresholds) as part of a regression's unknowns."""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from taut.models.likelihoods import Likelihood
from taut.models.likelihoods.parameter import Parameter
from taut.models.stated import Stated


class OwnParameters(eqx.Module):
    """The parameters of a likelihood, unconstrained, one after another.

    Attributes:
        likelihood: The likelihood, with the values where the search starts.
        spread: Unit of the response, for priors that scale with it.
        given: Priors by name in place of the stated ones.
    """

    likelihood: Likelihood
    spread: float = eqx.field(static=True, default=1.0)
    given: tuple[tuple[str, Stated], ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Each with its prior."""
        given = dict(self.given)
        return tuple(
            dataclasses.replace(p, prior=given[p.name].distribution) if p.name in given else p
            for p in self.likelihood.parameters(self.spread)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all numbers."""
        return tuple(name for p in self.parameters for name in p.names)

    @property
    def size(self) -> int:
        """How many unconstrained numbers there are."""
        return sum(math.prod(p.support.free_shape) for p in self.parameters)

    def initial(self) -> np.ndarray:
        """Where the search starts, unconstrained, `[L]`."""
        parts = [p.support.transform.inv(p.shown(getattr(self.likelihood, p.field))) for p in self.parameters]
        return np.concatenate([np.zeros(0), *(np.ravel(np.asarray(x, float)) for x in parts)])

    def _split(self, free: Any) -> list[tuple[Parameter, Any]]:
        out, at = [], 0
        for p in self.parameters:
            size = math.prod(p.support.free_shape)
            out.append((p, free[at : at + size].reshape(p.support.free_shape)))
            at += size
        return out

    def values(self, free: Float[Array, " L"]) -> dict[str, Any]:
        """The values by name, as `Likelihood.with_parameters` takes them."""
        return {p.name: p.from_free(part) for p, part in self._split(free)}

    def log_prior(self, free: Float[Array, " L"], beta: Float[Array, " P"]) -> Float[Array, ""]:
        """Log density over the unconstrained numbers, in nats.

        Args:
            free: The numbers.
            beta: The coefficients, of which the first takes part where the likelihood brings its own intercepts.
        """
        return sum((p.log_prior_free(part) for p, part in self._split(free)), jnp.zeros(()))

    def draw(self, key: Any, n: int) -> Float[Array, "n L"]:
        """Draws from the prior, unconstrained."""
        keys = jax.random.split(key, max(1, len(self.parameters)))
        parts = [
            jax.vmap(p.support.transform.inv)(p.prior.sample(k, (n, *p.support.shape))).reshape(n, -1)
            for p, k in zip(self.parameters, keys, strict=False)
        ]
        return jnp.concatenate([jnp.zeros((n, 0)), *parts], -1)

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the parameters that stand beside the coefficients, on the scale of the predictor: none here."""
        return ()

    def at_levels(self, free: Float[np.ndarray, "S L"]) -> Float[np.ndarray, "S K"]:
        """These parameters but for the intercept, which is to be taken off."""
        return np.zeros((len(free), 0))

    def joined(self, beta: Any, own: Any) -> tuple[Any, Any]:
        """Draws of coefficients and of own parameters, where the two depend on each other; as they are here."""
        return beta, own

    def shown(self, free: Float[np.ndarray, "S L"], beta: Float[np.ndarray, "S P"]) -> dict[str, np.ndarray]:
        """Draws of the values by name, `[S]` each."""
        found: dict[str, np.ndarray] = {}
        at = 0
        for p in self.parameters:
            size = math.prod(p.support.free_shape)
            part = free[:, at : at + size]
            values = np.exp(part) if p.support.kind == "positive" else np.asarray(jax.vmap(p.from_free)(part))
            found |= dict(zip(p.names, values.reshape(len(free), -1).T, strict=True))
            at += size
        return found


class Thresholds(OwnParameters):
    r"""The thresholds of a likelihood without an intercept: \(c_k = s_k - b\), with \(s_1 = 0\) and log gaps.

    b is the first coefficient, so that P(y <= k) = sigmoid(s_k - eta) with an intercept in eta. The prior of the
    ordered c is that of independent normal numbers in order: (K - 1)! prod_k N(c_k), of which the factor of c_1 is b's
    own.
    """

    @property
    def _prior(self) -> Any:
        return self.parameters[0].prior

    @property
    def size(self):
        """One log gap fewer than thresholds."""
        return len(self.names) - 1

    def initial(self):
        """The gaps of the likelihood's thresholds."""
        return np.log(np.diff(np.asarray(self.likelihood.thresholds, float)))  # pyright: ignore[reportAttributeAccessIssue]

    def values(self, free):
        """The thresholds from 0."""
        return {self.parameters[0].name: jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.exp(free))])}

    def log_prior(self, free, beta):
        """That of all thresholds but the first, and the Jacobian of the logarithms."""
        c = jnp.cumsum(jnp.exp(free)) - beta[0]
        return jnp.sum(self._prior.log_prob(c)) + jnp.sum(free) + gammaln(len(self.names) + 1.0)

    def draw(self, key, n):
        """Sorted draws: the first threshold, then the logarithms of the gaps."""
        c = jnp.sort(self._prior.sample(key, (n, len(self.names))), axis=-1)
        return jnp.concatenate([c[:, :1], jnp.log(jnp.diff(c))], -1)

    @property
    def levels(self):
        """The thresholds."""
        return self.names

    def at_levels(self, free):
        """From 0."""
        return np.pad(np.cumsum(np.exp(free), axis=1), ((0, 0), (1, 0)))

    def joined(self, beta, own):
        """The first threshold is minus the intercept."""
        return beta.at[:, 0].set(-own[:, 0]), own[:, 1:]

    def shown(self, free, beta):
        """The thresholds themselves."""
        return dict(zip(self.names, (self.at_levels(free) - beta[:, :1]).T, strict=True))


def own_parameters(
    likelihood: Likelihood, spread: float = 1.0, given: tuple[tuple[str, Stated], ...] = ()
) -> OwnParameters:
    """The parameters of a likelihood; one without an intercept has thresholds."""
    return (OwnParameters if likelihood.intercept else Thresholds)(likelihood, spread, given)

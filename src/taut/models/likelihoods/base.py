"""What every likelihood is: p(y|eta) of an observation given its predictor, of a table's row or a picture's element."""

import abc
import dataclasses
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.names import unknown
from taut.errors import ArgumentError
from taut.models.likelihoods.moments import Moments, expectation, expected_log_prob
from taut.models.likelihoods.parameter import Parameter
from taut.models.likelihoods.quadrature import average, moments_of

LOGISTIC_VARIANCE = float(np.pi**2 / 3)


class Likelihood(eqx.Module):
    """p(y|eta): what is observed, given a predictor. Everything is elementwise.

    Parameters of its own (a residual sd, a dispersion) are leaves: numbers are fixed, arrays move with the decoder, and
    `with_parameters` puts values in their place, traced ones too.

    Attributes:
        name: What a person calls it.
        aliases: Other names.
        outputs: Predictors for each element, along the last axis of eta where there are more than one.
        scale: Name of the scale of the predictor, for tables and figures.
        link: Of the mean: "identity", "log" (effects are ratios), "logit" (effects are odds ratios).
        ratio: What e to the power of a coefficient is called; "" where it is nothing to speak of.
        target: How a column becomes y, if a regression can use it: "numbers", "labels" (two, as 0 and 1), "any labels"
            or "ordered labels" (as 0, 1, ...).
        parts: Names of the columns that make up y; of more than one, y is a tuple of as many arrays.
        wants: The values that it is for, in words.
        examples: Whether a decoder can have it by its name alone.
        intercept: Whether a linear predictor needs an intercept of its own.
        latent_variance: Variance of the noise of a latent number whose thresholds give y, if it has such a number.
        discrete: Whether y is a whole number, so that its distribution function jumps there.
        log_concave: Whether log p(y|eta) is concave in eta for every y.
        checks: Posterior predictive checks that suit it, by name (`diagnostics/predictive/checks.py`).
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[int] = 1
    scale: ClassVar[str] = "predictor"
    link: ClassVar[str] = "identity"
    ratio: ClassVar[str] = ""
    target: ClassVar[str | None] = None
    parts: ClassVar[tuple[str, ...]] = ("y",)
    wants: ClassVar[str] = "numbers"
    examples: ClassVar[bool] = False
    intercept: ClassVar[bool] = True
    latent_variance: ClassVar[float | None] = None
    discrete: ClassVar[bool] = False
    log_concave: ClassVar[bool] = False
    checks: ClassVar[tuple[str, ...]] = ("quantiles", "residuals", "statistics")

    @property
    def in_units_of_y(self) -> bool:
        """Whether the predictor is in the unit of y, so that priors scale with the spread of y."""
        return self.link == "identity" and self.target == "numbers"

    @property
    def offers(self) -> AbstractSet[Capability]:
        """Smooth in the predictor, with exact expectations."""
        return frozenset({Capability.DIFFERENTIABLE, Capability.CLOSED_LIKELIHOOD})

    # What y is, given the predictor.

    @abc.abstractmethod
    def log_prob(self, eta: Float[Array, "..."], y: Any) -> Float[Array, "..."]:
        """log p(y|eta) of each element, in nats."""

    @abc.abstractmethod
    def mean(self, eta: Float[Array, "..."], known: Any = None) -> Float[Array, "..."]:
        """E[y|eta].

        Args:
            eta: Predictors.
            known: What is known of y before it is seen, as `known` gives it: the trials of a binomial.
        """

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, eta: Float[Array, "..."], known: Any = None) -> Float[Array, "..."]:
        """Draws of y: of its first part, where it has more."""

    def sd(self, eta: Float[Array, "..."], known: Any = None) -> Float[Array, "..."]:
        """Standard deviation of y given eta; infinite or NaN where it has none."""
        raise ArgumentError(f"The {self.name} likelihood has no standard deviation; give {type(self).__name__} an sd.")

    def cdf(self, eta: Any, y: Any) -> np.ndarray:
        """P(Y <= y|eta), on the host, in double precision."""
        raise ArgumentError(f"The {self.name} likelihood has no distribution function.")

    def cdf_around(self, eta: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """P(Y < y|eta) and P(Y <= y|eta): what is known of the place of an observation in its distribution."""
        first = np.asarray(y[0] if isinstance(y, tuple) else y, float)
        at = self.cdf(eta, y)
        return (self.cdf(eta, (first - 1, *y[1:]) if isinstance(y, tuple) else first - 1) if self.discrete else at), at

    def residual_variance(self, eta: Float[Array, "..."], spread: Float[Array, "..."]) -> Float[Array, "..."] | None:
        """Variance of y given eta on the scale of eta, for shares of variance; None where there is no clear one.

        Args:
            eta: Predictors of the average row.
            spread: Variance of the predictors around them.

        Source: S. Nakagawa, P. C. D. Johnson and H. Schielzeth, The coefficient of determination R^2 and intra-class
        correlation coefficient from generalized linear mixed-effects models revisited and expanded, 2017.
        """
        return self.sd(eta) ** 2 if self.latent_variance is None else jnp.full(jnp.shape(eta), self.latent_variance)

    def quantile(self, eta: Any, p: Any, known: Any = None) -> np.ndarray:
        """The smallest y with P(Y <= y|eta) >= p, on the host, in double precision."""
        raise ArgumentError(f"The {self.name} likelihood has no quantiles.")

    def known(self, y: Any) -> Any:
        """What of y is known before it is seen; None here."""
        return None

    def observed(self, drawn: Any, known: Any = None) -> Any:
        """Draws as y: with the other parts that belong to it."""
        return drawn

    # Under a Gaussian predictor.

    def moments(self, m: Float[Array, "..."], v: Float[Array, "..."], y: Any) -> Moments:
        """The formula behind `expectation`: here quadrature, see `quadrature.moments_of` for its error."""
        given = jax.tree.map(lambda part: jnp.asarray(part)[..., None], y)  # against the nodes, along a last axis
        return Moments(*moments_of(lambda eta: self.log_prob(eta, given), m, v))

    def expectation(self, m: Float[Array, "..."], v: Float[Array, "..."], y: Any) -> Moments:
        """E log p(y|eta), its slope and curvature for eta ~ N(m, v), with exact derivatives."""
        return Moments(*expectation(self, m, v, y))

    def expected_log_prob(self, m: Float[Array, "..."], v: Float[Array, "..."], y: Any) -> Float[Array, "..."]:
        """The value of `expectation` alone."""
        return expected_log_prob(self, m, v, y)

    def response(self, m: Any, v: Any, known: Any = None) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Mean and sd of E[y|eta] for eta ~ N(m, v): what a posterior of the predictor says of the mean."""
        given = jax.tree.map(lambda part: jnp.asarray(part)[..., None], known)
        mean = average(lambda eta: self.mean(eta, given), m, v)
        square = average(lambda eta: (self.mean(eta, given) - mean[..., None]) ** 2, m, v)
        return mean, jnp.sqrt(square)

    # Parameters of its own.

    def parameters(self, spread: float = 1.0) -> tuple[Parameter, ...]:
        """Unknowns of the likelihood itself, with their stated priors.

        Args:
            spread: Population standard deviation of y, which is the unit of a residual one.
        """
        return ()

    @property
    def values(self) -> dict[str, Any]:
        """The parameters' values, by name."""
        return {p.name: p.shown(getattr(self, p.field)) for p in self.parameters()}

    def with_parameters(self, values: Mapping[str, Any]) -> "Likelihood":
        """This likelihood with other values of its parameters, traced ones too.

        Raises:
            ArgumentError: A name that is none of its parameters.
        """
        own = {p.name: p for p in self.parameters()}
        for name in values:
            if name not in own:
                raise ArgumentError(f"parameter={unknown(name, own) if own else f'{self.name} has none of its own.'}")
        return _replaced(self, {own[name].field: own[name].kept(value) for name, value in values.items()})

    # Under a decoder.

    def predictors(self, output: Float[Array, " N"]) -> Float[Array, "..."]:
        """A decoder's flat output as the predictors of the elements."""
        return output if self.outputs == 1 else output.reshape(-1, self.outputs)

    @property
    def moves(self) -> bool:
        """Whether a parameter of its own is learned with the decoder."""
        return bool(jax.tree.leaves(eqx.filter(self, _is_learned)))

    @property
    def element_sd(self) -> float | None:
        """Standard deviation of an element, the same for all; None where the likelihood has no such number."""
        return None

    # Data.

    def check(self, y: Any) -> None:
        """Refuse data outside the likelihood's support, with the remedy.

        Raises:
            DataError: naming the first offending value and its row.
        """


def _is_learned(leaf: Any) -> bool:
    return eqx.is_inexact_array(leaf) or (isinstance(leaf, np.ndarray) and np.issubdtype(leaf.dtype, np.inexact))


def _replaced(part: Any, values: Mapping[str, Any]) -> Any:
    """A copy with other values of some fields, as JAX rebuilds a pytree."""
    new = object.__new__(type(part))
    for field in dataclasses.fields(part):
        object.__setattr__(new, field.name, values.get(field.name, getattr(part, field.name)))
    return new

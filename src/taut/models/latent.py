"""Latent-variable models: every example has a z of its own."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.core.names import brief, find, unknown
from taut.errors import ArgumentError
from taut.models.base import Model
from taut.models.given_prior import as_prior
from taut.models.likelihoods import LIKELIHOODS, Likelihood
from taut.models.prior import Normal, Prior
from taut.networks.flax import as_network
from taut.networks.output import output_of, sizes


def as_likelihood(value: Any) -> Likelihood:
    """A likelihood as it is, or what a name or a class stands for.

    Raises:
        ArgumentError: Anything else, with the names.

    Example:
        >>> as_likelihood("Continuous Bernoulli").name
        'continuous-bernoulli'
    """
    if isinstance(value, Likelihood):
        if len(value.parts) > 1:
            raise ArgumentError(
                f"likelihood={value.name}: its data are {' and '.join(value.parts)}, and a decoder's examples are one "
                f"array; the {value.name} likelihood is for regressions."
            )
        return value
    if isinstance(value, type) and issubclass(value, Likelihood):
        return as_likelihood(value())
    name = find(value, LIKELIHOODS)
    if name is None:
        raise ArgumentError(f"likelihood={unknown(value, LIKELIHOODS)}; or an instance of a Likelihood.")
    return LIKELIHOODS[name]()


class LatentVariableModel(Model):
    r"""A generative model with a latent vector for each example: a variational autoencoder's half that makes the data.

    .. math:: z \sim p(z), \qquad x \sim p_\theta(x|z)

    Attributes:
        decoder: any callable pytree (Equinox, Flax's linen or nnx, your own) from z `[latent]` to the likelihood's
            parameters, one example at a time; its floating leaves are learned.
        likelihood: of an example given the decoder's output, or its name ("bernoulli", "continuous-bernoulli",
            "relaxed", "gaussian", "categorical", "poisson").
        latent: length of z.
        prior: of z; Normal(0, 1) by default, `LearnedNormal` moves with the decoder, and a `numpyro.distributions`
            distribution serves as well.

    Nats are per example: sums over its elements, averages over examples.

    Example:
        >>> model = LatentVariableModel(lambda z: jax.numpy.zeros(4), likelihood="bernoulli", latent=2)
        >>> round(float(model.log_likelihood(jax.numpy.zeros(2), jax.numpy.ones((1, 4)))[0]), 4)
        -2.7726

    Source: D. Kingma and M. Welling, Auto-Encoding Variational Bayes, 2014.
    """

    name: ClassVar[str] = "latent variable model"
    kind: ClassVar[str] = "latent"
    local: ClassVar[bool] = True
    dtype: ClassVar[str] = "float32"
    batch_size: ClassVar[int | None] = 128
    learning_rate: ClassVar[float | None] = 1e-3
    decoder: Callable
    likelihood: Likelihood
    latent: int = eqx.field(static=True)
    prior: Prior

    def __init__(
        self,
        decoder: Callable,
        likelihood: str | Likelihood = "bernoulli",
        latent: int = 20,
        prior: Prior | None = None,
    ):
        latent = plain(latent)
        if not isinstance(latent, int) or isinstance(latent, bool) or latent < 1:
            raise ArgumentError(f"latent={brief(latent)}: the length of z, a positive whole number, is needed.")
        self.decoder = as_network("decoder", decoder, np.zeros(latent))
        self.likelihood, self.latent = as_likelihood(likelihood), latent
        self.prior = Normal(0.0, 1.0) if prior is None else as_prior(prior)

    @property
    def offers(self):
        """Differentiable in z; the KL is closed if the prior's expectation is."""
        return frozenset({Capability.DIFFERENTIABLE}) | self.prior.offers

    def dim(self, rows: Any) -> int:
        """Length of z."""
        return self.latent

    def learned(self):
        """The decoder, the likelihood's own parameters, and a learned prior."""
        return ("decoder", "likelihood", *(("prior",) if self.prior.learned else ()))

    def log_likelihood(self, z: Float[Array, " D"], rows: Float[Array, "R ..."]) -> Float[Array, " R"]:
        """log p(x_r|z) of each row, in nats per example."""
        eta = self.predictors(z)
        if rows.shape[0] == 1:  # one example for each z: an axis of length one would cost time
            return jnp.sum(self.likelihood.log_prob(eta, rows[0].ravel()))[None]
        return jax.vmap(lambda x: jnp.sum(self.likelihood.log_prob(eta, x.ravel())))(rows)

    def predictors(self, z: Float[Array, " D"]) -> Float[Array, "..."]:
        """The decoder's output as the predictors of an example's elements, flat."""
        return self.likelihood.predictors(self.decoder(z).ravel())

    def check_examples(self, examples):
        """Refuse data or a decoder that do not fit, before training.

        Raises:
            DataError: values outside the likelihood's support.
            ArgumentError: a decoder whose output has the wrong size.
        """
        self.likelihood.check(examples)
        self.prior.check_size(self.latent)
        size = int(np.prod(examples.shape[1:]))
        seen = output_of("decoder", self.decoder, (self.latent,), f"a z of length {self.latent}")
        want = size * self.likelihood.outputs
        if not hasattr(seen, "shape") or int(np.prod(seen.shape)) != want:
            raise ArgumentError(
                f"The decoder gives {sizes(seen)}; the {self.likelihood.name} likelihood of an example of shape "
                f"{examples.shape[1:]} needs one array of {want} numbers."
            )

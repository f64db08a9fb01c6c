"""A normalising flow of FlowJAX as a family: the shape is learned by networks, at the price of a long training."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.trees import cast, is_float_array
from taut.core.triangular import solve_lower
from taut.errors import ArgumentError
from taut.families.base import Distribution
from taut.families.full_rank import FullRank


class Flow(Distribution):
    """A Gaussian frame around a bijection of standard normal noise: x = m + L f(noise).

    Needs FlowJAX: `pip install "taut[flows]"`. Train it by the stochastic algorithm with many draws a step.

    Attributes:
        bijection: f, a bijection of FlowJAX over `[D]`.
        frame: The Gaussian with mean m and factor L.

    Example:
        >>> fit = taut.fit(model, family=Flow)  # doctest: +SKIP

    Source: L. Dinh, J. Sohl-Dickstein, S. Bengio, Density Estimation using Real NVP, 2017; A. Agrawal and J. Domke,
    Disentangling Impact of Capacity, Objective, Batchsize, Estimators, and Step-size on Flow VI, 2024.
    """

    name: ClassVar[str] = "flow"
    bijection: Any
    frame: FullRank

    @classmethod
    def around(cls, mean, sd=1.0, factor=None, layers: int = 8, width: int = 50, seed: int = 0) -> "Flow":
        """A coupling flow that starts as the Gaussian N(mean, factor factor').

        Args:
            mean: `[D]`, D at least 2.
            sd: a number or `[D]`, where no factor is given.
            factor: `[D, D]`, any square root of the covariance.
            layers: Number of coupling layers, each with one network.
            width: Number of hidden units of each network.
            seed: Seed of the networks' start.

        Raises:
            ArgumentError: FlowJAX is not installed, or D is 1.
        """
        try:
            from flowjax.distributions import Normal  # pyright: ignore[reportMissingImports]
            from flowjax.flows import coupling_flow  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ArgumentError(
                'The flow family needs FlowJAX, which is not installed: pip install "taut[flows]". The sinh-arcsinh '
                "family bends a Gaussian without it."
            ) from error
        mean = np.asarray(mean, float)
        if mean.size < 2:
            raise ArgumentError(
                "A coupling flow bends one coordinate by another, and there is only one here; give "
                "family=SinhArcsinh, which bends that one."
            )
        factor = np.diag(np.broadcast_to(sd, mean.shape)).astype(float) if factor is None else np.asarray(factor, float)
        base = Normal(jnp.zeros(mean.size))
        flow = coupling_flow(jax.random.key(seed), base_dist=base, flow_layers=layers, nn_width=width, invert=False)
        return cls(cast(_from_identity(flow.bijection), float), FullRank.of(mean, factor))

    @property
    def dim(self) -> int:
        """Length of x."""
        return self.frame.dim

    @property
    def offers(self):
        """Draws that follow the parameters, one normal number a coordinate."""
        return frozenset({Capability.REPARAMETRISED, Capability.UNIFORM_NOISE, Capability.NORMAL_NOISE})

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Standard normal numbers, one a coordinate."""
        return self.frame.noise(key)

    def noise_at(self, uniform: Float[Array, " D"]) -> Float[Array, " D"]:
        """The normal quantiles of numbers in (0, 1)."""
        return self.frame.noise_at(uniform)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw that `noise` gives."""
        return self.frame.sample(self._map().transform_and_log_det(noise)[0])

    def sample_and_log_prob(self, noise: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The draw and its log density, by the Jacobian of the way there."""
        y, log_det = self._map().transform_and_log_det(noise)
        return self.frame.sample(y), self._density(noise, -log_det)

    def log_prob(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(x), in nats, by the way back."""
        y = solve_lower(self.frame.factor, x - self.frame.mean)
        return self._density(*self._map().inverse_and_log_det(y))

    def _map(self):
        import paramax  # pyright: ignore[reportMissingImports]

        return paramax.unwrap(jax.tree.map(lambda x: jnp.asarray(x) if is_float_array(x) else x, self.bijection))

    def _density(self, noise, log_det_back):
        return jnp.sum(-0.5 * noise**2 - 0.5 * LOG_2PI - self.frame.log_diagonal) + log_det_back


def _from_identity(bijection: Any) -> Any:
    """The bijection with the last layer of every network zero, so that it only reorders coordinates."""

    def is_network(x):
        return isinstance(x, eqx.nn.MLP)

    def silenced(x):
        if not is_network(x):
            return x

        def last(network):
            return (network.layers[-1].weight, network.layers[-1].bias)

        return eqx.tree_at(last, x, [jnp.zeros_like(a) for a in last(x)])

    return jax.tree.map(silenced, bijection, is_leaf=is_network)

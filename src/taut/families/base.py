"""The shape of the posterior: what every family can do."""

import abc
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.errors import ArgumentError


class Branches(NamedTuple):
    r"""Weak derivatives of q at one draw z: other draws whose weights carry the derivative.

    .. math:: \nabla_\theta E_{q_\theta}[f] = E\Big[\sum_b \nabla_\theta \beta_b(\theta)\, (f(z_b) - f(z))\Big]

    Attributes:
        draws: `[B, D]`, the z_b.
        weights: `[B]`, the beta_b, differentiable in q's parameters; only their derivatives count.
    """

    draws: Float[Array, "B D"]
    weights: Float[Array, " B"]


class Family(eqx.Module):
    """The shapes that q may have; the floating leaves are its learned, unconstrained parameters.

    A family is either one distribution for all rows, a `Distribution`, or it gives each example a distribution of its
    own, by `at`. Methods are written for one draw; the caller batches with `vmap`. Random numbers enter only as
    `noise`, so that a test can replace them by quadrature nodes or by all outcomes.
    """

    name: ClassVar[str]
    by_name: ClassVar[bool] = False
    """Whether its name is enough for `taut.fit`, which then builds it around where the model starts."""
    local: ClassVar[bool] = False
    """Whether each example has a member of its own, which `at` gives."""

    @property
    def phrase(self) -> str:
        """What stands in front of "posterior" in a sentence, such as "full-rank Gaussian"."""
        return self.name

    @property
    @abc.abstractmethod
    def offers(self) -> AbstractSet[Capability]:
        """What gradients, objectives and algorithms may ask of this family's members."""

    def ready(self, rows: Any) -> "Family":
        """The family, its parameters made where they had to wait for the data `[n, ...]`: itself, in general."""
        return self

    def check_size(self, dim: int, rows: Any) -> None:
        """Refuse a family over another number of coordinates than the model has unknowns.

        Args:
            dim: Number of unknowns, D.
            rows: The data, `[n, ...]`.

        Raises:
            ArgumentError: With both numbers.
        """
        if self.dim != dim:
            raise ArgumentError(
                f"The family is over {self.dim} coordinates and the model has {dim} unknowns (for a regression, the "
                "intercept and the one-hot columns count); build it for that many, or give the family by name."
            )

    def at(self, rows: Any) -> "Family":
        """The q of one unit: itself, or the q(z|x) of an amortised family. `rows` is the unit's data `[R, ...]`."""
        return self

    def example(self, dim: int) -> "Family":
        """A q with `dim` coordinates that needs no data: itself, or some member of an amortised family."""
        return self

    def _is_local(self) -> ArgumentError:
        return ArgumentError(
            f"The {self.name} family has a posterior for each example: ask its member, family.at(rows)."
        )

    @property
    def dim(self) -> int:
        """Length of z."""
        raise self._is_local()

    def noise(self, key: PRNGKeyArray) -> Any:
        """The random numbers of one draw; their law may depend on q, and no derivative flows through them."""
        raise self._is_local()

    def noises(self, key: PRNGKeyArray, count: int) -> Any:
        """The random numbers of `count` draws, `[count, ...]`; a family that can makes them in one call."""
        return jax.vmap(self.noise)(jax.random.split(key, count))

    def sample(self, noise: Any) -> Float[Array, " D"]:
        """The draw z that `noise` gives."""
        raise self._is_local()

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        raise self._is_local()

    def sample_and_log_prob(self, noise: Any) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """A draw and its log density; families that get both at once override it."""
        z = self.sample(noise)
        return z, self.log_prob(z)


class Distribution(Family):
    """A distribution q over vectors z of length `dim`, the same for all rows.

    What it can do beyond this it says in `offers`; `taut.families.abilities` lists the methods that each offer names.
    """

    @property
    @abc.abstractmethod
    def dim(self) -> int:
        """Length of z."""

    @abc.abstractmethod
    def noise(self, key: PRNGKeyArray) -> Any:
        """The random numbers of one draw; their law may depend on q, and no derivative flows through them."""

    @abc.abstractmethod
    def sample(self, noise: Any) -> Float[Array, " D"]:
        """The draw z that `noise` gives."""

    @abc.abstractmethod
    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""

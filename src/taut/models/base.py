"""What is unknown and how it makes the data: what every model can do."""

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.models.prior import Prior


class Model(eqx.Module):
    """log p(x|z) and log p(z) over vectors z; the model alone knows the unknown's names and shapes.

    Attributes:
        prior: log p(z).
        local: whether each row of the data has a z of its own (latent variables) or all rows share one (model
            variables).
        tabular: whether the data are a table `(X, y)` that becomes a design matrix.
    """

    name: ClassVar[str]
    local: ClassVar[bool] = False
    tabular: ClassVar[bool] = False
    prior: eqx.AbstractVar[Prior]

    @property
    def offers(self) -> AbstractSet[Capability]:
        """What gradients, objectives and algorithms may ask of this model, its prior's offers included."""
        raise NotImplementedError

    @property
    def closed_form_needs(self) -> AbstractSet[Capability]:
        """What the model's closed `expected_log_likelihood` asks of the family."""
        return frozenset()

    def dim(self, rows: Any) -> int:
        """Length of z, given the data's rows `[B, ...]`."""
        raise NotImplementedError

    def start(self, rows: Any) -> Float[np.ndarray, " D"]:
        """Where the mean of q starts unless the caller says otherwise: zero."""
        return np.zeros(self.dim(rows))

    def learned(self) -> tuple[str, ...]:
        """Names of the attributes that an algorithm may move: none for a regression, the decoder for a VAE."""
        return ()

    def log_likelihood(self, z: Float[Array, " D"], rows: Any) -> Float[Array, " R"]:
        """log p(x_r|z) of each row, in nats."""
        raise NotImplementedError

    def expected_log_likelihood(self, q: Any, rows: Any) -> Float[Array, " R"]:
        """E_q[log p(x_r|z)] of each row, in nats, where it is closed."""
        raise NotImplementedError

    def constrain(self, z: Float[Array, " D"]) -> Any:
        """The vector z as the named values that a person thinks in."""
        return {"z": z}

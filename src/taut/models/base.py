"""What is unknown and how it makes the data: what every model can do."""

import abc
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from taut.core.batch import Batch, Units, units
from taut.core.capabilities import Capability
from taut.models.prior import Prior


class Described:
    """What a person says of a model whose unknowns depend on the data; reading these makes a `Model` of it.

    Attributes:
        kind: As that of the model.
        name: What it is called.
        dtype: Precision of its fits, unless the caller says otherwise.
        batch_size: Rows for each step; None for all.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    dtype: ClassVar[str] = "float64"
    batch_size: ClassVar[int | None] = None

    def check_given(self, data: Any) -> None:
        """Refuse data of a form that it does not take; None stands for no data."""


class Model(eqx.Module):
    """log p(x|z) and log p(z) over vectors z; the model alone knows the unknown's names and shapes.

    The class variables are what the model says of its kind, so that nobody else has to ask which kind it is.

    Attributes:
        prior: log p(z).
        kind: Kind of fit that the model leads to: "regression", "density" or "latent" (see `taut.results.kinds`).
        local: Whether each row of the data has a z of its own (latent variables) or all rows share one (model
            variables).
        dtype: Precision of its fits, unless the caller says otherwise.
        batch_size: Rows for each step, unless the caller says otherwise; None for all.
        start_sd: Standard deviation that q starts with, unless the caller says otherwise.
        learning_rate: Rate of Adam at the start; None takes the one that suits the gradient estimator.
        smooth: Whether log p(x, z) can have no jumps, so that none are looked for.
    """

    name: ClassVar[str]
    kind: ClassVar[str] = "density"
    local: ClassVar[bool] = False
    dtype: ClassVar[str] = "float64"
    batch_size: ClassVar[int | None] = None
    start_sd: ClassVar[float] = 0.1
    learning_rate: ClassVar[float | None] = None
    smooth: ClassVar[bool] = False
    prior: eqx.AbstractVar[Prior]

    @property
    @abc.abstractmethod
    def offers(self) -> AbstractSet[Capability]:
        """What gradients, objectives and algorithms may ask of this model, its prior's offers included."""

    @property
    def closed_form_needs(self) -> AbstractSet[Capability]:
        """What the model's closed `expected_log_likelihood` asks of the family."""
        return frozenset()

    @abc.abstractmethod
    def dim(self, rows: Any) -> int:
        """Length of z, given the data's rows `[B, ...]`."""

    def start(self, rows: Any) -> Float[np.ndarray, " D"]:
        """Where the mean of q starts unless the caller says otherwise: zero."""
        return np.zeros(self.dim(rows))

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the unknowns in the order in which they are shown; others come after them."""
        return ()

    @property
    def one_signed(self) -> frozenset[str]:
        """The unknowns whose support settles their sign, so that P(> 0) says nothing."""
        return frozenset()

    @property
    def joint(self) -> bool:
        """Whether prior and likelihood are one function: the ELBO is then an expected log density and an entropy."""
        return False

    def learned(self) -> tuple[str, ...]:
        """Names of the attributes that an algorithm may move: none for a regression, the decoder for a VAE."""
        return ()

    def units(self, batch: Batch) -> Units:
        """The batch cut into units, a unit being the data that one z explains."""
        return units(self.local, batch)

    def unit_dim(self, family: Any) -> int:
        """Length of one unit's z; a family with a member for each example does not know it."""
        return self.dim(None) if self.local else family.dim

    def evaluations(self, gradient: Any, family: Any) -> int:
        """Log densities at one z that an estimated gradient costs, for each pass over the rows.

        Where each example has another q, a draw is an evaluation.
        """
        return gradient.samples if self.local else gradient.evaluations(family)

    def draws(self, gradient: Any) -> int | None:
        """Draws of each unit that suit the model, for a class of gradients; None leaves the class its own number.

        Where each example has its own z a batch averages over many, and few draws suffice.
        """
        return gradient.local_samples if self.local else None

    def check_given(self, data: Any) -> None:
        """Refuse data of a form that the model does not take; None stands for no data."""

    def check_data(self, rows: Any, dtype: Any) -> None:
        """Refuse rows that the model cannot explain, before anything is compiled.

        Args:
            rows: All rows, as the model sees them.
            dtype: The dtype of the fit.
        """

    def check_examples(self, examples: Any) -> None:
        """Refuse examples that the model cannot explain each by a z of its own.

        Args:
            examples: Some examples as the model sees them, `[n, ...]`.
        """

    def check_density(self, rows: Any) -> None:
        """Refuse a density that no fit can serve, e.g. an improper one.

        It is asked where a fit found nothing, ran away or cannot be trusted, because the answer costs a compilation.

        Args:
            rows: All rows, as the model sees them.
        """

    def place(self, z: np.ndarray, axis: int) -> tuple[str, float | None]:
        """What a person calls a coordinate of z, and the named value at z where the coordinate has one."""
        return f"z[{axis}]", float(z[axis])

    @abc.abstractmethod
    def log_likelihood(self, z: Float[Array, " D"], rows: Any) -> Float[Array, " R"]:
        """log p(x_r|z) of each row, in nats."""

    def constrain(self, z: Float[Array, " D"]) -> Any:
        """The vector z as the named values that a person thinks in."""
        return {"z": z}

    @property
    def naming(self) -> Any:
        """What `constrain` needs of the model, a method of this name included; it keys what is compiled."""
        return self


class ClosedLikelihood(abc.ABC):
    """A model that offers `Capability.CLOSED_LIKELIHOOD`."""

    @abc.abstractmethod
    def expected_log_likelihood(self, q: Any, rows: Any) -> Float[Array, " R"]:
        """E_q[log p(x_r|z)] of each row, in nats."""

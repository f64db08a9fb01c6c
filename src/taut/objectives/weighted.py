"""The ELBO with a weight on its KL, fixed or annealed."""

from numbers import Real
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.objectives.base import Objective
from taut.objectives.draws import Draws, elbo_terms
from taut.objectives.forms import numbered
from taut.objectives.schedules import Constant, Cosine, Cyclical, Linear, Schedule
from taut.objectives.traced_numbers import number, shown

WARM_UP = 0.2
"""Part of the training over which an annealed weight rises."""


class Weighted(Objective):
    r"""The ELBO with its KL weighted by beta, a number (the beta-VAE) or a schedule (annealing).

    .. math:: E_q[\log p(x|z)] - \beta\, KL(q(z|x) \| p(z))

    A lower bound only for beta >= 1; the true ELBO is always reported beside it.

    Attributes:
        beta: The weight, a number of at least 0 or a schedule of the step. A number is traced and never learned:
            another one compiles nothing new.

    Example:
        >>> float(Weighted(4.0).value({"expected_log_likelihood": -80.0, "kl": 20.0}, (), 0))
        -160.0

    Source: I. Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, 2017;
    S. Bowman et al., Generating Sentences from a Continuous Space, 2016 (annealing).
    """

    written: ClassVar[str] = "beta=4, annealed (or annealed-cosine, annealed-cyclical)"
    words: ClassVar[tuple[str, ...]] = ("beta", "annealed", "annealed-cosine", "annealed-cyclical")
    beta: Any = eqx.field(converter=number, default=1.0)

    @classmethod
    def parse(cls, text, steps):
        """`beta` with its number, or the name of a schedule, which rises over a fifth of the training."""
        warm_up = max(int(WARM_UP * steps), 1)
        schedules = {
            "annealed": Linear(warm_up),
            "annealed-cosine": Cosine(warm_up),
            "annealed-cyclical": Cyclical(max(steps // 2, 1)),
        }
        if text in schedules:
            return cls(schedules[text]), None
        found = numbered("beta", text)
        return None if found is None else (cls(found[1]), None)

    def __check_init__(self):
        if not self.kl_weight.steps and not (isinstance(self.beta, Real) and 0 <= float(self.beta) < np.inf):
            raise ArgumentError(
                f"Weighted(beta={shown(self.beta)}): a finite number of at least 0, or a schedule such as "
                "Linear(steps=1000)."
            )

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """`beta=4`, or `annealed`."""
        return "annealed" if self.kl_weight.steps else f"beta={self.beta:g}"

    @property
    def offers(self):
        """A mean over draws."""
        return frozenset({Capability.MEAN_OVER_DRAWS, Capability.LOG_WEIGHTS})

    @property
    def kl_weight(self):
        """beta, as a schedule."""
        return self.beta if isinstance(self.beta, Schedule) else Constant(self.beta)

    def statistics(self, draws: Draws):
        """The two terms of one unit, in nats."""
        return elbo_terms(draws)

    def value(self, statistics, memory, step):
        """Expected log-likelihood minus beta times KL."""
        return statistics["expected_log_likelihood"] - self.kl_weight(step) * statistics["kl"]

    def shown(self, memory, statistics, step):
        """The weight, where it changes."""
        return {"beta": self.kl_weight(step)} if self.kl_weight.steps else {}


class FreeBits(Objective):
    r"""The ELBO in which each latent dimension has some KL for free: two published forms, told apart by name.

    .. math:: \text{batch: } E[\log p(x|z)] - \sum_j \max(\lambda, \overline{KL_j}), \qquad
              \text{example: } E[\log p(x|z)] - \overline{\sum_j \max(\lambda, KL_j(x))}

    The raw KL is what history and reports show: a clamped one would hide a collapse.

    Attributes:
        nats: lambda, the nats that each dimension has for free.
        form: "batch" clamps the batch's mean (Kingma et al.), "example" each example's own.

    Example:
        >>> FreeBits(0.5).name
        'free-bits-batch=0.5'

    Source: D. Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016.
    """

    needs: ClassVar = frozenset({Capability.FACTORISED, Capability.CLOSED_ENTROPY, Capability.CLOSED_PRIOR})
    written: ClassVar[str] = "free-bits=0.5 (free-bits-example=0.5)"
    words: ClassVar[tuple[str, ...]] = ("free-bits", "free-bits-example")
    nats: Any = eqx.field(converter=number, default=0.5)
    form: str = eqx.field(static=True, default="batch")

    @classmethod
    def parse(cls, text, steps):
        """`free-bits`, or `free-bits-example`, with the number of nats."""
        found = numbered("free-bits|free-bits-example", text)
        return None if found is None else (cls(found[1], "example" if found[0].endswith("example") else "batch"), None)

    def __check_init__(self):
        if not (isinstance(self.nats, Real) and float(self.nats) >= 0) or self.form not in ("batch", "example"):
            raise ArgumentError(
                f"FreeBits(nats={shown(self.nats)}, form={self.form!r}): nats of at least 0, and form 'batch' or "
                "'example'."
            )

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """`free-bits-`, the form and the number of nats."""
        return f"free-bits-{self.form}={self.nats:g}"

    @property
    def offers(self):
        """A mean over draws."""
        return frozenset({Capability.MEAN_OVER_DRAWS})

    def statistics(self, draws: Draws):
        """The ELBO's terms, and the KL of each dimension, clamped at once for the form by example."""
        assert draws.kl_per_dimension is not None
        per_dimension = draws.kl_per_dimension
        if self.form == "example":
            per_dimension = jnp.maximum(per_dimension, self.nats)
        return {**elbo_terms(draws), "kl_per_dimension": per_dimension}

    def value(self, statistics, memory, step):
        """Expected log-likelihood minus the clamped KL."""
        clamped = jnp.maximum(statistics["kl_per_dimension"], self.nats)
        return statistics["expected_log_likelihood"] - jnp.sum(clamped)

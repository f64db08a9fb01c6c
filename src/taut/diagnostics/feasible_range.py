"""Which bounds on the expected log-likelihood a model can meet at all on given data."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from taut.errors import ArgumentError
from taut.models.latent import LatentVariableModel
from taut.objectives import Objective


@dataclass(frozen=True)
class Range:
    """Bounds on the expected log-likelihood that data and likelihood leave, in nats per example.

    Attributes:
        floor: Bound of the best decoder that ignores z, one constant output for each element: met at a KL of zero.
        ceiling: Bound of a decoder that knows each example; no model can go above.
    """

    floor: float
    ceiling: float


def feasible_range(model: LatentVariableModel, images: np.ndarray, *, most: int = 2000) -> Range:
    """What `E_q[log p(x|z)]` can be at all on these data, whatever the networks, without training.

    The output that suits an element best is searched for among 2,000 values, once for every level that occurs. For
    the Bernoulli likelihood the ceiling is 0 and the floor minus the sum of the pixels' marginal entropies.

    Args:
        model: The model; its likelihood must take one output for each element (all but the categorical do).
        images: `[n, ...]`.
        most: Largest number of examples that are used.

    Raises:
        ArgumentError: the categorical likelihood.

    Example:
        >>> model = LatentVariableModel(lambda z: z, "bernoulli", latent=2)
        >>> found = feasible_range(model, np.array([[0.0, 1.0], [1.0, 1.0]]))
        >>> round(found.floor, 4), round(found.ceiling, 4)
        (-0.6931, -0.0)
    """
    likelihood = model.likelihood
    if likelihood.outputs != 1:
        raise ArgumentError(f"The range of the {likelihood.name} likelihood is not known.")
    x = np.asarray(images[:most], float).reshape(min(len(images), most), -1)
    levels, places = np.unique(x.round(3), return_inverse=True)
    positive = levels[levels > 0]
    outputs = np.unique(np.concatenate([np.linspace(-30, 30, 2001), levels, np.log(positive)]))
    eta = likelihood.predictors(jnp.asarray(outputs))
    table = np.asarray(likelihood.log_prob(eta[None], jnp.asarray(levels)[:, None]))  # [levels, outputs]
    places = places.reshape(x.shape)
    shares = np.stack([(places == k).mean(axis=0) for k in range(len(levels))], axis=1)  # [elements, levels]
    return Range(float((shares @ table).max(axis=1).sum()), float((shares @ table.max(axis=1)).sum()))


def range_of(objective: Objective, model: LatentVariableModel, images: np.ndarray) -> Range | None:
    """`feasible_range` for an objective that bounds the expected log-likelihood from below; None for others.

    None too where it is not known: a learned standard deviation may fall, and the density rise, as far as its own
    bound, so that there is no ceiling to speak of.
    """
    unknown = model.likelihood.outputs != 1 or model.likelihood.moves
    asked = any(c.statistic == "expected_log_likelihood" and c.above for c in objective.constraints)
    return feasible_range(model, images) if asked and not unknown else None


def refuse_unreachable(objective: Objective, model: LatentVariableModel, images: np.ndarray) -> None:
    """Refuse a bound on the expected log-likelihood that no decoder can meet, before training.

    Raises:
        ArgumentError: with the range that the data leave.
    """
    found = range_of(objective, model, images)
    if found is None:
        return
    for constraint in objective.constraints:
        asked = constraint.statistic == "expected_log_likelihood" and constraint.above
        if asked and constraint.bound >= found.ceiling:
            raise ArgumentError(
                f"{constraint} is out of reach: with the {model.likelihood.name} likelihood no decoder goes above "
                f"{found.ceiling:.4g} nats per example on these data, and one that ignores z reaches {found.floor:.4g}."
                " Ask for a bound between the two."
            )

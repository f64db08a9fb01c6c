"""Did the saddle of a constrained objective settle? Read from the history alone; and which bounds can be met at all."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from taut.errors import ArgumentError
from taut.models.latent import LatentVariableModel
from taut.objectives import Constrained, Objective
from taut.objectives.constraints import Constraint

MET = 0.03
"""Relative violation up to which a constraint counts as met."""
STEADY = 0.1
"""Relative range of a settled multiplier over the last tenth of training."""
FELT = 0.02
"""Multiplier, of its start, below which a constraint with slack is not felt."""


@dataclass(frozen=True)
class Saddle:
    """How one constraint ended; means are over the last tenth of training.

    Attributes:
        constraint: as written, e.g. `expected_log_likelihood>=-80`.
        violation: how far the statistic is on the wrong side, in its units (nats per example); negative is slack.
        slack: how far it is on the right side, at least 0.
        multiplier: lambda, per unit.
        equivalent_beta: the weight of a beta-VAE with the same stationary points: 1 / lambda for a bound on the
            expected log-likelihood, lambda for a bound on the KL, None for other statistics and where lambda is 0.
        reached: first step at which the smoothed statistic met its bound, None if it never did.
        overshoot: most by which it went beyond the bound afterwards, over |bound|.
        variation: (largest - smallest) / mean of lambda in the last tenth.
        crossings: how often the smoothed violation changed its sign.
        state: "settled", "slack", "missed" or "moving".
        words: the same as a sentence.
    """

    constraint: str
    violation: float
    slack: float
    multiplier: float
    equivalent_beta: float | None
    reached: int | None
    overshoot: float
    variation: float
    crossings: int
    state: str
    words: str


def saddles(objective: Constrained, history: dict[str, np.ndarray]) -> list[Saddle]:
    """The end of each constraint, in the objective's order.

    Args:
        objective: that was trained.
        history: with `violation` and `multiplier`, `[steps, constraints]`.

    Raises:
        ArgumentError: a history without them, or shorter than ten steps.

    Example:
        >>> from taut.objectives import at_least
        >>> objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))
        >>> path = {"violation": np.zeros((100, 1)), "multiplier": np.full((100, 1), 2.0)}
        >>> saddles(objective, path)[0].equivalent_beta
        0.5
    """
    if "violation" not in history or "multiplier" not in history or len(history["violation"]) < 10:
        raise ArgumentError("saddles needs the history of a constrained training of at least ten steps.")
    violations, multipliers = (np.asarray(history[name], float).T for name in ("violation", "multiplier"))
    columns = zip(objective.constraints, violations, multipliers, strict=True)
    return [_saddle(constraint, v, m, objective.rule.start) for constraint, v, m in columns]


def _saddle(constraint: Constraint, violation: np.ndarray, multiplier: np.ndarray, start: float) -> Saddle:
    tenth = max(len(violation) // 10, 1)
    ended, path = float(violation[-tenth:].mean()), multiplier[-tenth:]
    value = float(path.mean())
    variation = float(np.ptp(path) / value) if value > 0 else 0.0
    window = max(len(violation) // 50, 1)  # a batch's noise is no overshoot
    smooth = np.convolve(violation, np.full(window, 1 / window), "valid")
    met = np.flatnonzero(smooth <= 0)
    overshoot = float(max(-smooth[met[0] :].min(), 0.0) / constraint.scale) if met.size else 0.0
    state = _state(ended / constraint.scale, value / (start or 1.0), variation)
    return Saddle(
        constraint=str(constraint),
        violation=ended,
        slack=max(-ended, 0.0),
        multiplier=value,
        equivalent_beta=_beta(constraint, value),
        reached=int(met[0]) + window if met.size else None,
        overshoot=overshoot,
        variation=variation,
        crossings=int(np.sum(smooth[1:] * smooth[:-1] < 0)),
        state=state,
        words=_words(str(constraint), state, ended, value, variation),
    )


def _state(relative: float, felt: float, variation: float) -> str:
    if relative < 0 and felt < FELT:
        return "slack"
    if relative > MET:
        return "missed"
    return "settled" if abs(relative) <= MET and variation <= STEADY else "moving"


def _words(name: str, state: str, violation: float, value: float, variation: float) -> str:
    side = f"{abs(violation):.3g} on the {'wrong' if violation > 0 else 'right'} side"
    return {
        "settled": f"{name} is met ({side}) and its multiplier has settled at {value:.3g}.",
        "slack": f"{name} is met with room to spare ({side}): it is not felt, and its multiplier went to zero.",
        "missed": f"{name} is missed ({side}), with a multiplier of {value:.3g}: train longer, or ask for less.",
        "moving": f"{name} ended {side} with a multiplier of {value:.3g} that has not come to rest (it moved by "
        f"{variation:.0%} in the last tenth of training): train longer, or take a smaller step of the rule.",
    }[state]


def _beta(constraint: Constraint, value: float) -> float | None:
    if value <= 0:
        return None
    if constraint.statistic == "expected_log_likelihood":
        return 1 / value
    return value if constraint.statistic == "kl" else None


@dataclass(frozen=True)
class Range:
    """Bounds on the expected log-likelihood that data and likelihood leave, in nats per example.

    Attributes:
        floor: of the best decoder that ignores z, one constant output for each element: met at a KL of zero.
        ceiling: of a decoder that knows each example; no model can go above.
    """

    floor: float
    ceiling: float


def feasible_range(model: LatentVariableModel, images: np.ndarray, *, most: int = 2000) -> Range:
    """What `E_q[log p(x|z)]` can be at all on these data, whatever the networks, without training.

    The output that suits an element best is searched for among 2,000 values, once for every level that occurs. For
    the Bernoulli likelihood the ceiling is 0 and the floor minus the sum of the pixels' marginal entropies.

    Args:
        model: whose likelihood is asked; it must give one output for each element (all but the categorical do).
        images: `[n, ...]`.
        most: examples that are looked at.

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
    table = np.asarray(
        jax.vmap(lambda o: jax.vmap(lambda v: likelihood.log_prob(o[None], v[None]))(jnp.asarray(levels)))(
            jnp.asarray(outputs)
        )
    ).T  # [levels, outputs]
    places = places.reshape(x.shape)
    shares = np.stack([(places == k).mean(axis=0) for k in range(len(levels))], axis=1)  # [elements, levels]
    return Range(float((shares @ table).max(axis=1).sum()), float((shares @ table.max(axis=1)).sum()))


def range_of(objective: Objective, model: LatentVariableModel, images: np.ndarray) -> Range | None:
    """`feasible_range` for an objective that bounds the expected log-likelihood from below; None for others.

    None too where it is not known: a learned standard deviation may fall, and the density rise, as far as its own
    bound, so that there is no ceiling to speak of.
    """
    unknown = model.likelihood.outputs != 1 or getattr(model.likelihood, "learned", False)
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

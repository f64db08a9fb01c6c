"""The sentences that were left open: what is chosen, and why."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from taut.algorithms import Algorithm, NaturalGradient, StochasticGradient
from taut.errors import ArgumentError, PairingError
from taut.families import Family, FullRank, MeanField
from taut.gradients import Exact, Gradient, LeaveOneOut, MovingAverage, NoControl, Problem, Reinforce, Reparametrization
from taut.models import Model
from taut.objectives import Elbo, Objective

FAMILIES: Mapping[str, type[Family]] = {f.name: f for f in (MeanField, FullRank)}
OBJECTIVES: Mapping[str, type[Objective]] = {o.name: o for o in (Elbo,)}
GRADIENTS: Mapping[str, type[Gradient]] = {g.name: g for g in (Exact, Reparametrization, Reinforce)}
ALGORITHMS: Mapping[str, type[Algorithm]] = {a.name: a for a in (NaturalGradient, StochasticGradient)}
CONTROLS = {c.name: c for c in (NoControl, MovingAverage, LeaveOneOut)}

FULL_RANK_EXACT = 1000
"""Most coordinates for a full covariance with exact expectations: an iteration costs D^3."""
FULL_RANK_SAMPLED = 50
"""Most coordinates for a full covariance learned from noisy gradients: D (D + 3) / 2 parameters need as many steps."""


def named(kind: str, value: Any, known: Mapping[str, Any], abstract: type) -> Any:
    """`value` as a part: an instance as it is, a class or a name looked up in `known`.

    Raises:
        ArgumentError: an unknown name, with the known ones and the closest.
    """
    if isinstance(value, abstract) or (isinstance(value, type) and issubclass(value, abstract)):
        return value
    if isinstance(value, str) and value.lower().replace("_", "-").replace(" gradient", "") in {k.replace(" gradient", "") for k in known}:
        short = value.lower().replace("_", "-").replace(" gradient", "")
        return next(part for name, part in known.items() if name.replace(" gradient", "") == short)
    close = difflib.get_close_matches(str(value), known, 1) if isinstance(value, str) else []
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ArgumentError(f"{kind}={value!r} is not known.{hint} Names: {', '.join(known)}; or an instance of taut's {abstract.__name__}.")


@dataclasses.dataclass(frozen=True)
class Choice:
    """All five sentences, and for each whether it was given or chosen and why.

    Attributes:
        problem: model, family, objective and gradient.
        algorithm: the algorithm.
        reasons: by sentence.
    """

    problem: Problem
    algorithm: Algorithm
    reasons: dict[str, str]


def choose(
    model: Model, rows: Any, *, family: Any, objective: Any, gradient: Any, algorithm: Any, steps: int | None, minibatch: bool
) -> Choice:
    """Fill in the sentences that are None.

    Naming a gradient, or asking for minibatches, chooses the stochastic algorithm; otherwise a model with linear predictors,
    closed expectations and a Gaussian prior gets the natural gradient.

    Args:
        model: the model.
        rows: its data, `[n, ...]`.
        family: a name, class, instance or None.
        objective: likewise.
        gradient: likewise.
        algorithm: likewise.
        steps: budget in place of the algorithm's own.
        minibatch: whether a batch size was given.

    Raises:
        ArgumentError: unknown names.
        PairingError: parts that do not go together.
    """
    reasons: dict[str, str] = {}
    dim = model.dim(rows)
    objective_part = named("objective", objective, OBJECTIVES, Objective) if objective is not None else Elbo
    objective_part = objective_part() if isinstance(objective_part, type) else objective_part
    reasons["objective"] = "given" if objective is not None else "the evidence lower bound, the default"

    algorithm_part = named("algorithm", algorithm, ALGORITHMS, Algorithm) if algorithm is not None else None
    gradient_part = named("gradient", gradient, GRADIENTS, Gradient) if gradient is not None else None
    family_part = named("family", family, FAMILIES, Family) if family is not None else None

    start_sd = 1.0 if model.tabular else 0.1

    def build(part: Any) -> Family:
        return part if isinstance(part, Family) else part.around(model.start(rows), start_sd)

    if algorithm_part is None:
        candidate = Problem(model, build(family_part or MeanField), objective_part, Exact())
        exact_works = gradient_part is None and not minibatch and _serves(NaturalGradient(), candidate)
        algorithm_part = NaturalGradient if exact_works else StochasticGradient
        reasons["algorithm"] = (
            "linear predictors with closed expectations: a handful of exact full-data iterations, no learning rate"
            if exact_works
            else "a gradient estimator was named" if gradient_part is not None
            else "the data come in minibatches" if minibatch
            else "works for every differentiable model"
        )  # fmt: skip
    else:
        reasons["algorithm"] = "given"
    natural = algorithm_part is NaturalGradient or isinstance(algorithm_part, NaturalGradient)
    if natural and minibatch:
        raise PairingError("The natural gradient sees the data whole; leave batch_size out, or use algorithm=StochasticGradient().")

    reasons["gradient"] = "given"
    if gradient_part is None:
        gradient_part = Exact if natural else Reparametrization
        reasons["gradient"] = "the algorithm brings exact expectations" if natural else "low variance for differentiable models"
    gradient_part = gradient_part() if isinstance(gradient_part, type) else gradient_part

    reasons["family"] = "given"
    if family_part is None:
        limit = FULL_RANK_EXACT if natural else FULL_RANK_SAMPLED
        full = dim <= limit and gradient_part.name != "reinforce"
        family_part = FullRank if full else MeanField
        reasons["family"] = (
            f"{dim} coordinates: a full covariance is affordable and keeps correlations"
            if full
            else "score-function noise grows with the number of parameters" if dim <= limit
            else f"{dim} coordinates: too many for a full covariance"
        )  # fmt: skip
    family_part = build(family_part)
    if family_part.dim != dim:
        raise ArgumentError(
            f"The family is over {family_part.dim} coordinates and the model has {dim} unknowns (for a regression, the intercept and the "
            "one-hot columns count); build it for that many, or give the family by name."
        )

    if isinstance(algorithm_part, type):
        algorithm_part = algorithm_part()
    if steps is not None:
        algorithm_part = dataclasses.replace(algorithm_part, steps=steps)
    problem = Problem(model, family_part, objective_part, gradient_part)
    algorithm_part.check(problem)
    return Choice(problem, algorithm_part, reasons)


def _serves(algorithm: Algorithm, problem: Problem) -> bool:
    try:
        algorithm.check(problem)
    except PairingError:
        return False
    return True

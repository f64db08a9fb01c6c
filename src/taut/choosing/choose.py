"""The sentences that were left open: what is chosen, and why."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from taut.algorithms import (
    Algorithm,
    BatchAndMatch,
    FixedDraws,
    NaturalGradient,
    ScoreRegression,
    StochasticGradient,
)
from taut.algorithms.on_density.base import OnDensity
from taut.core.capabilities import Capability
from taut.errors import ArgumentError, PairingError
from taut.families import Family, FullRank, LowRank, MeanField
from taut.families.amortized import Amortized
from taut.gradients import (
    DeltaMethod,
    Disarm,
    DoubleControl,
    Enumeration,
    Exact,
    Gradient,
    LeaveOneOut,
    MeasureValued,
    MovingAverage,
    NoControl,
    OptimalBaseline,
    Reinforce,
    Reparametrization,
    StraightThrough,
)
from taut.gradients.path_derivative import PathDerivative
from taut.models import Model
from taut.networks import MLP
from taut.objectives import Elbo, Objective
from taut.objectives.parse import parse_objective
from taut.problem import Problem

FAMILIES: Mapping[str, type[Family]] = {f.name: f for f in (MeanField, FullRank, LowRank)}
GRADIENTS: Mapping[str, type[Gradient]] = {
    g.name: g
    for g in (Exact, Reparametrization, PathDerivative, Reinforce, MeasureValued, Enumeration, Disarm, StraightThrough)
} | {"local-expectation": MeasureValued}
ALGORITHMS: Mapping[str, type[Algorithm]] = {
    a.name: a for a in (NaturalGradient, ScoreRegression, FixedDraws, BatchAndMatch, StochasticGradient)
}
CONTROLS = {c.name: c for c in (NoControl, MovingAverage, OptimalBaseline, LeaveOneOut, DeltaMethod, DoubleControl)}

HIDDEN = 400
"""Hidden units of the built-in encoder."""
LOCAL_LEARNING_RATE = 1e-3
"""Of Adam on networks; the rates of the gradient estimators are for a posterior's own parameters."""
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
    if isinstance(value, str) and value.lower().replace("_", "-").replace(" gradient", "") in {
        k.replace(" gradient", "") for k in known
    }:
        short = value.lower().replace("_", "-").replace(" gradient", "")
        return next(part for name, part in known.items() if name.replace(" gradient", "") == short)
    close = difflib.get_close_matches(str(value), known, 1) if isinstance(value, str) else []
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ArgumentError(
        f"{kind}={value!r} is not known.{hint} Names: {', '.join(known)}; or an instance of taut's {abstract.__name__}."
    )


@dataclasses.dataclass(frozen=True)
class Choice:
    """All five sentences, and for each whether it was given or chosen and why.

    Attributes:
        problem: model, family, objective and gradient.
        algorithm: the algorithm.
        reasons: by sentence.
        open: whether family and algorithm were left open, so that a richer family may be taken.
        draws: that the objective fixes for each unit, None where it fixes none.
        automatic: whether the gradient is still to be chosen, by what a run shows.
    """

    problem: Problem
    algorithm: Algorithm
    reasons: dict[str, str]
    open: bool = False
    draws: int | None = None
    automatic: bool = False


def choose(
    model: Model,
    rows: Any,
    *,
    family: Any,
    objective: Any,
    gradient: Any,
    algorithm: Any,
    steps: int | None,
    minibatch: bool,
) -> Choice:
    """Fill in the sentences that are None.

    Naming a gradient, or asking for minibatches, chooses the stochastic algorithm; otherwise a model with linear
    predictors, closed expectations and a Gaussian prior gets the natural gradient.

    Args:
        model: the model.
        rows: its data, `[n, ...]`.
        family: a name, class, instance or None.
        objective: likewise, or a form such as "beta=4" or "kl<=12".
        gradient: likewise, or "auto": then the gradient here is a place-holder.
        algorithm: likewise.
        steps: budget in place of the algorithm's own.
        minibatch: whether a batch size was given.

    Raises:
        ArgumentError: unknown names.
        PairingError: parts that do not go together.
    """
    reasons: dict[str, str] = {}
    left_open = family is None and algorithm is None
    automatic = isinstance(gradient, str) and gradient == "auto"
    gradient = None if automatic else gradient
    algorithm_part = named("algorithm", algorithm, ALGORITHMS, Algorithm) if algorithm is not None else None
    gradient_part = named("gradient", gradient, GRADIENTS, Gradient) if gradient is not None else None
    family_part = named("family", family, FAMILIES, Family) if family is not None else None

    own_steps = (algorithm_part if isinstance(algorithm_part, Algorithm) else StochasticGradient()).steps
    objective_part, draws, reasons["objective"] = _objective(objective, steps or own_steps)
    if algorithm_part is None:
        own = gradient_part is None and not automatic and not minibatch and not model.local
        algorithm_part, reasons["algorithm"] = _algorithm(own, model, family_part, objective_part, rows)
        if not own:
            asked = gradient_part is not None or automatic
            reasons["algorithm"] = "a gradient estimator was asked for" if asked else "works everywhere"
    else:
        reasons["algorithm"] = "given"
    kind = algorithm_part if isinstance(algorithm_part, type) else type(algorithm_part)
    if minibatch and issubclass(kind, (NaturalGradient, OnDensity)):
        raise PairingError(
            f"The {kind.name} algorithm sees the data whole and keeps no checkpoint on the way; leave batch_size and "
            "checkpoint out, or use algorithm=taut.algorithms.StochasticGradient()."
        )

    reasons["gradient"] = "given"
    if gradient_part is None:
        gradient_part, reasons["gradient"] = _gradient(kind, model, family_part, objective_part)
    gradient_part = _with_samples(gradient_part, draws, model.local)

    reasons["family"] = "given"
    if family_part is None:
        family_part, reasons["family"] = _family(model, rows, kind, gradient_part)
    family_part = built(family_part, model, rows)
    _check_family(family_part, model, rows)

    if isinstance(algorithm_part, type):
        rate = {"learning_rate": LOCAL_LEARNING_RATE} if model.local else {}
        algorithm_part = algorithm_part(**rate)
    if steps is not None:
        algorithm_part = dataclasses.replace(algorithm_part, steps=steps)
    problem = Problem(model, family_part, objective_part, gradient_part)
    algorithm_part.check(problem)
    automatic = automatic and isinstance(algorithm_part, StochasticGradient)  # others bring their own
    return Choice(problem, algorithm_part, reasons, left_open, draws, automatic)


def _objective(objective: Any, steps: int) -> tuple[Objective, int | None, str]:
    if objective is None:
        return Elbo(), None, "the evidence lower bound, the default"
    if isinstance(objective, str):
        return *parse_objective(objective, steps), "given"
    part = named("objective", objective, {}, Objective)
    return (part() if isinstance(part, type) else part), None, "given"


def _algorithm(own: bool, model: Model, family: Any, objective: Objective, rows: Any) -> tuple[type[Algorithm], str]:
    """The best algorithm that serves the parts; `own` says whether it may bring its own gradient and see all rows."""
    exact = Problem(model, built(family or MeanField, model, rows), objective, Exact())
    if own and _serves(NaturalGradient(), exact):
        return (
            NaturalGradient,
            "linear predictors with closed expectations: a handful of exact full-data iterations, no learning rate",
        )
    if own and model.dim(rows) <= FULL_RANK_EXACT:
        sampled = Problem(model, built(family or FullRank, model, rows), objective, Reparametrization())
        if _serves(ScoreRegression(), sampled):
            return ScoreRegression, "a differentiable density: natural gradients from its scores, no learning rate"
    return StochasticGradient, "works for every differentiable model"


def _gradient(kind: type[Algorithm], model: Model, family: Any, objective: Objective) -> tuple[type[Gradient], str]:
    if issubclass(kind, NaturalGradient):
        return Exact, "the algorithm brings exact expectations"
    if issubclass(kind, OnDensity):
        return Reparametrization, "the algorithm brings matched draws of its own"
    if isinstance(family, Amortized) and family.latent == "bernoulli":
        return Reinforce, "draws of a discrete latent are not differentiable"
    if isinstance(family, Family) and Capability.REPARAMETRISED not in family.offers and not model.local:
        return Reinforce, "draws of this family are no differentiable function of fixed noise"
    if not objective.closed_kl:
        return PathDerivative, "doubly reparametrized: its signal does not vanish as the number of draws grows"
    return Reparametrization, "low variance for differentiable models"


def _with_samples(gradient: Any, draws: int | None, local: bool) -> Gradient:
    """An instance, with the draws that the objective fixes, or few where each example has its own z."""
    if isinstance(gradient, Gradient):
        if draws is not None and gradient.samples != draws:
            raise ArgumentError(
                f"The objective asks for {draws} draws and the gradient for {gradient.samples}; give the number once."
            )
        return gradient
    if draws is None and local:
        draws = gradient.local_samples
    return gradient() if draws is None or gradient in (Exact, Enumeration) else gradient(samples=draws)


def _family(model: Model, rows: Any, kind: type[Algorithm], gradient: Gradient) -> tuple[Any, str]:
    if model.local:
        size, dim = int(np.prod(rows.shape[1:])), model.dim(rows)
        return Amortized(
            MLP([size, HIDDEN, 2 * dim], seed=1)
        ), f"a {size}-{HIDDEN}-{2 * dim} encoder to a Gaussian for each example"
    dim, limit = model.dim(rows), FULL_RANK_SAMPLED if issubclass(kind, StochasticGradient) else FULL_RANK_EXACT
    if dim > limit:
        return MeanField, f"{dim} coordinates: too many for a full covariance"
    if gradient.name == "reinforce":
        return MeanField, "score-function noise grows with the number of parameters"
    return FullRank, f"{dim} coordinates: a full covariance is affordable and keeps correlations"


def built(part: Any, model: Model, rows: Any) -> Family:
    """A family given by class or name, around where the model starts."""
    return part if isinstance(part, Family) else part.around(model.start(rows), 1.0 if model.tabular else 0.1)


def _check_family(family: Family, model: Model, rows: Any) -> None:
    if isinstance(family, Amortized) != model.local:
        names = " or ".join(map(repr, FAMILIES))
        what = "an amortised one, taut.families.Amortized(encoder)" if model.local else names
        raise PairingError(f"The {family.name} family does not go with a {model.name}; give {what}.")
    if isinstance(family, Amortized):
        family.check(tuple(rows.shape[1:]), model.dim(rows))
    elif family.dim != model.dim(rows):
        raise ArgumentError(
            f"The family is over {family.dim} coordinates and the model has {model.dim(rows)} unknowns (for a "
            "regression, the intercept and the "
            "one-hot columns count); build it for that many, or give the family by name."
        )


def _serves(algorithm: Algorithm, problem: Problem) -> bool:
    try:
        algorithm.check(problem)
    except PairingError:
        return False
    return True

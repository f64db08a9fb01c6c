"""Which gradient estimators are worth a look for a problem, and which of them is taken where nothing is measured."""

from typing import Any, cast

from taut.algorithms import StochasticGradient
from taut.core.capabilities import Capability
from taut.families import Family
from taut.families.abilities import Finite
from taut.gradients import (
    Enumeration,
    Exact,
    Gradient,
    MeasureValued,
    OptimalBaseline,
    Reinforce,
    Reparametrization,
    admissible,
)
from taut.gradients.path_derivative import PathDerivative
from taut.problem import Problem

FEW_OUTCOMES = 256
"""Most outcomes that the rule enumerates: 8 binary coordinates."""
FEW_MOVES = 200
"""Most evaluations for one gradient for which the rule moves every coordinate."""
FEW_COORDINATES = 20
"""Beyond which a differentiable density is not tried without its derivatives: their noise grows with the dimension."""
DEAR = 10
"""Times the evaluations of the rule's choice beyond which an estimator is not tried: it would need as little variance,
and all of its evaluations are in memory at once."""


def rule(problem: Problem, unit: Family, draws: int | None, smooth: bool) -> tuple[Gradient, str]:
    """The estimator that is taken without measuring, and why.

    Args:
        problem: Model, family and objective; its gradient is not used.
        unit: The posterior of one unit.
        draws: Draws for each unit that the objective fixes, or None.
        smooth: Whether the log density has a derivative that misses nothing.
    """
    if Capability.REPARAMETRISED in problem.family.offers:
        hindrance = "the log density jumps, so that its derivative misses a part"
    else:
        hindrance = "draws of this family are no differentiable function of fixed noise"
    known = (
        (Exact, True, "all expectations are closed: no noise"),
        (
            PathDerivative,
            smooth and not problem.objective.closed_kl,
            "doubly reparametrized: its signal does not vanish as the number of draws grows",
        ),
        (Reparametrization, smooth, "differentiable draws of a differentiable density have low variance"),
        (
            Enumeration,
            Capability.FINITE in unit.offers and cast(Finite, unit).count <= FEW_OUTCOMES,
            "few outcomes: no noise",
        ),
        (
            MeasureValued,
            not problem.model.local,
            f"{hindrance}; moved coordinate by coordinate they have the least variance for their evaluations",
        ),
        (Reinforce, True, f"{hindrance}; asks nothing of the cost, with the other draws as its baseline"),
    )
    for kind, fits, reason in known:
        gradient = _drawing(kind, draws, problem)
        if not fits or gradient.supports(problem.objective, problem.model, problem.family) is not None:
            continue
        if kind is MeasureValued and gradient.evaluations(unit) > FEW_MOVES:
            continue
        return gradient, reason
    return _drawing(Reinforce, draws, problem), "the one that serves these parts"


def candidates(problem: Problem, unit: Family, draws: int | None, smooth: bool, chosen: Gradient) -> list[Gradient]:
    """The unbiased estimators beside `chosen` that a pilot compares.

    Each has the draws that suit it: with a given number of steps, fewer draws end farther from the answer. Of
    REINFORCE's control variates the other draws and, where a smooth cost has draws that are not differentiable, those
    with derivatives; the others seldom do as well as these. Each candidate costs a compilation.

    Args:
        problem: Model, family and objective.
        unit: The posterior of one unit.
        draws: Draws for each unit that the objective fixes, or None.
        smooth: Whether the log density has a derivative that misses nothing.
        chosen: The estimator that the rule takes.
    """
    found = admissible(problem.objective, problem.model, problem.family, draws)
    found = [g for g in found if g.unbiased and (smooth or not g.pathwise)]
    pathwise = any(g.pathwise for g in found)
    controls = ("leave-one-out",) if pathwise or not smooth else ("leave-one-out", "delta", "double")
    found = [g for g in found if not isinstance(g, Reinforce) or g.control.name in controls]
    if pathwise and unit.dim > FEW_COORDINATES:
        found = [g for g in found if g.pathwise or g.noiseless]
    tried = [_drawing(type(g), draws, problem, g) for g in found]
    most = DEAR * chosen.evaluations(unit)
    others = {(g.label, g.samples): g for g in tried if g.evaluations(unit) <= most}
    others.pop((chosen.label, chosen.samples), None)
    return list(others.values())


def rate(gradient: Gradient, family: Family, algorithm: StochasticGradient) -> float:
    """The learning rate of a run with this estimator; 1 where the optimizer has its own."""
    if algorithm.optimizer is not None:
        return 1.0
    return gradient.rate(family) if algorithm.learning_rate is None else algorithm.learning_rate


def _drawing(kind: type[Gradient], draws: int | None, problem: Problem, like: Gradient | None = None) -> Gradient:
    """An instance with the draws that the objective fixes, or those that suit the problem."""
    control: dict[str, Any] = {"control": like.control} if isinstance(like, Reinforce) else {}
    if kind.noiseless:
        return kind()
    draws = problem.model.draws(kind) if draws is None else draws
    if draws == 1 and kind is Reinforce and not control:
        control = {"control": OptimalBaseline()}  # one draw has no others
    return kind(**control) if draws is None else kind(samples=draws, **control)

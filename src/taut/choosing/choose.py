"""The sentences that were left open: what is chosen, and why."""

import dataclasses
from typing import Any

from taut import algorithms
from taut.algorithms import Algorithm
from taut.choosing.names import ALGORITHMS, FAMILIES, GRADIENTS, named
from taut.choosing.rules import ALGORITHM, FAMILY, GRADIENT, Asked, built, first
from taut.core.names import brief
from taut.errors import ArgumentError, PairingError
from taut.families import Family
from taut.gradients import Gradient
from taut.models import Model
from taut.objectives import Elbo, Objective
from taut.objectives.parse import parse_objective
from taut.problem import Problem

GIVEN = "given"
"""The reason of a sentence that was not left open."""
AUTO = "auto"
"""The gradient's name where the estimator is chosen by what a run shows."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """All five sentences, and for each whether it was given or chosen and why.

    Attributes:
        problem: Model, family, objective and gradient.
        algorithm: The algorithm.
        reasons: For each sentence, why it was chosen, or "given".
        open: Whether a richer family may be taken: family and algorithm were left open.
        draws: Draws for each unit that the objective fixes, None where it fixes none.
        automatic: Whether the gradient is still to be chosen, by what a run shows.
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
    family: Any = None,
    objective: Any = None,
    gradient: Any = None,
    algorithm: Any = None,
    steps: int | None = None,
    minibatch: bool = False,
    fallbacks: bool = True,
) -> Choice:
    """Fill in the sentences that are None, by the lists of `taut.choosing.rules`.

    Args:
        model: The model.
        rows: Its data, `[n, ...]`.
        family: A name, class, instance or None.
        objective: An instance, a form such as "beta=4" or "kl<=12", or None.
        gradient: A name, class, instance or None; with "auto" the gradient of the choice is a place-holder.
        algorithm: A name, class, instance or None.
        steps: A budget in place of the algorithm's own.
        minibatch: Whether a batch size was given.
        fallbacks: Whether a richer family may be taken where family and algorithm are left open.

    Raises:
        ArgumentError: Unknown names.
        PairingError: Parts that do not go together.
    """
    automatic = isinstance(gradient, str) and gradient == AUTO
    gradient = _part("gradient", None if automatic else gradient, GRADIENTS, Gradient)
    algorithm_part = _part("algorithm", algorithm, ALGORITHMS, Algorithm)
    _refuse_bare_network(family, model)
    family_part = _part("family", family, FAMILIES, Family)
    reasons: dict[str, str] = {}

    own_steps = (algorithm_part if isinstance(algorithm_part, Algorithm) else algorithms.StochasticGradient()).steps
    objective_part, draws, reasons["objective"] = _objective(objective, steps or own_steps)
    named_gradient = automatic or gradient is not None
    asked = Asked(model, rows, objective_part, family_part, gradient, None, named_gradient, minibatch)

    algorithm_part, reasons["algorithm"] = _given(algorithm_part) or first(ALGORITHM, asked)
    kind = algorithm_part if isinstance(algorithm_part, type) else type(algorithm_part)
    _refuse_minibatches(kind, minibatch)
    asked = asked._replace(algorithm=kind)

    gradient, reasons["gradient"] = _given(gradient) or first(GRADIENT, asked)
    gradient = _with_samples(gradient, draws, model)
    asked = asked._replace(gradient=gradient)

    family_part, reasons["family"] = _given(family_part) or first(FAMILY, asked)
    family_part = built(family_part, model, rows)
    _check_family(family_part, model, rows)

    problem = Problem(model, family_part, objective_part, gradient)
    algorithm_part = _algorithm(algorithm_part, model, steps)
    algorithm_part.check(problem)
    waits = automatic and algorithm_part.brings is None  # one that brings its own has nothing to choose
    left_open = fallbacks and family is None and algorithm is None
    return Choice(problem, algorithm_part, reasons, left_open, draws, waits)


def _part(sentence: str, value: Any, known: Any, abstract: type) -> Any:
    return None if value is None else named(sentence, value, known, abstract)


def _refuse_bare_network(family: Any, model: Model) -> None:
    if model.local and callable(family) and not isinstance(family, (Family, type)):
        raise ArgumentError(f"family={brief(family)} is a network: give taut.families.Amortized(network).")


def _given(part: Any) -> tuple[Any, str] | None:
    return None if part is None else (part, GIVEN)


def _objective(objective: Any, steps: int) -> tuple[Objective, int | None, str]:
    """The objective, the draws that it fixes, and why it is this one."""
    if objective is None:
        return Elbo(), None, "the evidence lower bound, the default"
    if isinstance(objective, str):
        return *parse_objective(objective, steps), GIVEN
    part = named("objective", objective, {}, Objective)
    return (part() if isinstance(part, type) else part), None, GIVEN


def _refuse_minibatches(kind: type[Algorithm], minibatch: bool) -> None:
    if minibatch and kind.whole:
        raise PairingError(
            f"The {kind.name} algorithm sees the data whole; leave batch_size out, or use "
            "algorithm=taut.algorithms.StochasticGradient()."
        )


def _with_samples(gradient: Gradient | type[Gradient], draws: int | None, model: Model) -> Gradient:
    """An instance, with the draws that the objective fixes, or those that suit the model.

    Raises:
        ArgumentError: An instance with another number of draws than the objective fixes.
    """
    if isinstance(gradient, Gradient):
        if draws is not None and gradient.samples != draws:
            raise ArgumentError(
                f"The objective asks for {draws} draws and the gradient for {gradient.samples}; give the number once."
            )
        return gradient
    draws = model.draws(gradient) if draws is None else draws
    return gradient() if draws is None or gradient.noiseless else gradient(samples=draws)


def _algorithm(part: Any, model: Model, steps: int | None) -> Algorithm:
    """An instance, with the model's learning rate and the budget that was asked for."""
    if isinstance(part, type):
        part = part() if model.learning_rate is None else part(learning_rate=model.learning_rate)
    return part if steps is None else dataclasses.replace(part, steps=steps)


def _check_family(family: Family, model: Model, rows: Any) -> None:
    """Refuse a family for another kind of unknown, or of another size.

    Raises:
        PairingError: A posterior for each example where all rows share one z, or the reverse.
        ArgumentError: Another number of coordinates than the model has unknowns.
    """
    if family.local != model.local:
        names = " or ".join(map(repr, FAMILIES))
        what = "an amortised one, taut.families.Amortized(encoder)" if model.local else names
        raise PairingError(f"The {family.name} family does not go with a {model.name}; give {what}.")
    family.check_size(model.dim(rows), rows)

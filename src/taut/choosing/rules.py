"""What is taken where a sentence was left open: a list of rules for each, of which the first that applies is taken.

The order of a list is the order of preference, and each rule carries the reason that the user is told. Parts are looked
up in their rooms, which load them when a rule takes them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from taut import algorithms, families, gradients, networks
from taut.algorithms import Algorithm
from taut.core.capabilities import Capability
from taut.errors import ArgumentError, PairingError
from taut.families import Family
from taut.gradients import Gradient
from taut.models import Model
from taut.objectives import Objective
from taut.problem import Problem

HIDDEN = 400
"""Hidden units of the built-in encoder."""
FULL_RANK_EXACT = 1000
"""Most coordinates for a full covariance with exact expectations: an iteration costs D^3."""
LOW_RANK = 20_000
"""Most coordinates for a few directions by score regression: a batch of draws and scores is held in memory."""
FULL_RANK_SAMPLED = 50
"""Most coordinates for a full covariance learned from noisy gradients: D (D + 3) / 2 parameters need as many steps."""


class Asked(NamedTuple):
    """What was asked for, with what earlier rules have chosen.

    Attributes:
        model: The model.
        rows: Its data.
        objective: The objective.
        family: The family asked for, a class or an instance; None where it was left open.
        gradient: The gradient, likewise; None as long as it is open.
        algorithm: The algorithm's class; None as long as it is open.
        gradient_named: Whether a gradient estimator was asked for.
        minibatch: Whether minibatches were asked for.
    """

    model: Model
    rows: Any
    objective: Objective
    family: Family | type[Family] | None
    gradient: Gradient | type[Gradient] | None
    algorithm: type[Algorithm] | None
    gradient_named: bool
    minibatch: bool


class Rule(NamedTuple):
    """A default.

    Attributes:
        applies: Whether it is taken.
        part: What is taken, a class or an instance.
        reason: Why, in a phrase for the user.
    """

    applies: Callable[[Asked], bool]
    part: Callable[[Asked], Any]
    reason: Callable[[Asked], str]


def first(rules: tuple[Rule, ...], asked: Asked) -> tuple[Any, str]:
    """Part and reason of the first rule that applies; the last of the rules always does."""
    rule = next(rule for rule in rules if rule.applies(asked))
    return rule.part(asked), rule.reason(asked)


def built(part: Any, model: Model, rows: Any) -> Family:
    """A family given by its class, around where the model starts; an instance, made ready for the data.

    Raises:
        ArgumentError: A class that does not say where it starts.
    """
    if isinstance(part, Family):
        return part.ready(rows) if part.local == model.local else part
    if not hasattr(part, "around"):
        instead = "taut.families.Amortized(encoder)" if model.local else "'full-rank', 'mean-field' or 'low-rank'"
        raise ArgumentError(
            f"family={part.__name__} is a class that does not say where it starts; give an instance, or {instead}."
        )
    return part.around(model.start(rows), model.start_sd)


def always(asked: Asked) -> bool:
    """For the last rule of a list."""
    return True


def _takes(part: Any) -> Callable[[Asked], Any]:
    return lambda asked: part


# Algorithms.


def _serves(algorithm: Algorithm, asked: Asked, family: type[Family], gradient: Gradient) -> bool:
    model = asked.model
    default = _encoder(asked) if model.local else family
    problem = Problem(model, built(asked.family or default, model, asked.rows), asked.objective, gradient)
    try:
        algorithm.check(problem)
    except PairingError:
        return False
    return True


def _nests(asked: Asked) -> bool:
    return _serves(algorithms.Nested(), asked, algorithms.Nested.family, gradients.Exact())


def _closed(asked: Asked) -> bool:
    return _serves(algorithms.NaturalGradient(), asked, families.MeanField, gradients.Exact())


def _scored(asked: Asked) -> bool:
    affordable = asked.model.dim(asked.rows) <= FULL_RANK_EXACT
    return affordable and _serves(algorithms.ScoreRegression(), asked, families.FullRank, gradients.Reparametrization())


def _scored_along_directions(asked: Asked) -> bool:
    affordable = asked.model.dim(asked.rows) <= LOW_RANK
    return affordable and _serves(
        algorithms.LowRankRegression(), asked, families.StretchedGaussian, gradients.Reparametrization()
    )


ALGORITHM = (
    Rule(
        lambda asked: asked.gradient_named,
        lambda asked: algorithms.StochasticGradient,
        _takes("a gradient estimator was asked for"),
    ),
    Rule(lambda asked: asked.minibatch, lambda asked: algorithms.StochasticGradient, _takes("works everywhere")),
    Rule(
        _nests,
        lambda asked: algorithms.Nested,
        _takes("Gaussian given a few scales: exact natural gradients at each of a few scales, no learning rate"),
    ),
    Rule(
        _closed,
        lambda asked: algorithms.NaturalGradient,
        _takes("linear predictors with closed expectations: a handful of exact full-data iterations, no learning rate"),
    ),
    Rule(
        _scored,
        lambda asked: algorithms.ScoreRegression,
        _takes("a differentiable density: natural gradients from its scores, no learning rate"),
    ),
    Rule(
        _scored_along_directions,
        lambda asked: algorithms.LowRankRegression,
        lambda asked: (
            f"a differentiable density of {_coordinates(asked)}: natural gradients from its scores along a few "
            "directions, no learning rate"
        ),
    ),
    Rule(always, lambda asked: algorithms.StochasticGradient, _takes("works for every differentiable model")),
)


# Gradients.


def _not_differentiable(asked: Asked) -> bool:
    return isinstance(asked.family, Family) and Capability.REPARAMETRISED not in asked.family.offers


def _why_not_differentiable(asked: Asked) -> str:
    if isinstance(asked.family, Family) and asked.family.local:
        return "draws of a discrete latent are not differentiable"
    return "draws of this family are no differentiable function of fixed noise"


GRADIENT = (
    Rule(
        lambda asked: asked.algorithm is not None and asked.algorithm.brings is not None,
        lambda asked: asked.algorithm.brings.gradient,
        lambda asked: f"the algorithm brings {asked.algorithm.brings.what} of its own",
    ),
    Rule(_not_differentiable, lambda asked: gradients.Reinforce, _why_not_differentiable),
    Rule(
        lambda asked: not asked.objective.closed_kl,
        lambda asked: gradients.PathDerivative,
        _takes("doubly reparametrized: its signal does not vanish as the number of draws grows"),
    ),
    Rule(always, lambda asked: gradients.Reparametrization, _takes("low variance for differentiable models")),
)


# Families.


def _layers(asked: Asked) -> list[int]:
    return [int(np.prod(asked.rows.shape[1:])), HIDDEN, 2 * asked.model.dim(asked.rows)]


def _encoder(asked: Asked) -> Family:
    return families.Amortized(networks.MLP(_layers(asked), seed=1))


def _why_encoder(asked: Asked) -> str:
    return f"a {'-'.join(map(str, _layers(asked)))} encoder to a Gaussian for each example"


def _too_many(asked: Asked) -> bool:
    exact = asked.algorithm is not None and asked.algorithm.deterministic
    return asked.model.dim(asked.rows) > (FULL_RANK_EXACT if exact else FULL_RANK_SAMPLED)


def _coordinates(asked: Asked) -> str:
    return f"{asked.model.dim(asked.rows)} coordinates"


FAMILY = (
    Rule(
        lambda asked: asked.algorithm is not None and asked.algorithm.family is not None,
        lambda asked: asked.algorithm.family,
        _takes("the algorithm has a family of its own"),
    ),
    Rule(lambda asked: asked.model.local, _encoder, _why_encoder),
    Rule(
        _too_many,
        lambda asked: families.MeanField,
        lambda asked: f"{_coordinates(asked)}: too many for a full covariance",
    ),
    Rule(
        lambda asked: asked.gradient is not None and asked.gradient.noise_grows,
        lambda asked: families.MeanField,
        _takes("score-function noise grows with the number of parameters"),
    ),
    Rule(
        always,
        lambda asked: families.FullRank,
        lambda asked: f"{_coordinates(asked)}: a full covariance is affordable and keeps correlations",
    ),
)

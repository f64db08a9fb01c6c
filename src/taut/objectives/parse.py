"""Objectives as written on a command line."""

import re

from taut.errors import ArgumentError
from taut.objectives.base import Objective
from taut.objectives.constrained import Constrained
from taut.objectives.constraints import parse_constraint
from taut.objectives.elbo import Elbo
from taut.objectives.importance_weighted import ImportanceWeighted
from taut.objectives.renyi import Renyi
from taut.objectives.schedules import Cosine, Cyclical, Linear
from taut.objectives.weighted import FreeBits, Weighted

FORMS = (
    "elbo, beta=4, annealed (or annealed-cosine, annealed-cyclical), free-bits=0.5 (free-bits-example=0.5), iwae=50, "
    "renyi=0.5:50 (the order, and the number of draws), "
    "'expected_log_likelihood>=-80', 'kl<=12', several constraints joined by 'and'"
)
WARM_UP = 0.2
"""Part of the training over which an annealed weight rises."""


def parse_objective(text: str, steps: int) -> tuple[Objective, int | None]:
    """The objective that `text` names, and the number of draws that it fixes (None where it fixes none).

    Args:
        text: One of `FORMS`.
        steps: Number of training steps; an annealed weight rises over a fifth of them.

    Raises:
        ArgumentError: anything else, with the forms.

    Example:
        >>> parse_objective("iwae=50", 1000)[1]
        50
    """
    text = text.strip()
    if text == "elbo":
        return Elbo(), None
    warm_up = max(int(WARM_UP * steps), 1)
    annealed = {
        "annealed": Linear(warm_up),
        "annealed-cosine": Cosine(warm_up),
        "annealed-cyclical": Cyclical(max(steps // 2, 1)),
    }
    if text in annealed:
        return Weighted(annealed[text]), None
    match = re.fullmatch(r"(beta|free-bits|free-bits-example|iwae)\s*=\s*([-+0-9.eE]+)", text)
    if match is not None:
        return _numbered(match[1], match[2], text)
    match = re.fullmatch(r"renyi\s*=\s*([-+0-9.eE]+)\s*:\s*(\d+)", text)
    if match is not None and int(match[2]) >= 1:
        return Renyi(_number(match[1], text)), int(match[2])
    parts = re.split(r"\s+and\s+|\s*,\s*", text)
    constraints = [parse_constraint(part) for part in parts]
    if any(c is None for c in constraints):
        raise ArgumentError(f"objective={text!r} is not known. Forms: {FORMS}.")
    return _constrained(tuple(c for c in constraints if c is not None)), None


def _number(number: str, text: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise ArgumentError(f"In objective={text!r}, {number!r} is not a number.") from None


def _numbered(name: str, number: str, text: str) -> tuple[Objective, int | None]:
    value = _number(number, text)
    if name == "iwae":
        if not value.is_integer() or value < 1:
            raise ArgumentError(
                f"objective={text!r}: the number of draws must be a positive whole number, e.g. iwae=50."
            )
        return ImportanceWeighted(), int(value)
    if name == "beta":
        return Weighted(value), None
    return FreeBits(value, "example" if name.endswith("example") else "batch"), None


def _constrained(constraints) -> Objective:
    """A bound on the KL asks for the best reconstruction; any other for the least KL."""
    if any(c.statistic == "kl" for c in constraints):
        return Constrained(maximise="expected_log_likelihood", subject_to=constraints)
    return Constrained(minimise="kl", subject_to=constraints)

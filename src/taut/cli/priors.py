"""Priors on the command line: "age=Normal(0,1)", "district=HalfNormal(1)", "cor(district)=1", "Normal(0,1)" for all."""

import inspect
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from taut.core.names import find, suggestion
from taut.errors import ArgumentError

if TYPE_CHECKING:
    from taut.models import Stated

PRIORS = ("normal", "empirical")
"""Those that are a word."""
COMMON = ("Normal", "StudentT", "Cauchy", "Laplace", "HalfNormal", "HalfCauchy", "Exponential", "Gamma", "LogNormal")
"""Names that a message lists; every distribution of NumPyro over one real number is known."""
FORM = re.compile(r"(?:(?P<name>.+?)\s*=\s*)?(?:(?P<kind>[A-Za-z]\w*)\s*\((?P<numbers>[^()]*)\)|(?P<number>[-+.\w]+))")
HINT = "--prior"


class Written(NamedTuple):
    """A prior as it was typed.

    Attributes:
        text: All of it.
        name: Of what it is the prior; None for all coefficients.
        kind: Name of a distribution, or None.
        numbers: Its numbers, each with its name or None; or the one number in its place.
    """

    text: str
    name: str | None
    kind: str | None
    numbers: tuple[tuple[str | None, float], ...]


def written(text: str) -> Written | None:
    """A prior in its parts; None for a word alone.

    Raises:
        typer.BadParameter: Neither.

    Example:
        >>> written("age = Normal(0, scale=2)")[1:]
        ('age', 'Normal', ((None, 0.0), ('scale', 2.0)))
        >>> written("cor(district)=2")[1:], written("empirical")
        (('cor(district)', None, ((None, 2.0),)), None)
    """
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no prior; write e.g. 'age=Normal(0,1)' or 'district=HalfNormal(1)'.")
    name, kind, number = found["name"], found["kind"], found["number"]
    if kind is None and name is None:
        return None
    parts = [number] if kind is None else [part for part in found["numbers"].split(",") if part.strip()]
    return Written(text, name, kind, tuple(_number(text, part) for part in parts))


def _number(text: str, part: str) -> tuple[str | None, float]:
    name, is_named, value = part.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise typer.BadParameter(
            f"{text!r}: {value.strip()!r} is neither a finite number nor a distribution; write e.g. 'age=Normal(0,1)'."
        )
    return (name.strip() if is_named else None), number


def priors(given: Sequence[str]) -> Any:
    """Priors as `taut.models.Regression` takes them: None, a word, one for all coefficients, or a dict by name.

    Raises:
        typer.BadParameter: Words and names together, or a name twice.
        ArgumentError: A distribution that is not known, or other numbers than it takes.

    Example:
        >>> {name: prior.words for name, prior in priors(["age=Normal(0, 1)", "g=HalfNormal(2)"]).items()}
        {'age': 'Normal(0, 1)', 'g': 'HalfNormal(2)'}
    """
    found = [(text, written(text)) for text in given]
    if len(given) > 1 and (alone := [text for text, prior in found if prior is None or prior.name is None]):
        raise typer.BadParameter(
            f"{alone[0]} is for all terms, and others are given as well; keep one.", param_hint=HINT
        )
    by_name: dict[str, Any] = {}
    for text, prior in found:
        if prior is None:
            return None if text == "normal" else text
        value = _concentration(prior) if prior.kind is None else _stated(prior, prior.kind)
        if prior.name is None:
            return value
        if prior.name in by_name:
            raise typer.BadParameter(f"'{prior.name}' has two priors; keep one.", param_hint=HINT)
        by_name[prior.name] = value
    return by_name or None


def _concentration(prior: Written) -> float:
    """The number of an LKJ prior; nothing else has a number for its prior."""
    if not (prior.name or "").startswith("cor("):
        raise typer.BadParameter(
            f"{prior.text} is a number, and a distribution is needed; write e.g. '{prior.name}=Normal(0,1)'. Only "
            "correlations have one, as in 'cor(group)=2'.",
            param_hint=HINT,
        )
    return prior.numbers[0][1]


def _stated(prior: Written, name: str) -> "Stated":
    """The distribution, with its numbers as they were typed."""
    import numpyro.distributions as known

    from taut.models import Stated

    kinds = {k: v for k, v in vars(known).items() if isinstance(v, type) and issubclass(v, known.Distribution)}
    spelled = find(name, kinds)
    if spelled is None:
        raise ArgumentError(
            f"--prior {prior.text}: there is no distribution '{name}'.{suggestion(name, kinds)} Some are "
            f"{', '.join(COMMON)}."
        )
    kind = kinds[spelled]
    takes = [p for p in inspect.signature(kind).parameters if p in kind.arg_constraints]
    try:
        bound = inspect.signature(kind).bind(
            *(value for key, value in prior.numbers if key is None),
            **{key: value for key, value in prior.numbers if key is not None},
        )
        bound.apply_defaults()
        numbers = {key: float(bound.arguments[key]) for key in takes}
        kind(**numbers, validate_args=True)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"--prior {prior.text}: {spelled} takes {', '.join(takes) or 'no numbers'}, each in its range."
        ) from None
    return Stated(spelled, tuple(numbers.items()))

"""The catalogue: every public estimator with every public control variate, found by asking the room."""

import dataclasses
import inspect
import sys
from collections.abc import Iterator

from taut.errors import ArgumentError
from taut.families.base import Family
from taut.gradients.base import Gradient
from taut.gradients.control_variates.base import ControlVariate
from taut.models.base import Model
from taut.objectives.base import Objective


def public(abstract: type) -> list[type]:
    """The public classes of `taut.gradients` that are `abstract`, in the order of their names."""
    room = sys.modules["taut.gradients"]  # this file is part of it
    found = [part for _, part in inspect.getmembers(room, inspect.isclass)]
    return [part for part in found if issubclass(part, abstract) and part is not abstract]


def estimators(samples: int | None = None) -> Iterator[Gradient]:
    """Every public estimator, with every public control variate where it takes one.

    Args:
        samples: Number of draws of each estimator that draws; None leaves each its own default. Estimators and
            control variates that cannot work with as many are left out.

    Example:
        >>> sorted({g.name for g in estimators()})[:3]
        ['disarm', 'enumeration', 'exact']
    """
    for part in public(Gradient):
        takes_control = "control" in {field.name for field in dataclasses.fields(part)}
        controls = [{"control": control()} for control in public(ControlVariate)] if takes_control else [{}]
        for options in controls:
            try:
                yield part(**options) if samples is None else part(**options).with_samples(samples)
            except ArgumentError:  # one draw alone has no leave-one-out baseline
                continue


def admissible(objective: Objective, model: Model, family: Family, samples: int | None = None) -> list[Gradient]:
    """The public estimators that go with these parts.

    Args:
        objective: The objective.
        model: The model.
        family: The family.
        samples: Number of draws of each estimator that draws; None leaves each its own default.

    Example:
        >>> import jax.numpy as jnp
        >>> from taut.families import Bernoulli
        >>> from taut.models import LogDensity, real
        >>> from taut.objectives import Elbo
        >>> steps = LogDensity(lambda v: jnp.sum(v["z"]), parameters={"z": real(3)})
        >>> "enumeration" in [g.name for g in admissible(Elbo(), steps, Bernoulli(jnp.zeros(3)))]
        True
    """
    return [g for g in estimators(samples) if g.supports(objective, model, family) is None]

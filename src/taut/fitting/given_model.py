"""What is said where something else is given in place of a model."""

from typing import Any

from taut.core.names import brief
from taut.errors import ArgumentError
from taut.models import Model
from taut.models.base import Described


def check_model(model: Any, data: Any = None) -> None:
    """Refuse what is no model, with what was probably meant.

    Raises:
        ArgumentError: Anything else than an instance of a model.
    """
    if isinstance(model, (Model, Described)):
        return
    if isinstance(data, (Model, Described)):
        raise ArgumentError("The arguments are swapped: the model comes first, taut.fit(model, data).")
    if isinstance(data, type) and issubclass(data, (Model, Described)):
        raise ArgumentError(
            f"The arguments are swapped, and {data.__name__} is a class: taut.fit({data.__name__}(...), data)."
        )
    if isinstance(model, type) and issubclass(model, (Model, Described)):
        raise ArgumentError(f"model={model.__name__} is a class: call it, taut.fit({model.__name__}(...), data).")
    remedy = "give e.g. taut.models.LogisticRegression() or taut.models.LogDensity(...)"
    if type(model).__module__.startswith("pymc."):
        remedy = "give taut.models.from_pymc(model)"
    elif callable(model):
        remedy = "a NumPyro model is given as taut.models.from_numpyro(model, *args), a log density as LogDensity(...)"
    raise ArgumentError(f"model={brief(model)} is not a Taut model; {remedy}.")

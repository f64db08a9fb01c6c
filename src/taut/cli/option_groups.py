"""Options that go together, as one parameter of a command: a named tuple whose fields are the options."""

import functools
import inspect
from collections.abc import Callable
from typing import Any


def in_groups(command: Callable) -> Callable:
    """A command in which each parameter that is annotated with a named tuple becomes the options of its fields."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for parameter in inspect.signature(command).parameters.values():
        kind = parameter.annotation
        if hasattr(kind, "_fields"):
            groups[parameter.name] = kind
            parameters += [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=kind._field_defaults[name],
                    annotation=kind.__annotations__[name],
                )
                for name in kind._fields
            ]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def called(**given: Any) -> Any:
        parts = {name: kind(**{field: given.pop(field) for field in kind._fields}) for name, kind in groups.items()}
        return command(**parts, **given)

    called.__dict__["__signature__"] = inspect.Signature(parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called

"""Taking out and putting back what formulae's functions remember of the rows that were fitted."""

from collections.abc import Iterator, Sequence
from typing import Any

from formulae.terms.call_resolver import LazyCall, LazyOperator

from taut.data.formulas.functions import FUNCTIONS
from taut.data.formulas.states import ATTRIBUTES
from taut.errors import SavedFitError


def remembering(lazy: Any) -> Iterator[LazyCall]:
    """The calls of functions that remember, in the order of the text."""
    if isinstance(lazy, LazyCall):
        if lazy.callee in ATTRIBUTES:
            yield lazy
        for argument in (*lazy.args, *lazy.kwargs.values()):
            yield from remembering(argument)
    elif isinstance(lazy, LazyOperator):
        for argument in lazy.args:
            yield from remembering(argument)


def packed(lazy: Any) -> tuple[dict, ...]:
    """What the functions of a call remember once it was computed."""
    return tuple(_pack(call) for call in remembering(lazy))


def _pack(call: LazyCall) -> dict:
    kinds = ATTRIBUTES[call.callee].items()
    return {"function": call.callee} | {name: kind.pack(getattr(call.stateful_transform, name)) for name, kind in kinds}


def restore(lazy: Any, states: Sequence[dict]) -> None:
    """Give the functions of a call what they remembered.

    Raises:
        SavedFitError: they are not what these functions remember.
    """
    calls = list(remembering(lazy))
    if [call.callee for call in calls] != [state["function"] for state in states]:
        raise SavedFitError(f"This record of a formula's design does not say what the functions of '{lazy}' remember.")
    for call, state in zip(calls, states, strict=True):
        transform = FUNCTIONS[call.callee]()
        try:
            for name, kind in ATTRIBUTES[call.callee].items():
                setattr(transform, name, kind.unpack(state[name]))
        except ValueError as problem:  # arrays whose shapes do not fit
            raise SavedFitError(
                f"This record of a formula's design holds no state of '{call}' ({problem})."
            ) from problem
        transform.params_set = True
        call.stateful_transform = transform

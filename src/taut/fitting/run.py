"""One run for every algorithm: the one place where it is asked whether an algorithm goes step by step."""

import functools

from taut.algorithms.base import Algorithm, Stepwise
from taut.algorithms.nested.algorithm import Nested
from taut.algorithms.on_density.base import OnDensity
from taut.choosing.choose import Choice
from taut.fitting.by_steps import by_steps
from taut.fitting.nested import nested
from taut.fitting.on_density import on_density
from taut.fitting.outcome import Outcome, Request


@functools.singledispatch
def run(algorithm: Algorithm, choice: Choice, request: Request) -> Outcome:
    """Learn the problem of `choice` with its algorithm.

    Args:
        algorithm: The algorithm of the choice.
        choice: The five sentences.
        request: What the run works on and how it is watched.
    """
    raise TypeError(f"{type(algorithm).__name__} is no kind of algorithm that can be run.")


run.register(Stepwise, by_steps)
run.register(Nested, nested)
run.register(OnDensity, on_density)

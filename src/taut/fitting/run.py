"""One run for every algorithm: the one place where it is asked whether an algorithm goes step by step."""

from taut import algorithms
from taut.algorithms.base import Algorithm, Stepwise
from taut.choosing.choose import Choice
from taut.fitting.outcome import Outcome, Request


def run(algorithm: Algorithm, choice: Choice, request: Request) -> Outcome:
    """Learn the problem of `choice` with its algorithm.

    Args:
        algorithm: The algorithm of the choice.
        choice: The five sentences.
        request: What the run works on and how it is watched.
    """
    # Each kind of run is loaded for its own algorithms alone.
    if isinstance(algorithm, Stepwise):
        from taut.fitting.by_steps import by_steps as its_run
    elif isinstance(algorithm, algorithms.Nested):
        from taut.fitting.nested import nested as its_run
    else:
        from taut.fitting.on_density import on_density as its_run
    return its_run(algorithm, choice, request)

"""What a user's function does that JAX cannot trace or differentiate, in words: what, where, and the way out."""

import linecache
import sys
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from taut.errors import ArgumentError

LONGEST_LINE = 80
"""Most characters of a line of the user's code in a message."""
LIBRARIES = {"taut", "jax", "jaxlib", "equinox", "jaxtyping", "numpy", "scipy", "numpyro", "pandas", "polars"}
"""Packages whose frames are not the user's."""
HOST = (
    "calls a function of NumPy, SciPy or another library that JAX cannot differentiate",
    "Use jax.numpy for numpy (jnp.log for np.log), jax.scipy for scipy (jax.scipy.stats.norm.logpdf), or "
    "numpyro.distributions",
)
BRANCH = (
    "asks whether something is true of a parameter (`if`, `while`, `and`, max, sorted), which stands for many values",
    "Use jnp.where(condition, a, b), jnp.maximum or jnp.sort",
)
PLAIN = (
    "makes a plain number of a parameter (float(), int(), .item() or a function of math), which has no derivative",
    "Leave it an array, and use jax.numpy for math",
)
MASK = (
    "picks numbers by a condition on a parameter, so that their count depends on it",
    "Use jnp.where(condition, x, 0.0)",
)
LOOP = (
    "has a loop whose number of rounds depends on a parameter (jax.lax.while_loop or fori_loop), which has no reverse "
    "derivative",
    "Use jax.lax.scan, or fori_loop with fixed bounds",
)
CALLBACK = (
    "calls back into Python (jax.pure_callback), which has no derivative",
    "Write that part with jax.numpy, or give it a derivative by jax.custom_vjp",
)


def cannot_trace(name: str, error: Exception) -> ArgumentError | None:
    """What an error of JAX means for the user's function; None for an error of another kind.

    Args:
        name: Of the function, e.g. "log_joint".
        error: What tracing it raised.
    """
    if isinstance(error, jax.errors.NonConcreteBooleanIndexError):
        why = MASK
    elif isinstance(error, jax.errors.TracerBoolConversionError):
        why = BRANCH
    elif isinstance(error, jax.errors.TracerArrayConversionError):
        why = HOST
    elif isinstance(error, (jax.errors.ConcretizationTypeError, jax.errors.TracerIntegerConversionError)):
        why = PLAIN
    else:
        return None
    return _refusal(name, why, error)


def refuse_without_gradient(name: str, function: Callable, values: Any, program: Any) -> None:
    """Refuse a function that can be computed but not differentiated.

    The gradient is traced only where the function holds a loop or a callback, since tracing it takes time.

    Args:
        name: Of the function.
        function: One number, or an array, of the unknowns.
        values: The unknowns, by shape and dtype.
        program: The function as JAX traced it.

    Raises:
        ArgumentError: With the way out.
    """
    if not any(primitive == "while" or "callback" in primitive for primitive in _primitives(program.jaxpr)):
        return
    varying, fixed = eqx.partition(values, lambda x: isinstance(x, jax.ShapeDtypeStruct))
    try:
        jax.eval_shape(jax.grad(lambda x: jnp.sum(function(eqx.combine(x, fixed)))), varying)
    except ValueError as error:
        for sign, why in (("Reverse-mode", LOOP), ("callback", CALLBACK)):
            if sign in str(error):
                raise _refusal(name, why, error) from error
        raise


def _primitives(jaxpr: Any) -> Iterator[str]:
    """Names of the primitives of a program and of all programs in it."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: hasattr(x, "jaxpr")):
            program = getattr(inner, "jaxpr", inner)
            if hasattr(program, "eqns"):
                yield from _primitives(program)


def _refusal(name: str, why: tuple[str, str], error: Exception) -> ArgumentError:
    what, remedy = why
    return ArgumentError(f"{name} {what}{_where(error)}. {remedy}.")


def _where(error: Exception) -> str:
    """The last line of the user's own code on the way to the error; empty where it is not known."""
    found, trace = None, error.__traceback__
    while trace is not None:
        root = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if root not in LIBRARIES and root not in sys.stdlib_module_names:
            found = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).strip() or found
        trace = trace.tb_next
    return f", in the line `{found[:LONGEST_LINE]}`" if found else ""

"""Checks of a user's log density by shapes: it is called once with shapes only, and nothing is computed or compiled."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.core import precision
from taut.core.trees import cast
from taut.errors import ArgumentError, DataError, TautError
from taut.models.checks.untraceable import cannot_trace, refuse_without_gradient

ARRAYS = (jax.ShapeDtypeStruct, jax.Array, np.ndarray, np.generic)


def check_structure(model: Any, rows: Any = None, dtype: Any = "float64") -> list[str]:
    """Refuse a log density that cannot be called, or that returns something else than log densities.

    Args:
        model: The log density.
        rows: Its data, for the form by rows.
        dtype: The dtype of the fit.

    Returns:
        Notes on what is allowed but odd.

    Raises:
        ArgumentError: names, shapes or dtypes that do not fit, or code that JAX cannot trace.
        DataError: a density by rows without rows.
    """
    bad = [n for n, x in _leaves(model.parameters) if not np.all(np.isfinite(x))]
    if bad:
        raise ArgumentError(f"The start of {bad[0]} is not finite; give finite numbers as its starting values.")
    with precision.context(dtype):
        z = jax.ShapeDtypeStruct((model.parameters.origin.size,), precision.resolve(dtype))
        values = eqx.filter_eval_shape(lambda z: model.parameters.constrain(z)[0], z)
        if not model.by_rows:
            seen = called("log_joint", model.density, model.parameters.names, values)
            return _single("log_joint", seen, dtype)
        if rows is None or not jax.tree.leaves(rows):
            raise DataError("This log density is given by rows; pass the rows as well: model.check(rows).")
        rows = cast(jax.tree.map(np.asarray, rows), precision.resolve(dtype))
        size = len(jax.tree.leaves(rows)[0])
        names = model.parameters.names
        notes = _by_rows(called("log_likelihood", lambda v: model.density(v, rows), names, values), size, dtype)
        return notes + _single("log_prior", called("log_prior", model.prior.log_density, names, values), dtype)


def _leaves(parameters: Any) -> list[tuple[str, np.ndarray]]:
    cuts = np.cumsum([int(np.prod(s)) for s in parameters.free_shapes])[:-1]
    return list(zip(parameters.names, np.split(parameters.origin, cuts), strict=True))


def called(name: str, function: Callable, names: tuple[str, ...], values: Any) -> Any:
    """What a user's function returns, by shape and dtype; what it raises, in words.

    Args:
        name: Of the function.
        function: It.
        names: Of the unknowns.
        values: The unknowns, by shape and dtype.

    Raises:
        ArgumentError: It cannot be called with the unknowns.
    """
    try:
        program, arrays, rest = eqx.filter_make_jaxpr(function)(values)
        refuse_without_gradient(name, function, values, program)
        return eqx.combine(arrays, rest)
    except TautError:
        raise
    except KeyError as error:
        raise ArgumentError(
            f"{name} asks for {error.args[0]!r}, which is no parameter; parameters= names {', '.join(names)}."
        ) from error
    except Exception as error:  # whatever the user's function raises, with the shapes that it was called with
        refusal = cannot_trace(name, error)
        if refusal is not None:
            raise refusal from error
        shapes = ", ".join(
            f"{_path(p)} {x.shape}" for p, x in jax.tree_util.tree_leaves_with_path(values) if isinstance(x, ARRAYS)
        )
        raise ArgumentError(f"{name} failed on parameters of these shapes: {shapes}. {_first_line(error)}") from error


def _path(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]


def _number(name: str, seen: Any) -> None:
    if seen is None:
        raise ArgumentError(f"{name} returns nothing; it must return the log density, in nats. Is a `return` missing?")
    if isinstance(seen, (bool, int, float)):
        raise ArgumentError(f"{name} returns {seen!r}, which does not depend on the parameters.")
    if not isinstance(seen, ARRAYS):
        raise ArgumentError(f"{name} returns a {type(seen).__name__}; it must return one array, in nats.")
    if not np.issubdtype(seen.dtype, np.floating):
        raise ArgumentError(f"{name} returns numbers of dtype {seen.dtype}; log densities are real floating numbers.")


def _precise(name: str, seen: Any, dtype: Any) -> list[str]:
    if np.dtype(seen.dtype).itemsize >= precision.resolve(dtype).itemsize:
        return []
    return [f"{name} computes in {seen.dtype} though the fit is in {precision.resolve(dtype)}: digits are lost."]


def _single(name: str, seen: Any, dtype: Any) -> list[str]:
    _number(name, seen)
    if int(np.prod(seen.shape)) != 1:
        raise ArgumentError(
            f"{name} returns an array of shape {seen.shape}; one number is needed, in nats. Sum over it: jnp.sum(...)."
        )
    return _precise(name, seen, dtype)


def _by_rows(seen: Any, size: int, dtype: Any) -> list[str]:
    _number("log_likelihood", seen)
    if seen.shape != (size,):
        hint = "do not sum over the rows" if seen.shape == () else "sum over all other axes"
        raise ArgumentError(
            f"log_likelihood returns shape {seen.shape}; one number for each of the {size} rows is needed, ({size},): "
            f"{hint}."
        )
    return _precise("log_likelihood", seen, dtype)

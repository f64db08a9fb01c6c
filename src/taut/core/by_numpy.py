"""A JAX function of small arrays run by NumPy, operation by operation: traced, and never compiled.

Compiling takes a second where running takes a hundredth of one. The function is written for one point; here it is run
at T points at once, with the points on a first axis that every unknown value has. What depends on known arguments alone
is computed once. Values are broadcast as late as may be, so that a scalar of each point stays a scalar, and a choice
(`lax.cond`) is made point by point.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import Literal

from taut.core.numpy_operations import Unsupported, operation, taken, whole

INLINED = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}
LARGEST = 2**15
"""Numbers in the largest array: two of them fit the cache."""


class ByNumPy:
    """A function of one point, run at many.

    Args:
        closed: its jaxpr; the known arguments stand first.
        known: the values of the first arguments.

    Raises:
        Unsupported: an operation that is not known here, whose name is the message.

    Attributes:
        work: numbers that are computed for a point.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(lambda a, x: (a * x).sum())(np.ones(2), np.ones(2))
        >>> ByNumPy(closed, [np.array([1.0, 2.0])])(np.ones((3, 2)))[0].tolist()
        [3.0, 3.0, 3.0]
    """

    def __init__(self, closed: Any, known: Sequence[np.ndarray]):
        jaxpr = closed.jaxpr
        self._steps: list[tuple[Callable[..., Any], list[Any], list[int], list[int]]] = []
        self._slots, self.work = 0, 0
        self._widest = max((int(np.prod(x.aval.shape)) for x in jaxpr.outvars), default=1)
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, map(np.asarray, closed.consts), strict=True))
        values |= dict(zip(jaxpr.invars, map(np.asarray, known), strict=False))
        self._inputs = [self._slot() for _ in jaxpr.invars[len(known) :]]
        values |= dict(zip(jaxpr.invars[len(known) :], self._inputs, strict=True))
        self._add(jaxpr, values)
        self._outputs = [(_read(values, var), var.aval.shape) for var in jaxpr.outvars]
        self._forget()

    def __call__(self, *arguments: np.ndarray) -> list[np.ndarray]:
        """The results at T points, `[T, ...]` each, for the unknown arguments `[T, ...]`."""
        T, size = len(arguments[0]), max(1, LARGEST // max(1, self._widest))
        with np.errstate(all="ignore"):
            parts = [self._run([x[at : at + size] for x in arguments]) for at in range(0, T, size)]
        return parts[0] if len(parts) == 1 else [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _run(self, arguments: Sequence[np.ndarray]) -> list[np.ndarray]:
        memory: list[Any] = [None] * self._slots
        memory[: len(arguments)] = arguments
        for function, sources, targets, dead in self._steps:
            results = function(*(memory[x] if type(x) is int else x for x in sources))
            if len(targets) == 1:
                memory[targets[0]] = results
            else:
                for target, result in zip(targets, results, strict=True):
                    memory[target] = result
            for slot in dead:
                memory[slot] = None
        T = len(arguments[0])
        return [whole(memory[x] if type(x) is int else x, (T, *shape)) for x, shape in self._outputs]

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1

    def _add(self, jaxpr: Any, values: dict[Any, Any]) -> None:
        """Add a jaxpr's equations; an unknown value is the number of its slot, a known one is an array."""
        for equation in jaxpr.eqns:
            name, sources = equation.primitive.name, [_read(values, x) for x in equation.invars]
            if name in INLINED:
                inner = equation.params[INLINED[name]]
                within = dict(zip(inner.jaxpr.constvars, map(np.asarray, inner.consts), strict=True))
                within |= dict(zip(inner.jaxpr.invars, sources, strict=True))
                self._add(inner.jaxpr, within)
                values |= zip(equation.outvars, [_read(within, x) for x in inner.jaxpr.outvars], strict=True)
                continue
            unknown = any(type(x) is int for x in sources)
            if name == "cond":
                function = _choice(equation, sources)
            elif name == "gather":
                function = taken(equation, sources)
            else:
                function = operation(equation, [type(x) is int for x in sources], int(unknown))
            if not unknown:
                with np.errstate(all="ignore"):
                    results = function(*sources)
                several = len(equation.outvars) > 1
                values |= zip(equation.outvars, results if several else [results], strict=True)
                continue
            targets = [self._slot() for _ in equation.outvars]
            values |= zip(equation.outvars, targets, strict=True)
            self._steps.append((function, sources, targets, []))
            sizes = [int(np.prod(x.aval.shape)) for x in equation.outvars]
            self.work += sum(sizes) if name != "cond" else function.work  # pyright: ignore[reportFunctionMemberAccess]
            self._widest = max(self._widest, *sizes)

    def _forget(self) -> None:
        """Note with each step which slots are read for the last time."""
        later = {x for x, _ in self._outputs if type(x) is int}
        for _, sources, targets, dead in reversed(self._steps):
            read = {x for x in sources if type(x) is int} | set(targets)
            dead += sorted(read - later)
            later |= read


def _read(values: dict[Any, Any], var: Any) -> Any:
    if not isinstance(var, Literal):
        return values[var]
    of: Any = var.aval
    return np.asarray(var.val, of.dtype)


class _choice:
    """One of several branches for each point."""

    def __init__(self, equation: Any, sources: list[Any]):
        self._unknown = [type(x) is int for x in sources]
        if not self._unknown[0]:
            raise Unsupported("cond of a known predicate")
        known = [x for x in sources[1:] if type(x) is not int]
        self._branches = [
            ByNumPy(_reordered(branch, self._unknown[1:]), known) for branch in equation.params["branches"]
        ]
        self.work = min(branch.work for branch in self._branches)

    def __call__(self, which: np.ndarray, *operands: Any) -> Any:
        unknown = [x for x, u in zip(operands, self._unknown[1:], strict=True) if u]
        parts, places = [], []
        for number, branch in enumerate(self._branches):
            here = np.flatnonzero(which == number)
            if len(here):
                parts.append(branch(*(x if len(here) == len(which) else x[here] for x in unknown)))
                places.append(here)
        if len(parts) == 1:
            results = parts[0]
        else:
            back = np.argsort(np.concatenate(places))
            results = [np.concatenate(each)[back] for each in zip(*parts, strict=True)]
        return results if len(results) > 1 else results[0]


def _reordered(closed: Any, unknown: list[bool]) -> Any:
    """The same branch with its known arguments first."""
    order = [i for i, u in enumerate(unknown) if not u] + [i for i, u in enumerate(unknown) if u]
    jaxpr = closed.jaxpr.replace(
        invars=[closed.jaxpr.invars[i] for i in order], debug_info=closed.jaxpr.debug_info.with_unknown_names()
    )
    return closed.replace(jaxpr=jaxpr)

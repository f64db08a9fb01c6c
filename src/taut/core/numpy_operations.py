"""The operations of JAX's traced functions in NumPy, with an axis of points in front of every unknown value.

Values are broadcast as late as may be: an axis of length one stands for any length, until an operation needs all of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import special

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "add_any": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "square": np.square,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "logistic": special.expit,
    "erf": special.erf,
    "erfc": special.erfc,
    "lgamma": special.gammaln,
    "digamma": special.psi,
    "floor": np.floor,
    "is_finite": np.isfinite,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "not": np.invert,
    "stop_gradient": lambda x: x,
    "copy": lambda x: x,
}
REDUCTIONS = {"reduce_sum": np.sum, "reduce_max": np.max, "reduce_min": np.min, "reduce_and": np.all}


class Unsupported(Exception):
    """An operation that is not known here."""


def whole(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A value with every axis in its full length."""
    return value if value.shape == shape else np.broadcast_to(value, shape)


def operation(equation: Any, unknown: list[bool], first: int) -> Callable[..., Any]:
    """The NumPy function of an equation; `first` is 1 where its result has an axis of points, else 0."""
    name, params = equation.primitive.name, equation.params
    shapes = [x.aval.shape for x in equation.invars]
    if name in ELEMENTWISE:
        return _elementwise(ELEMENTWISE[name], shapes, unknown)
    if name == "integer_pow":
        return np.square if params["y"] == 2 else lambda x: x ** params["y"]
    if name == "convert_element_type":
        return lambda x: x.astype(params["new_dtype"])
    if name == "select_n":
        return _selection(shapes, unknown)
    if name == "broadcast_in_dim":
        return _broadcast(params["shape"], params["broadcast_dimensions"], first)
    if name == "iota":
        return lambda: _iota(params)
    if name == "dot_general":
        return _product(params["dimension_numbers"], shapes, unknown)

    def full(x: Any, k: int = 0) -> np.ndarray:
        return whole(x, (len(x), *shapes[k]) if unknown[k] else shapes[k])

    if name in REDUCTIONS:
        axes = tuple(a + first for a in params["axes"])
        return lambda x: REDUCTIONS[name](full(x), axis=axes)
    if name in ("reshape", "squeeze"):
        shape = equation.outvars[0].aval.shape
        return lambda x: full(x).reshape((len(x), *shape) if first else shape)
    if name == "slice":
        cut = zip(params["start_indices"], params["limit_indices"], params["strides"] or shapes[0], strict=True)
        steps = [slice(a, b, c if params["strides"] else 1) for a, b, c in cut]
        return lambda x: full(x)[(slice(None),) * first + tuple(steps)]
    if name == "cumsum":
        return lambda x: _cumulated(full(x), params["axis"] + first, params["reverse"])
    if name == "concatenate":
        return lambda *xs: _joined(xs, shapes, unknown, params["dimension"] + first)
    raise Unsupported(name)


def _elementwise(
    function: Callable[..., Any], shapes: list[tuple[int, ...]], unknown: list[bool]
) -> Callable[..., Any]:
    """The function; a number of each point among arrays is given their axes."""
    rank = max(map(len, shapes))
    if all(not u or len(shape) == rank for shape, u in zip(shapes, unknown, strict=True)):
        return function
    more = [(1,) * (rank - len(shape)) if u else () for shape, u in zip(shapes, unknown, strict=True)]
    return lambda *xs: function(*(x.reshape(x.shape + m) for x, m in zip(xs, more, strict=True)))


def _selection(shapes: list[tuple[int, ...]], unknown: list[bool]) -> Callable[..., Any]:
    """A choice among two, element by element; one predicate may stand for all elements of a point."""
    if len(shapes) != 3:
        raise Unsupported("select_n of more than two")
    more = (1,) * (len(shapes[1]) - len(shapes[0]))
    if more and unknown[0]:
        return lambda which, no, yes: np.where(which.reshape(which.shape + more), yes, no)
    return lambda which, no, yes: np.where(which, yes, no)


def _broadcast(shape: tuple[int, ...], places: tuple[int, ...], first: int) -> Callable[..., Any]:
    """Only the axes are put in their places; NumPy repeats what is to be repeated."""

    def broadcast(x: Any) -> np.ndarray:
        new = [1] * len(shape)
        for place, size in zip(places, x.shape[first:], strict=True):
            new[place] = size
        return x.reshape(*x.shape[:first], *new)

    return broadcast


def taken(equation: Any, sources: list[Any]) -> Callable[..., Any]:
    """Elements of a vector at known places within it."""
    numbers, vector = equation.params["dimension_numbers"], equation.invars[0].aval.shape
    if type(sources[1]) is int or len(vector) != 1 or numbers.collapsed_slice_dims != (0,):
        raise Unsupported("gather")
    places = np.broadcast_to(sources[1], equation.invars[1].aval.shape)[..., 0]
    if places.size and not (places.min() >= 0 and places.max() < vector[0]):
        raise Unsupported("gather")
    return lambda x, _: x[..., places]


def _iota(params: Any) -> np.ndarray:
    shape = [1] * len(params["shape"])
    shape[params["dimension"]] = -1
    return np.arange(params["shape"][params["dimension"]], dtype=params["dtype"]).reshape(shape)


def _product(dimensions: Any, shapes: list[tuple[int, ...]], unknown: list[bool]) -> Callable[..., Any]:
    """A sum of products along the last axis of the one and the only axis of the other, or any such by `einsum`."""
    (left, right), (left_batch, right_batch) = dimensions
    if not left_batch and unknown == [True, False] and left == (len(shapes[0]) - 1,) and len(shapes[1]) == 1:
        return lambda a, b: whole(a, (len(a), *shapes[0])) @ whole(b, shapes[1])
    letters = iter("abcdefghijklmnopqrstuvwxy")
    ours, theirs = [next(letters) for _ in shapes[0]], [next(letters) for _ in shapes[1]]
    for a, b in (*zip(left, right, strict=True), *zip(left_batch, right_batch, strict=True)):
        theirs[b] = ours[a]
    batch = [ours[a] for a in left_batch]
    free = [x for i, x in enumerate(ours) if i not in left and i not in left_batch]
    free += [x for i, x in enumerate(theirs) if i not in right and i not in right_batch]
    terms = ["".join(("z" if u else "", *x)) for u, x in zip(unknown, (ours, theirs), strict=True)]
    rule = f"{terms[0]},{terms[1]}->{'z' if any(unknown) else ''}{''.join(batch + free)}"

    def product(*sides: Any) -> np.ndarray:
        full = [whole(x, (len(x), *shape) if u else shape) for x, shape, u in zip(sides, shapes, unknown, strict=True)]
        return np.einsum(rule, *full)

    return product


def _cumulated(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


def _joined(parts: Sequence[Any], shapes: list[tuple[int, ...]], unknown: list[bool], axis: int) -> np.ndarray:
    T = next((len(x) for x, u in zip(parts, unknown, strict=True) if u), None)
    return np.concatenate(
        [whole(x, shape if T is None else (T, *shape)) for x, shape in zip(parts, shapes, strict=True)], axis
    )

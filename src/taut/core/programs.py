"""Compiled programs that are shared by functions of the same text: a closure over other data compiles nothing.

JAX finds what it has compiled by the identity of a function, so that a log density that is written anew around new data
is compiled anew. Here a function is traced, the arrays that its code closes over become arguments, and the program is
looked up by its text, which is all of what is compiled.
"""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from taut.core.compilation import PLAIN, rejects_options


class Static:
    """The static half of a pytree, compared as Equinox compares it, so that it can key a cache."""

    def __init__(self, tree: Any):
        self.tree = tree
        leaves, self._structure = jax.tree.flatten(tree)
        self._leaves = tuple(leaves)

    def __hash__(self):
        return hash((self._structure, self._leaves))

    def __eq__(self, other):
        return (self._structure, self._leaves) == (other._structure, other._leaves)


class Lowered:
    """A lowered program, compared by its text."""

    def __init__(self, lowered: Any):
        self.lowered, self.text = lowered, lowered.as_text()

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        return self.text == other.text


class Program:
    """A function of pytrees of arrays as a program of flat arrays: the constants that its code closes over come first.

    Args:
        function: Of pytrees of arrays, which it gives, too.
        arguments: Arrays, or their shapes and dtypes.

    Attributes:
        lowered: The program.
    """

    def __init__(self, function: Callable, *arguments: Any):
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        self._constants, self._tree = list(closed.consts), jax.tree.structure(shapes)
        count = len(self._constants)

        def program(*flat):
            return jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, list(flat[:count])))(*flat[count:])

        program.__name__ = getattr(function, "__name__", "program")
        # An argument that is left out would not be seen in the text.
        whole = jax.jit(program, keep_unused=True)
        self.lowered = Lowered(whole.lower(*self._constants, *jax.tree.leaves(arguments)))

    def compiled(self, plain: bool) -> Callable:
        """The compiled function, translated plainly or with full optimisation."""
        run, constants, tree = executable(self.lowered, plain), self._constants, self._tree
        return lambda *arguments: jax.tree.unflatten(tree, run(*constants, *jax.tree.leaves(arguments)))


@functools.lru_cache(maxsize=64)
def executable(program: Lowered, plain: bool) -> Any:
    """The compiled program; translated plainly where that is asked for and XLA can."""
    if not plain:
        return program.lowered.compile()
    try:
        return program.lowered.compile(compiler_options=PLAIN)
    except Exception as error:
        if not rejects_options(error):
            raise
        return program.lowered.compile()


class Shared:
    """A function of pytrees that is compiled once for all arguments that make the same program of it.

    Args:
        function: It gives arrays. Its arguments may hold functions, of a user's density for example.

    Example:
        >>> import numpy as np
        >>> at_two = Shared(lambda f: f(2.0))
        >>> [float(at_two(lambda x, a=np.full(3, a): (a * x).sum(), plain=True)) for a in (1.0, 5.0)]
        [6.0, 30.0]
    """

    def __init__(self, function: Callable):
        self._function = function
        self._programs = functools.lru_cache(maxsize=64)(self._traced)

    def __call__(self, *arguments: Any, plain: bool) -> Any:
        """Call the function, compiled plainly or with full optimisation; without a CPU it is always the latter."""
        arrays, static = eqx.partition(arguments, eqx.is_array)
        leaves, tree = jax.tree.flatten(arrays)
        leaves = [jax.numpy.asarray(a) for a in leaves]
        shapes = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in leaves)
        program = self._programs(Static(static), tree, shapes)
        return program.compiled(plain and jax.default_backend() == "cpu")(leaves)

    def _traced(self, static: Static, tree: Any, shapes: tuple) -> Program:
        def call(leaves):
            return self._function(*eqx.combine(jax.tree.unflatten(tree, leaves), static.tree))

        call.__name__ = getattr(self._function, "__name__", "program")
        return Program(call, list(shapes))

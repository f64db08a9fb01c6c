"""Functions compiled plainly or with full optimisation: on small problems compiling is nearly all of the time.

Measured on the natural gradient's loop, breast-cancer data, CPU seconds: full optimisation 5.6 to compile and 0.010 to
run, plain 0.8 and 0.019. Sharing compiled functions saves only the second fit; this saves the first.
"""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

from taut.errors import TautError

PLAIN = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
"""XLA's options for a plain translation on CPU. JAX does not promise to keep them, so every use needs a fallback."""


def rejects_options(error: Exception) -> bool:
    """Whether `error` says that this version of XLA does not know the options `PLAIN`."""
    return not isinstance(error, TautError) and "compile option" in str(error)


class Compiled:
    """A function compiled at module level in two ways, chosen call by call.

    Args:
        function: A function of pytrees. Their static parts are compared by value, as `equinox.filter_jit` does.

    Example:
        >>> import jax.numpy as jnp
        >>> double = Compiled(lambda x: 2 * x)
        >>> double(jnp.ones(2), plain=True).tolist()
        [2.0, 2.0]
    """

    def __init__(self, function: Callable):
        self._function = function
        self._plain_works = True

    @functools.cached_property
    def _optimised(self) -> Callable:
        return eqx.filter_jit(self._function)

    @functools.cached_property
    def _plain(self) -> Callable:
        return eqx.filter_jit(self._function, compiler_options=PLAIN)  # pyright: ignore[reportCallIssue]

    def __call__(self, *arguments: Any, plain: bool) -> Any:
        """Call the function, compiled plainly or with full optimisation; without a CPU it is always the latter."""
        if not (plain and self._plain_works and jax.default_backend() == "cpu"):
            return self._optimised(*arguments)
        try:
            return self._plain(*arguments)
        except Exception as error:
            if not rejects_options(error):
                raise
            self._plain_works = False
            return self._optimised(*arguments)

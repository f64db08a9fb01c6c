"""Flax modules, linen and nnx, as networks: callable pytrees whose leaves are the module's parameters."""

import sys
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.core.names import brief
from taut.errors import ArgumentError


class FlaxNetwork(eqx.Module):
    """A Flax module with its parameters, called on one example.

    Attributes:
        parameters: The module's `params`; everything else that it holds stays as it is.
        module: Name of the module's class.
        apply: `(parameters, x) -> output`.
    """

    parameters: Any
    module: str = eqx.field(static=True)
    apply: Callable = eqx.field(static=True)

    def __call__(self, x: Any) -> Any:
        """The output for one example."""
        return self.apply(self.parameters, x)


def from_flax(module: Any, example: Any = None, *, seed: int = 0) -> FlaxNetwork:
    """A Flax module as a network of Taut; `taut.fit` makes it of an encoder or decoder by itself.

    Networks are called on one example and without random numbers, so that dropout and batch statistics must be switched
    off.

    Args:
        module: A linen module, or an nnx module, which has its parameters already.
        example: One example that it is called on, to initialise a linen module that is not bound.
        seed: Of this start.

    Raises:
        ArgumentError: No Flax module, an example that it does not take, or a module in training mode.
    """
    linen, nnx = _loaded("flax.linen"), _loaded("flax.nnx")
    if nnx is not None and isinstance(module, nnx.Module):
        return _of_nnx(nnx, module)
    if linen is None or not isinstance(module, linen.Module):
        raise ArgumentError(f"module={brief(module)} is no Flax module; give one of flax.linen or flax.nnx.")
    if module.scope is not None:  # bound to its variables
        module, variables = module.unbind()
    else:
        if example is None:
            raise ArgumentError("A linen module that is not bound needs an example: from_flax(module, x[0]).")
        try:
            variables = module.init(jax.random.key(seed), np.asarray(example, np.float32))
        except Exception as error:  # the module is the user's own code
            raise ArgumentError(
                f"{type(module).__name__} cannot be initialised on an example of shape {np.shape(example)}: "
                f"{first_line(error)}"
            ) from error
    fixed = {name: value for name, value in variables.items() if name != "params"}
    parameters = jax.tree.map(np.asarray, variables.get("params", {}))
    return FlaxNetwork(parameters, type(module).__name__, lambda p, x: module.apply({"params": p, **fixed}, x))


def _of_nnx(nnx: Any, module: Any) -> FlaxNetwork:
    for path, part in nnx.iter_modules(module):
        if getattr(part, "deterministic", None) is False or getattr(part, "use_running_average", None) is False:
            where = ".".join(map(str, path)) or type(module).__name__
            raise ArgumentError(
                f"The layer {where} of {type(module).__name__} is in training mode, and a network is called on one "
                "example without random numbers: call module.eval() first."
            )
    graph, parameters, fixed = nnx.split(module, nnx.Param, ...)
    parameters = jax.tree.map(np.asarray, parameters)
    return FlaxNetwork(parameters, type(module).__name__, lambda p, x: nnx.merge(graph, p, fixed)(x))


def as_network(part: str, network: Any, example: Any = None, *, seed: int = 0) -> Any:
    """What is given as an encoder or decoder, as a callable pytree.

    Args:
        part: What a message calls it, "encoder" or "decoder".
        network: A callable pytree, or a Flax module.
        example: One example that it is called on; a linen module waits, as it is, where there is none yet.
        seed: Of the start of a linen module.

    Raises:
        ArgumentError: What cannot be called, or a network of another library.
    """
    linen, nnx, torch = (_loaded(name) for name in ("flax.linen", "flax.nnx", "torch.nn"))
    if torch is not None and isinstance(network, torch.Module):
        raise ArgumentError(
            f"{part}={brief(network)} is a PyTorch module, which JAX cannot differentiate; build it with Equinox, Flax "
            "or taut.networks."
        )
    if not callable(network) or isinstance(network, type):
        raise ArgumentError(
            f"{part}={brief(network)} is no network that can be called; give a function or a module of Equinox, Flax "
            "or taut.networks."
        )
    if nnx is not None and isinstance(network, nnx.Module):
        return from_flax(network)
    if waits(network) and (example is not None or network.scope is not None):
        return from_flax(network, example, seed=seed)
    return network


def waits(network: Any) -> bool:
    """Whether it is a linen module, which has no parameters before it has seen an example."""
    linen = _loaded("flax.linen")
    return linen is not None and isinstance(network, linen.Module)


def first_line(error: Exception) -> str:
    """The first line of another library's message, cut."""
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:300]


def _loaded(module: str) -> Any:
    """The module if someone has imported it: who gives a part of a library has loaded it."""
    return sys.modules.get(module)

"""What a network gives for one example, by shapes alone: nothing is computed or compiled."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.errors import ArgumentError, TautError
from taut.networks.flax import first_line


def output_of(part: str, network: Any, shape: tuple[int, ...], takes: str) -> Any:
    """The output of a network by shape and dtype.

    Args:
        part: What a message calls the network, "encoder" or "decoder".
        network: The network.
        shape: Of the example that it is called on.
        takes: What this is, in words.

    Raises:
        ArgumentError: The network fails on it, with the first line of what it says.
    """
    try:
        return eqx.filter_eval_shape(network, jax.ShapeDtypeStruct(shape, np.float32))
    except TautError:
        raise
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        raise ArgumentError(
            f"The {part} cannot be differentiated by JAX: it treats its input as plain numbers, in an `if`, in float() "
            f"or in a function of NumPy. Use jax.numpy. JAX says: {first_line(error)}"
        ) from error
    except Exception as error:  # the network is the user's own code
        raise ArgumentError(f"The {part} does not take {takes}: {type(error).__name__}: {first_line(error)}") from error


def sizes(seen: Any) -> str:
    """What a network gave, for a message: the shape of an array, the type of anything else.

    Example:
        >>> sizes(jax.ShapeDtypeStruct((3,), float)), sizes({"mean": 1})
        ('an array of shape (3,)', 'a dict')
    """
    if isinstance(seen, (jax.ShapeDtypeStruct, jax.Array, np.ndarray)):
        return f"an array of shape {seen.shape}"
    if isinstance(seen, (tuple, list)):
        return f"a {type(seen).__name__} of {', '.join(map(sizes, seen)) or 'nothing'}"
    return "nothing" if seen is None else f"a {type(seen).__name__}"

"""Examples as the rows of a latent-variable model: arrays, or splits that were binarised."""

from typing import Any

import jax
import numpy as np

from taut.core.names import brief
from taut.data.arrays import array_rows, as_arrays, refuse_nonfinite
from taut.data.given import Given, Rows
from taut.data.images.binarisation import Binarised, HeldOut, Training
from taut.data.images.splits import Images
from taut.errors import DataError
from taut.models.latent import LatentVariableModel

TRIED = 100
"""Examples that a transform is tried on."""


def example_rows(model: LatentVariableModel, given: Given) -> Rows:
    """Examples with their held-out examples and transform, checked as the model will see them.

    Raises:
        DataError: Images that are not for training, or that do not fit the likelihood.
        ArgumentError: A decoder that does not fit the examples.
    """
    given = _unpacked(given)
    found = array_rows(model, given)
    rows = found.rows
    if given.data is None or not isinstance(rows, np.ndarray) or rows.ndim < 2:
        received = "nothing" if given.data is None else brief(given.data)
        raise DataError(
            "A latent-variable model is fitted to one array of examples, [n, ...] with at least two axes; received "
            f"{received}. Call taut.fit(model, examples)."
        )
    if np.issubdtype(rows.dtype, np.complexfloating):
        raise DataError(f"Examples of dtype {rows.dtype} cannot be used; give real numbers.")
    transform: Any = given.transform
    seen = rows if transform is None else np.asarray(transform(jax.random.key(0), jax.device_put(rows[:TRIED])))
    model.check_examples(seen)
    return found._replace(validation=_held_out(model, given.validation, seen.shape[1:]))


def _held_out(model: LatentVariableModel, validation: Any, shape: tuple[int, ...]) -> Any:
    """Held-out examples, as the model sees them.

    Raises:
        DataError: Something else than examples of this shape.
    """
    if validation is None:
        return None
    examples = as_arrays(validation)
    if not isinstance(examples, np.ndarray) or examples.shape[1:] != shape or not len(examples):
        raise DataError(
            f"validation= is {brief(validation)}; held-out examples of the shape of those for training are needed, "
            f"[n, {', '.join(map(str, shape))}]."
        )
    refuse_nonfinite(examples)
    model.likelihood.check(examples)
    return examples


def _unpacked(given: Given) -> Given:
    """The arrays inside splits that were binarised."""
    data, validation, transform = given.data, given.validation, given.transform
    if isinstance(data, Binarised):
        validation = data.validation if validation is None else validation
        data = data.train
    if isinstance(data, (HeldOut, Images)):
        what = "held out, not for training" if isinstance(data, HeldOut) else "not in the form that a likelihood takes"
        raise DataError(f"These images are {what}; give taut.data.binarise(kind, images), or its .train.")
    if isinstance(validation, Training):
        raise DataError("validation= are the training images; give held-out ones.")
    if isinstance(data, Training):
        transform = data.transform if transform is None else transform
        data = data.rows
    if isinstance(validation, HeldOut):
        validation = validation.rows
    return given._replace(data=data, validation=validation, transform=transform)

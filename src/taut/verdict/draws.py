"""Draws of q, their log densities, and the named unknowns at them."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.gaussians import Gaussian, even_draws, matched_draws
from taut.algorithms.on_density.stretched import Stretched, paired_draws
from taut.core import precision
from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.core.trees import is_float_array
from taut.families import Family, GaussianMixture, StretchedGaussian
from taut.families.abilities import Precision
from taut.models import Model

Columns = Callable[[np.ndarray], tuple[tuple[str, ...], np.ndarray]]
"""A function `z -> (names, [n, M])` that names the unknowns."""
JUDGE_STREAM = 2**31 - 2
"""Number that sets the random numbers of the verdict apart from those of the fit."""


@Compiled
def _draw(family: Any, keys: Any) -> Any:
    return jax.vmap(lambda key: family.sample_and_log_prob(family.noise(key)))(keys)


@Compiled
def _sample(family: Any, noise: Any) -> Any:
    return jax.vmap(family.sample)(noise)


@Compiled
def _place(family: Any, noise: Any) -> Any:
    return jax.vmap(family.sample_and_log_prob)(noise)


@Compiled
def _log_prob(family: Any, z: Any) -> Any:
    return jax.vmap(family.log_prob)(z)


@Compiled
def _constrain(naming: Any, z: Any) -> Any:
    return eqx.filter_vmap(lambda one: naming.constrain(one))(z)  # a network carries its activation function


def gaussian_of(family: Family) -> Gaussian | None:
    """A Gaussian family's member in host memory; None for any other family."""
    if Capability.PRECISION not in family.offers:
        return None
    gaussian = cast(Precision, family)
    return Gaussian(np.asarray(gaussian.mean, float), gaussian.host_factor())


def on_host(family: Family) -> Gaussian | Stretched | None:
    """A member in host memory, whose draws are products with standard normal numbers; None where there is none."""
    return Stretched.of(family) if isinstance(family, StretchedGaussian) else gaussian_of(family)


def draws_of(family: Family, n: int, seed: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """`n` independent draws of q, `[n, D]`, and their log densities, `[n]`."""
    q = on_host(family)
    if q is not None:
        noise = np.random.default_rng([seed, JUDGE_STREAM]).standard_normal((n, q.mean.size))
        return q.at(noise), q.log_prob(noise)
    with precision.context(dtype):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), JUDGE_STREAM), n)
        z, log_q = _draw(family, keys, plain=True)
    return np.asarray(z, float), np.asarray(log_q, float)


def log_prob_of(family: Family, z: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """log q at given draws, `[n]`, in nats."""
    with precision.context(dtype):
        return np.asarray(_log_prob(family, z.astype(dtype), plain=True), float)


def plain_draws(family: Family, n: int, seed: int, dtype: np.dtype) -> np.ndarray:
    """`n` draws of q, `[n, D]`, for averages: independent only where nothing better is known of q's noise.

    Normal noise is antithetic with matched moments, so that the first two moments of a Gaussian q are exact; that of a
    bent q is also spread evenly, by Sobol's points; a mixture takes from each component as many draws as its weight is.

    Args:
        family: q.
        n: Number of draws, even.
        seed: Seed of the draws.
        dtype: The dtype of the computation.
    """
    q, rng = on_host(family), np.random.default_rng([seed, JUDGE_STREAM])
    if q is not None:
        numbers = paired_draws if isinstance(q, Stretched) else matched_draws
        return q.at(numbers(rng, n, q.mean.size))
    if Capability.NORMAL_NOISE in family.offers:
        return placed(family, even_draws(rng, n, cast(Any, family).dim), dtype)[0]
    if isinstance(family, GaussianMixture):
        picked = rng.permutation((np.arange(n // 2) + 0.5) / (n // 2))
        noise = np.concatenate([picked, picked]), matched_draws(rng, n, family.dim)
        with precision.context(dtype):
            return np.asarray(_sample(family, jax.tree.map(lambda a: a.astype(dtype), noise), plain=True), float)
    return draws_of(family, n, seed, dtype)[0]


def placed(family: Family, noise: Float[np.ndarray, "n D"], dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The draws of q that normal numbers `noise` give, and log q there."""
    q = on_host(family)
    if q is not None:
        return q.at(noise), q.log_prob(noise)
    with precision.context(dtype):
        z, log_q = _place(family, noise.astype(dtype), plain=True)
    return np.asarray(z, float), np.asarray(log_q, float)


def named_values(model: Model, z: np.ndarray, dtype: np.dtype) -> Any:
    """The named, shaped, constrained values at draws `z` `[n, D]`: a pytree of `[n, ...]`."""
    with precision.context(dtype):
        values = _constrain(model.naming, z.astype(dtype), plain=True)
    values = jax.tree.map(lambda x: np.asarray(x) if eqx.is_array(x) else x, values)
    if not isinstance(values, dict):
        return values
    place = _places([name.partition(".")[0] for name in model.order])
    return {name: values[name] for name in sorted(values, key=lambda name: place.get(name, len(place)))}


def named_columns(
    model: Model,
    z: np.ndarray,
    dtype: np.dtype,
    to_columns: Columns | None = None,
) -> tuple[tuple[str, ...], Float[np.ndarray, "n M"]]:
    """The scalar unknowns at draws `z` `[n, D]` as named columns, by `to_columns` or else by the model's own naming."""
    return columns(named_values(model, z, dtype), model.order) if to_columns is None else to_columns(z)


def _places(names: Sequence[str]) -> dict[str, int]:
    """The first place of each name."""
    return {name: place for place, name in reversed(list(enumerate(names)))}


def columns(values: Any, order: Sequence[str] = ()) -> tuple[tuple[str, ...], Float[np.ndarray, "n M"]]:
    """The floating numbers of a pytree of `[n, ...]` as named columns.

    Args:
        values: The pytree.
        order: Names of leaves in the order of the columns; others come after them, sorted as JAX sorts dictionaries.

    Example:
        >>> columns({"tau": np.ones(3), "theta": np.ones((3, 2))})[0]
        ('tau', 'theta[0]', 'theta[1]')
        >>> columns({"tau": np.ones(3), "mu": np.ones(3)}, order=("tau", "mu"))[0]
        ('tau', 'mu')
    """
    return numbered(by_path(values, order))


def by_path(values: Any, order: Sequence[str] = ()) -> dict[str, Float[np.ndarray, "n ..."]]:
    """The floating arrays of a pytree of `[n, ...]` by path, in an order as for `columns`."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(values, is_float_array))
    named = [(jax.tree_util.keystr(path, simple=True, separator="."), np.asarray(x)) for path, x in leaves]
    at = _places(order)
    return dict(sorted(named, key=lambda one: at.get(one[0], len(at))))


def numbered(arrays: dict[str, Float[np.ndarray, "n ..."]]) -> tuple[tuple[str, ...], Float[np.ndarray, "n M"]]:
    """The numbers of arrays `[n, ...]` as named columns, in the order of the arrays."""
    names, found = [], []
    for name, array in arrays.items():
        for place in np.ndindex(array.shape[1:]):
            names.append(name + (f"[{', '.join(map(str, place))}]" if place else ""))
            found.append(array[(slice(None), *place)])
    return tuple(names), np.stack(found, axis=1)

"""A NumPyro model as a log density."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.errors import ArgumentError
from taut.models.adapters.sites import Sites, SitesDensity, seeded, transform_of, unvalidated
from taut.models.log_density import LogDensity


def from_numpyro(model: Callable, *args: Any, **kwargs: Any) -> LogDensity:
    """A NumPyro model as a log density: its latent sites are the parameters, named and shaped as there.

    Every constant is kept: the ELBO bounds the model's own log evidence. Plates, constrained supports (also those that
    depend on other sites), factors, masks and `scan` are NumPyro's own; deterministic sites are reported with the
    samples.

    Args:
        model: a function with NumPyro's primitives.
        *args: its arguments, data included.
        **kwargs: likewise.

    Raises:
        ArgumentError: what gradients cannot fit: discrete latent sites, subsampled plates, `numpyro.param` sites, no
            latent site at all; with the remedy.

    Example:
        >>> import numpy as np, numpyro
        >>> import numpyro.distributions as dist
        >>> def coin(tosses):
        ...     p = numpyro.sample("p", dist.Beta(2, 2))
        ...     numpyro.sample("tosses", dist.Bernoulli(p).expand(tosses.shape), obs=tosses)
        >>> from_numpyro(coin, np.array([1.0, 0.0, 1.0])).parameters.names
        ('p',)
    """
    if not callable(model):
        raise ArgumentError(f"model={model!r} is not a function; give the NumPyro model itself, then its arguments.")
    for leaf in jax.tree.leaves((args, kwargs)):
        if not isinstance(leaf, (jax.Array, np.ndarray)) and type(leaf).__hash__ is None:
            raise ArgumentError(f"An argument of the model is a {type(leaf).__name__}; pass its columns as arrays.")
    try:
        found, reported = _sites(model, args, kwargs)
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
        # The model computes shapes from its data (how many groups?), so that these cannot be arguments of what is
        # compiled: they become constants.
        model, args, kwargs = _bound(model, args, kwargs), (), {}
        found, reported = _sites(model, args, kwargs)
    if not found:
        raise ArgumentError("The NumPyro model has no latent site: every numpyro.sample is observed.")
    names = tuple(sorted(found))
    kinds, shapes, free_shapes = zip(*(found[name] for name in names), strict=True)
    sites = Sites(
        model=model,
        args=args,
        kwargs=kwargs,
        names=names,
        kinds=kinds,
        shapes=shapes,
        free_shapes=free_shapes,
        origin=np.zeros(sum(int(np.prod(s)) for s in free_shapes)),
        declared=(*found, *reported),
    )
    return LogDensity(SitesDensity(sites), parameters=sites)


def _bound(model: Callable, args: tuple, kwargs: dict[str, Any]) -> Callable:
    return lambda: model(*args, **kwargs)


def _sites(model: Callable, args: tuple, kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(kind, shape, free shape) of each latent site, and the deterministic ones; by shapes: nothing is computed."""
    found: dict[str, Any] = {}
    reported: list[str] = []
    arrays, rest = eqx.partition((args, kwargs), eqx.is_array)

    def look(arrays):
        from numpyro.handlers import substitute, trace

        args, kwargs = eqx.combine(arrays, rest)
        with unvalidated():
            traced = trace(substitute(seeded(model), substitute_fn=_stand_in))
            for name, site in traced.get_trace(*args, **kwargs).items():
                _refuse(name, site)
                if site["type"] == "deterministic":
                    reported.append(name)
                if site["type"] == "sample" and not site["is_observed"]:
                    shape, transform = np.shape(site["value"]), transform_of(site)
                    found[name] = (_kind(site["fn"].support), shape, tuple(transform.inverse_shape(shape)))

    with jax.enable_x64(True):
        jax.eval_shape(look, arrays)
    return found, reported


def _stand_in(site: Any) -> Any:
    """A value for a site that cannot be drawn (`ImproperUniform`, a density of one's own); None where it can."""
    if site["type"] != "sample" or site["is_observed"] or site["fn"].support.is_discrete:
        return None
    try:
        site["fn"].sample(jax.random.PRNGKey(0))
    except NotImplementedError:
        return jnp.zeros(site["fn"].shape())
    return None


def _refuse(name: str, site: Any) -> None:
    kind = site["type"]
    if kind == "param":
        raise ArgumentError(
            f"numpyro.param({name!r}) in the model has no prior, so that it has no posterior. Give it one with "
            "numpyro.sample (dist.ImproperUniform where it shall be flat), or pass its value as an argument."
        )
    if kind == "plate":
        size, subsample = site["args"]
        if subsample is not None and size != subsample:
            raise ArgumentError(
                f"The plate {name!r} takes {subsample} of {size} rows at random; the noise of subsampling would "
                "spoil the gradients' exactness and every importance weight. Drop subsample_size; for minibatches "
                "use taut.models.LogDensity(log_likelihood=..., log_prior=...) with batch_size."
            )
    if kind == "sample" and not site["is_observed"] and site["fn"].support.is_discrete:
        raise ArgumentError(
            f"The latent site {name!r} is discrete ({type(site['fn']).__name__}); gradients cannot fit it. Sum it "
            "out: numpyro.distributions.MixtureSameFamily for mixtures, the forward recursion for hidden Markov "
            "chains, or jax.scipy.special.logsumexp over its values in a numpyro.factor. If it is data, pass obs=."
        )


def _kind(support: Any) -> str:
    """NumPyro's name of a support in Taut's words where there is one."""
    support = getattr(support, "base_constraint", support)
    name = type(support).__name__.strip("_")
    known = {
        "Real": "real",
        "Positive": "positive",
        "SoftplusPositive": "positive",
        "UnitInterval": "unit interval",
        "Interval": "bounded",
        "Simplex": "simplex",
        "OrderedVector": "ordered",
        "PositiveOrderedVector": "positive ordered",
        "GreaterThan": "above",
        "LessThan": "below",
        "CorrCholesky": "correlation factor",
        "LowerCholesky": "covariance factor",
    }
    return known.get(name, name)

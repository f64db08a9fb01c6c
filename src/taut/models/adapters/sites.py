"""A NumPyro model's latent sites as the unknowns of a log density."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taut.models.unknowns import Unknowns


class Sites(Unknowns):
    """The latent sites of a NumPyro model; its arguments are data, so that others of the same shape compile nothing.

    A site's support may depend on other sites: the model is run to know it, each site's value being put in place by
    `numpyro.handlers.substitute`. What a run does not need (the likelihood, when only values are asked for) the
    compiler leaves out.

    Attributes:
        model: the NumPyro model.
        args, kwargs: its arguments.
        shapes: of the constrained values.
        declared: names in the order of the model: the latent sites, then the deterministic ones.
    """

    model: Callable = eqx.field(static=True)
    args: tuple
    kwargs: dict[str, Any]
    names: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[str, ...] = eqx.field(static=True)
    shapes: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    free_shapes: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    origin: Float[np.ndarray, " D"]
    declared: tuple[str, ...] = eqx.field(static=True, metadata={"fingerprint": False})

    @property
    def order(self):
        """As the model has them, latent sites first; the vector has them sorted."""
        return self.declared

    def constrain(self, z):
        """The values at z, deterministic sites included, and the log-determinant of the Jacobian, in nats."""
        free, at = {}, 0
        for name, shape in zip(self.names, self.free_shapes, strict=True):
            size = int(np.prod(shape))
            free[name] = z[at : at + size].reshape(shape)
            at += size
        trace = self._run(lambda site: _constrained(free, site))
        log_jacobian = jnp.zeros((), z.dtype)
        for name, x in free.items():
            value = trace[name]["value"]
            log_jacobian = log_jacobian + jnp.sum(transform_of(trace[name]).log_abs_det_jacobian(x, value))
        values = {
            n: jnp.asarray(s["value"], z.dtype) if n in free else s["value"]
            for n, s in trace.items()
            if n in free or s["type"] == "deterministic"
        }
        return values, log_jacobian

    def to_vector(self, values):
        """The unconstrained vector of the latent sites' values; others are not needed."""
        trace = self._run(lambda site: values.get(site["name"]) if site["name"] in self.names else None)
        return jnp.concatenate([jnp.ravel(transform_of(trace[n])._inverse(jnp.asarray(values[n]))) for n in self.names])

    def log_joint(self, values: dict[str, Any]) -> Any:
        """log p(x, z) of the latent sites' constrained values, as NumPyro counts it, plates and scales included."""
        from numpyro.infer.util import log_density

        latent = {name: values[name] for name in self.names}
        with unvalidated():
            return log_density(seeded(self.model), self.args, self.kwargs, latent)[0]

    def _run(self, substitute_fn: Callable) -> Any:
        from numpyro.handlers import substitute, trace

        with unvalidated():
            return trace(substitute(seeded(self.model), substitute_fn=substitute_fn)).get_trace(
                *self.args, **self.kwargs
            )


class SitesDensity(eqx.Module):
    """`values -> log p(x, values)`, carrying the model's arguments."""

    sites: Sites

    def __call__(self, values: dict[str, Any]) -> Any:
        """In nats."""
        return self.sites.log_joint(values)


def seeded(model: Callable) -> Callable:
    """The model with a fixed key: all that is unknown is put in place, so that it is used for nothing else."""
    from numpyro.handlers import seed

    return seed(model, jax.random.PRNGKey(0))


def unvalidated() -> Any:
    """Within it NumPyro does not look at values, which are traced."""
    import numpyro

    return numpyro.validation_enabled(False)


def transform_of(site: Any) -> Any:
    """The bijection from the reals onto the site's support."""
    from numpyro.distributions import biject_to

    return biject_to(site["fn"].support)


def _constrained(free: dict[str, Any], site: Any) -> Any:
    """The value of a latent site from its free numbers; within NumPyro's `scan`, of one step."""
    x = free.get(site["name"])
    if x is None or site["type"] != "sample":
        return None
    transform = transform_of(site)
    i = site["infer"].get("_scan_current_index")
    if i is not None and jnp.ndim(x) > len(site["fn"].shape()) - transform.codomain.event_dim + (
        transform.domain.event_dim
    ):
        x = x[i]
    return transform(x)

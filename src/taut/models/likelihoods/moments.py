r"""Expectations of a log-likelihood under eta ~ N(m, v), with exact derivatives.

They are Bonnet's and Price's theorems:

    d/dm E f(eta) = E f'(eta),      d/dv E f(eta) = 1/2 E f''(eta),

so that the three numbers of `Moments` are the value and its derivatives, and no formula is ever differentiated in v,
where a quadrature at v = 0 has none.

Source: M. Opper and C. Archambeau, The Variational Gaussian Approximation Revisited, 2009.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Moments(NamedTuple):
    """Expectations under eta ~ N(m, v), elementwise.

    Attributes:
        value: E log p(y|eta), in nats.
        slope: E d/d eta log p(y|eta), the derivative of `value` in m.
        curvature: -E d2/d eta2 log p(y|eta), minus twice the derivative of `value` in v; not negative where log p is
            concave.
    """

    value: Float[Array, "..."]
    slope: Float[Array, "..."]
    curvature: Float[Array, "..."]


def _shift(at: Moments, dm: Any, dv: Any) -> Any:
    """The change of the value along changes of m and v; None stands for none."""
    parts = [] if dm is None else [at.slope * dm]
    parts += [] if dv is None else [-0.5 * at.curvature * dv]
    return sum(parts) if parts else None


def _added(*changes: Any) -> Any:
    given = [x for x in changes if x is not None]
    return sum(given) if given else None


def _along(likelihood: Any, m: Any, v: Any, y: Any, tangents: Any) -> Any:
    """The change of the moments along changes of the likelihood's own parameters and of y; None stands for none."""
    if not jax.tree.leaves(tangents):
        return None
    return eqx.filter_jvp(lambda lik, y: lik.moments(m, v, y), (likelihood, y), tangents)[1]


@eqx.filter_custom_jvp
def expected_log_prob(likelihood: Any, m: Any, v: Any, y: Any) -> Any:
    """The value of the likelihood's `moments`, with exact derivatives."""
    return likelihood.moments(m, v, y).value


@expected_log_prob.def_jvp
def _expected_log_prob_jvp(primals, tangents):
    likelihood, m, v, y = primals
    own, dm, dv, dy = tangents
    at = likelihood.moments(m, v, y)
    along = _along(likelihood, m, v, y, (own, dy))
    return at.value, _added(_shift(at, dm, dv), None if along is None else along.value)


@eqx.filter_custom_jvp
def expectation(likelihood: Any, m: Any, v: Any, y: Any) -> Any:
    """The likelihood's `moments` as a tuple, with exact derivatives of all three."""
    return tuple(likelihood.moments(m, v, y))


@expectation.def_jvp
def _expectation_jvp(primals, tangents):
    likelihood, m, v, y = primals
    own, dm, dv, dy = tangents
    at = likelihood.moments(m, v, y)
    along = _along(likelihood, m, v, y, (own, dy)) or (None, None, None)

    # The same two theorems further on: -curvature is E f'', and its derivatives in m are E f''' and E f''''.
    def curvature(m):
        return likelihood.moments(m, v, y).curvature

    def third(m):
        return jax.jvp(curvature, (m,), (jnp.ones_like(m),))[1]

    slope = None if dm is None else -at.curvature * dm
    bend = None
    if dv is not None:
        at_third, at_fourth = jax.jvp(third, (m,), (jnp.ones_like(m),))
        slope, bend = _added(slope, -0.5 * at_third * dv), 0.5 * at_fourth * dv
    elif dm is not None:
        at_third = third(m)
    bend = _added(bend, None if dm is None else at_third * dm)
    changes = (_shift(at, dm, dv), slope, bend)
    return tuple(at), tuple(_added(change, more) for change, more in zip(changes, along, strict=True))

"""What a user gives as a prior: one of Taut's, or a distribution of NumPyro."""

import inspect
import sys
from typing import Any

import numpy as np

from taut.core.names import brief, find, unknown
from taut.errors import ArgumentError
from taut.models.empirical import Empirical
from taut.models.prior import BernoulliPrior, Independent, Normal, Prior

WANTED = (
    "give taut.models.Normal(0, 1), or a numpyro.distributions distribution over real numbers such as Laplace(0, 1), "
    "StudentT(4, 0, 1) or MultivariateNormal(mean, covariance)"
)
NAMED: dict[str, type[Prior]] = {"empirical": Empirical}
"""Priors that go by a name."""


def as_prior(value: Any) -> Prior:
    """A prior of Taut as it is, or by its name; a NumPyro distribution as the prior that says most of it.

    A `Normal` keeps its closed expectations, a `Bernoulli` is the prior of binary latents, and any other distribution
    over real numbers counts by its log density alone.

    Raises:
        ArgumentError: Anything else, with what can be given.

    Example:
        >>> import numpyro.distributions as dist
        >>> as_prior(dist.Normal(0.0, 2.0)) == Normal(0.0, 2.0)
        True
        >>> as_prior(dist.Laplace(0.0, 1.0)).learned
        False
    """
    if isinstance(value, Prior):
        return value
    if isinstance(value, str):
        name = find(value, NAMED)
        if name is None:
            raise ArgumentError(f"prior={unknown(value, NAMED)}; or {WANTED}.")
        return NAMED[name]()
    if inspect.isclass(value) and issubclass(value, Prior) and not inspect.isabstract(value):
        raise ArgumentError(f"prior={value.__name__} is a class: call it, prior={value.__name__}(...).")
    known: Any = sys.modules.get("numpyro.distributions")  # who has such a distribution has loaded the library
    if known is None or not isinstance(value, known.Distribution):
        raise ArgumentError(f"prior={brief(value)} is no prior: {WANTED}.")
    inner: Any = value
    while isinstance(inner, (known.Independent, known.ExpandedDistribution)):
        inner = inner.base_dist
    if isinstance(inner, known.Normal):
        given: Any = value
        shape = given.batch_shape + given.event_shape
        loc, scale = (np.asarray(x) if np.ndim(x) else x for x in (inner.loc, inner.scale))
        return Normal(*(x if not shape else np.broadcast_to(x, shape) for x in (loc, scale)))
    if isinstance(inner, (known.BernoulliProbs, known.BernoulliLogits)):
        if np.size(inner.logits) != 1:
            raise ArgumentError("prior=Bernoulli: one probability for all binary units is needed, a single number.")
        return BernoulliPrior(float(np.ravel(inner.logits)[0]))
    return Independent(value)

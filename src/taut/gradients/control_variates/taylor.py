"""Control variates made of the density's derivatives: the delta method, and double control variates."""

from typing import ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp

from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.errors import ArgumentError
from taut.families.abilities import Covariance, Moments
from taut.gradients.control_variates.base import Averaging, ControlVariate, Seen, contributions
from taut.gradients.control_variates.optimal_baseline import ratio, scores
from taut.gradients.evaluate import combine, evaluate
from taut.objectives.base import Objective


def densities(seen: Seen):
    """log p(x|z), log p(z) and log q(z) as functions of z alone."""
    return seen.target.log_likelihood, seen.target.log_prior, stop_gradient(seen.q).log_prob


def linear(objective: Objective, seen: Seen, *terms):
    """The contributions of draws with these log densities, `[K]` each: a linear map, applied to any functions of z."""
    draws = combine(seen.target, stop_gradient(seen.q), *terms, seen.closed)  # pyright: ignore[reportCallIssue]
    return contributions(objective, draws)


class DeltaMethod(Averaging):
    r"""Subtract a quadratic Taylor expansion of the density, and add its expectation back exactly.

    .. math:: h(z) = f(\mu) + g^\top (z - \mu) + \tfrac12 (z - \mu)^\top H (z - \mu), \qquad
              \nabla E[f] = E[(f - a h)\, s] + a\, \nabla E_q[h], \qquad
              E_q[h] = f(\mu) + g^\top E_q[z - \mu] + \tfrac12 \mathrm{tr}(H\, \mathrm{Cov}_q)

    with g and H the derivatives at q's mean. The coefficient a is the best scalar for each statistic: from moving
    averages over earlier steps, uncentred, or from fresh draws, \(a = \mathrm{tr\,Cov}(f s, h s) / \mathrm{tr\,Var}(h
    s)\). Either is independent of the draws it is used on.

    Attributes:
        fresh: Number of independent draws for the coefficient, at least 2; 0 takes it from the past.
        decay: Weight of the past in the moving averages.

    Example:
        >>> DeltaMethod(fresh=25).fresh_draws
        25

    Source: J. Paisley, D. Blei, M. Jordan, Variational Bayesian Inference with Stochastic Search, 2012; S. Mohamed,
    M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020.
    """

    name: ClassVar[str] = "delta"
    needs = frozenset({Capability.MEAN_OVER_DRAWS, Capability.DIFFERENTIABLE, Capability.COVARIANCE})
    fresh: int = eqx.field(static=True, default=0, converter=plain)
    decay: float = eqx.field(static=True, default=0.9)

    def __check_init__(self):
        if not isinstance(self.fresh, int) or self.fresh < 0 or self.fresh == 1:
            raise ArgumentError(f"DeltaMethod(fresh={self.fresh!r}): 0 (from the past), or at least 2 draws.")

    @property
    def fresh_draws(self):
        """The number in `fresh`."""
        return self.fresh

    def evaluations(self, dim):
        """Those at the fresh draws, and D + 1 for the gradient and the Hessian at the mean."""
        return self.fresh + dim + 1

    def init(self, statistics):
        """Nothing known yet; no memory where the coefficient comes from fresh draws."""
        zeros = jax.tree.map(jnp.zeros_like, statistics)
        return () if self.fresh else (zeros, zeros)

    def controlled(self, objective, seen, memory):
        """Contributions minus the expansion's, divided by K; the expansion's expectation as the correction."""
        moments = cast(Covariance, seen.q)
        centre = stop_gradient(moments.mean)
        # The three expansions apart: the compiler drops those whose part of the KL is closed.
        expansions = [(f(centre), jax.grad(f)(centre), jax.hessian(f)(centre)) for f in densities(seen)]

        def expanded(z):
            x = z - centre
            terms = (f + x @ g + 0.5 * jnp.sum((x @ H) * x, axis=-1) for f, g, H in expansions)
            return linear(objective, seen, *terms)

        own, expansion = contributions(objective, seen.draws), expanded(seen.z)
        size = jnp.sum(scores(seen.q, seen.z) ** 2, axis=1)
        K = seen.z.shape[0]
        if self.fresh:
            coefficient, observed = self._from_fresh(objective, seen, expanded), ()
        else:
            coefficient = jax.tree.map(ratio, *memory)
            top = jax.tree.map(lambda f, h: jnp.tensordot(size, f * h, 1) / K, own, expansion)
            bottom = jax.tree.map(lambda h: jnp.tensordot(size, h**2, 1) / K, expansion)
            observed = top, bottom
        signal = jax.tree.map(lambda f, h, a: (f - a * h) / K, own, expansion, coefficient)
        mean, covariance = moments.mean, moments.covariance
        expected = [(g @ mean + 0.5 * jnp.sum(H * covariance))[None] for _, g, H in expansions]
        correction = jax.tree.map(lambda h, a: a * h[0], linear(objective, seen, *expected), coefficient)
        return signal, correction, observed

    def _from_fresh(self, objective, seen, expanded):
        """tr Cov(f s, h s) / tr Var(h s) over the fresh draws."""
        z, score = seen.fresh, scores(seen.q, seen.fresh)
        own = contributions(objective, evaluate(seen.target, stop_gradient(seen.q), z, seen.closed))
        n, size = z.shape[0], jnp.sum(score**2, axis=1)

        def covariance(f, h):
            means = (jnp.tensordot(score.T, x, 1) / n for x in (f, h))  # [P, ...] each
            first, second = means
            return jnp.tensordot(size, f * h, 1) / n - jnp.sum(first * second, axis=0)

        h = expanded(z)
        return jax.tree.map(lambda f, h: ratio(covariance(f, h), covariance(h, h)), own, h)


class DoubleControl(ControlVariate):
    r"""Leave-one-out, on what a linear expansion with the other draws' mean gradient leaves over.

    .. math:: r_{kj} = f_j - a_k^\top (z_j - \mu), \quad a_k = \frac{1}{K-1} \sum_{i \ne k} \nabla f(z_i), \qquad
              \frac1K \sum_k \Big(r_{kk} - \frac{1}{K-1} \sum_{j \ne k} r_{kj}\Big) s_k + \frac1K \sum_k \nabla_\theta
              \mu\; a_k

    a_k does not know draw k, so the second term is the exact expectation of what was subtracted: a linear function of z
    has a closed mean. Made for binary z, right for any family with a closed mean. K evaluations with their gradients.

    Example:
        >>> DoubleControl().least_samples
        2

    Source: M. Titsias and J. Shi, Double Control Variates for Gradient Estimation in Discrete Latent Variable Models,
    2022.
    """

    name: ClassVar[str] = "double"
    needs = frozenset({Capability.MEAN_OVER_DRAWS, Capability.DIFFERENTIABLE, Capability.MOMENTS})
    least_samples: ClassVar[int] = 2
    compares_draws: ClassVar[bool] = True

    def controlled(self, objective, seen, memory):
        """The double differences, divided by K; the linear parts' expectations as the correction."""
        mean = cast(Moments, seen.q).mean
        K = seen.z.shape[0]

        def others(x):
            return (jnp.sum(x, axis=0) - x) / (K - 1)

        slopes = [others(jax.vmap(jax.grad(f))(seen.z)) for f in densities(seen)]  # a_k of each density, [K, D]
        x = seen.z - stop_gradient(mean)
        expansion = jax.vmap(lambda *a: linear(objective, seen, *(a_k @ x.T for a_k in a)))(*slopes)  # [k, j, ...]

        def signal(f, h):
            rest = f - h  # [k, j, ...]
            own = jnp.moveaxis(jnp.diagonal(rest), -1, 0)
            return (own - (jnp.sum(rest, axis=1) - own) / (K - 1)) / K

        weights = jax.tree.map(signal, contributions(objective, seen.draws), expansion)
        correction = linear(objective, seen, *(a @ mean for a in slopes))
        return weights, jax.tree.map(lambda c: jnp.mean(c, axis=0), correction), ()

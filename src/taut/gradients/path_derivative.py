"""The general path derivative: sticking the landing for the ELBO, doubly reparametrized for bounds of K draws."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.gradients.arrangements import Sampled
from taut.gradients.base import Info
from taut.gradients.evaluate import evaluate
from taut.objectives.draws import Draws, elbo_terms


class PathDerivative(Sampled):
    r"""Reparametrization without the score term, right for every smooth function of the log densities.

    Let l_k be draw k's log densities and c, h gradient and Hessian of a statistic in them. Through q's parameters the
    statistic moves along the path z_k(eta) with weight c_k, and by the score of log q_k with weight -c_k;
    reparametrizing that score once more turns it into a path term of weight h_kk. So the family's gradient is

    .. math:: \sum_k (c_k - h_{kk}) \frac{\partial \log w_k}{\partial z_k} \frac{\partial z_k}{\partial \eta},

    with log q's own parameters stopped, while the *model's* parameters keep the plain weight c_k: one weighting for
    both would give a decoder the wrong gradient. For the ELBO h = 0 (sticking the landing:
    no noise at all when q is the posterior); for the importance-weighted bound c_k - h_kk is the squared normalised
    weight (doubly reparametrized).

    Attributes:
        samples: K, the number of draws for each unit and step.
        draws: Arrangement of the draws: "independent", "antithetic", "moment-matched" or "sobol".

    Example:
        >>> PathDerivative(samples=8).closed_kl
        False

    Source: G. Roeder, Y. Wu, D. Duvenaud, Sticking the Landing, 2017; G. Tucker et al., Doubly Reparameterized Gradient
    Estimators for Monte Carlo Objectives, 2019.
    """

    name: ClassVar[str] = "path-derivative"
    needs = frozenset({Capability.REPARAMETRISED, Capability.DIFFERENTIABLE, Capability.LOG_WEIGHTS})
    closed_kl: ClassVar[bool] = False
    learning_rate: ClassVar[float] = 0.03

    def surrogate(self, noise, objective, target, q, closed, memory):
        """Two surrogates on the same values: z stopped and the model live, then z live and the model stopped."""
        z = jax.vmap(q.sample)(noise)
        still = stop_gradient(q)
        draws = evaluate(target, still, stop_gradient(z), frozenset())
        statistics, unravel = ravel_pytree(objective.statistics(draws))

        def vector(log_likelihood, log_prior, log_q):
            zero = jnp.zeros((), log_q.dtype)
            return ravel_pytree(objective.statistics(Draws(log_likelihood, log_prior, log_q, log_q - log_prior, zero)))[
                0
            ]

        at = tuple(map(stop_gradient, draws[:3]))
        c = jax.jacrev(vector, (0, 1, 2))(*at)
        # The weight of log q_k is -c_k as a function of all densities: its derivative in each density of draw k is the
        # second term.
        h = jax.jacfwd(jax.jacrev(vector, 2), (0, 1, 2))(*at)
        moving = evaluate(stop_gradient(target), still, z, frozenset())
        path = sum(
            stop_gradient(c_i + jnp.diagonal(h_i, axis1=1, axis2=2)) @ density
            for c_i, h_i, density in zip(c, h, moving[:3], strict=True)
        )
        return unravel(statistics + path - stop_gradient(path)), Info(stop_gradient(elbo_terms(draws)), ())

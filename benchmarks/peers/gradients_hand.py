"""Every sampled estimator written by hand for JAX, on the two problems of `benchmarks/gradients.py`.

Each takes the same noise as Taut's, so that a test can compare digit by digit; `draw` makes it in the shortest way. The
gradients are of the ELBO, which goes up.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

DECAY = 0.9


class Hand(NamedTuple):
    """An estimator by hand.

    Attributes:
        draw: `key -> noise`.
        slope: `(noise, parameters, memory) -> (gradient, memory)`.
        memory: at the start.
    """

    draw: Callable
    slope: Callable
    memory: Any = ()


def mix(old, new):
    return DECAY * old + (1 - DECAY) * new


def regression(X: Any, y: Any) -> dict[str, Hand]:
    """Weights under a mean field, parameters (mean, log_sd); the KL is closed, and its gradient written out."""
    D = X.shape[1]

    def f(W):  # [K, D] -> [K]
        logits = W @ X.T
        return logits @ y - jnp.sum(jax.nn.softplus(logits), axis=1)

    def kl(q):
        return 0.5 * jnp.sum(q[0] ** 2 + jnp.exp(2 * q[1]) - 1 - 2 * q[1])

    def less_kl(q, mean, log_sd):
        return mean - q[0], log_sd - jnp.exp(2 * q[1]) + 1

    def scored(e, q, weights):
        """Each draw's score times its weight, averaged."""
        K = len(e)
        return less_kl(q, weights @ e / jnp.exp(q[1]) / K, weights @ (e**2 - 1) / K)

    def place(e, q):
        return q[0] + jnp.exp(q[1]) * e

    def reparametrization(e, q, memory):
        return jax.grad(lambda q: jnp.mean(f(place(e, q))) - kl(q))(q), memory

    def path_derivative(e, q, memory):
        still = jax.lax.stop_gradient(q)

        def bound(q):
            z = place(e, q)
            log_q = -0.5 * ((z - still[0]) / jnp.exp(still[1])) ** 2 - still[1]
            return jnp.mean(f(z) + jnp.sum(-0.5 * z**2 - log_q, axis=1))

        return jax.grad(bound)(q), memory

    def none(e, q, memory):
        return scored(e, q, f(place(e, q))), memory

    def moving_average(e, q, memory):
        average, weight = memory
        values = f(place(e, q))
        baseline = average / jnp.maximum(weight, 1e-30)
        return scored(e, q, values - baseline), (mix(average, jnp.mean(values)), mix(weight, 1.0))

    def leave_one_out(e, q, memory):
        values = f(place(e, q))
        return scored(e, q, values - (jnp.sum(values) - values) / (len(e) - 1)), memory

    def squared_scores(e, q):
        return jnp.sum((e / jnp.exp(q[1])) ** 2 + (e**2 - 1) ** 2, axis=1)

    def optimal(e, q, memory):
        top, bottom = memory
        values, size = f(place(e, q)), squared_scores(e, q)
        baseline = jnp.where(bottom > 0, top / jnp.where(bottom > 0, bottom, 1), 0)
        new = mix(top, jnp.mean(size * values)), mix(bottom, jnp.mean(size))
        return scored(e, q, values - baseline), new

    def delta(e, q, memory):
        top, bottom = memory
        a = jnp.where(bottom > 0, top / jnp.where(bottom > 0, bottom, 1), 0)
        logits = X @ q[0]
        p = jax.nn.sigmoid(logits)
        g, H = (y - p) @ X, -(X.T * (p * (1 - p))) @ X
        x = jnp.exp(q[1]) * e
        values, size = f(q[0] + x), squared_scores(e, q)
        h = f(q[0][None])[0] + x @ g + 0.5 * jnp.sum((x @ H) * x, axis=1)
        mean, log_sd = scored(e, q, values - a * h)
        new = mix(top, jnp.mean(size * values * h)), mix(bottom, jnp.mean(size * h**2))
        return (mean + a * g, log_sd + a * jnp.diagonal(H) * jnp.exp(2 * q[1])), new

    def double(e, q, memory):
        K, x = len(e), jnp.exp(q[1]) * e
        logits = (q[0] + x) @ X.T
        values = logits @ y - jnp.sum(jax.nn.softplus(logits), axis=1)
        slopes = (y - jax.nn.sigmoid(logits)) @ X
        a = (jnp.sum(slopes, axis=0) - slopes) / (K - 1)
        rest = values - a @ x.T  # [k, j]
        own = jnp.diagonal(rest)
        mean, log_sd = scored(e, q, own - (jnp.sum(rest, axis=1) - own) / (K - 1))
        return (mean + jnp.mean(a, axis=0), log_sd), memory

    def measure_valued(noise, q, memory):
        e, w = noise[0][0], noise[1][0]
        v = jnp.copysign(jnp.sqrt(e**2 + w**2), e)
        moved = [jnp.where(jnp.eye(D, dtype=bool), to, e) for to in (w, -w, v)]
        values = f(place(jnp.concatenate([e[None], *moved]), q))
        plus, minus, wide = jnp.split(values[1:], 3)
        return less_kl(q, (plus - minus) / (np.sqrt(2 * np.pi) * jnp.exp(q[1])), wide - values[0]), memory

    def normal(K):
        return lambda key: jax.random.normal(key, (K, D))

    def moves(key):
        e, *pair = jax.random.normal(key, (3, 1, D))
        return e, jnp.hypot(*pair)

    zero = jnp.zeros(())
    return {
        "reparametrization": Hand(normal(10), reparametrization),
        "path-derivative": Hand(normal(10), path_derivative),
        "measure-valued": Hand(moves, measure_valued),
        "reinforce (none)": Hand(normal(50), none),
        "reinforce (moving-average)": Hand(normal(50), moving_average, (zero, zero)),
        "reinforce (optimal)": Hand(normal(50), optimal, (zero, zero)),
        "reinforce (leave-one-out)": Hand(normal(50), leave_one_out),
        "reinforce (delta)": Hand(normal(50), delta, (zero, zero)),
        "reinforce (double)": Hand(normal(50), double),
    }


def bits(f: Callable) -> dict[str, Hand]:
    """Binary coordinates, parameters (logits,), with the entropy closed; `f`: `[K, D] -> [K]`."""
    D = 20

    def entropy_slope(q):  # of sum softplus(l) - l sigmoid(l)
        p = jax.nn.sigmoid(q[0])
        return -q[0] * p * (1 - p)

    def sample(u, q):
        return (u < jax.nn.sigmoid(q[0])).astype(u.dtype)

    def local_expectation(noise, q, memory):
        u, p = noise[0][0], jax.nn.sigmoid(q[0])
        z = (u < p).astype(u.dtype)
        values = f(jnp.concatenate([z[None], jnp.where(jnp.eye(D, dtype=bool), 1 - z, z)]))
        return (p * (1 - p) * (1 - 2 * z) * (values[1:] - values[0]) + entropy_slope(q),), memory

    def leave_one_out(u, q, memory):
        z, K = sample(u, q), len(u)
        values = f(z)
        rest = values - (jnp.sum(values) - values) / (K - 1)
        return (rest @ (z - jax.nn.sigmoid(q[0])) / K + entropy_slope(q),), memory

    def disarm(u, q, memory):
        z = sample(u, q)
        values = f(z)
        difference = 0.5 * (values[0] - values[1]) * (z[0] - z[1]) * jax.nn.sigmoid(jnp.abs(q[0]))
        return (difference + entropy_slope(q),), memory

    def straight_through(u, q, memory):
        def bound(q):
            soft = jax.nn.sigmoid((q[0] + jnp.log1p(-u) - jnp.log(jnp.maximum(u, jnp.finfo(u.dtype).tiny))) / 0.5)
            return jnp.mean(f(sample(u, q) + soft - jax.lax.stop_gradient(soft)))

        return (jax.grad(bound)(q)[0] + entropy_slope(q),), memory

    def uniform(K):
        return lambda key: jax.random.uniform(key, (K, D))

    def pair(key):
        u = jax.random.uniform(key, (1, D))
        return jnp.concatenate([u, 1 - u])

    return {
        "local expectation": Hand(lambda key: (jax.random.uniform(key, (1, D)), ()), local_expectation),
        "leave-one-out": Hand(uniform(4), leave_one_out),
        "disarm": Hand(pair, disarm),
        "straight-through": Hand(uniform(10), straight_through),
    }

"""A Gaussian by mean and precision, and its natural gradient from one pass over the data."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float

from taut.core.batch import Batch
from taut.problem import Problem


class Point(NamedTuple):
    """A Gaussian by mean and precision, and what one pass over the data says of it.

    Attributes:
        mean: `[D]`, mu.
        precision: `[D, D]`, P.
        step: `[D]`, P*^{-1} g, the plain step of the mean.
        target: `[D, D]`, P*, the precision after the plain step.
        value: The ELBO (the log joint density of the mean while the mode is sought), in nats.
        expected_log_likelihood: The first term of the ELBO, in nats.
        decrement: The gain that the next step promises, in nats.
    """

    mean: Float[Array, " D"]
    precision: Float[Array, "D D"]
    step: Float[Array, " D"]
    target: Float[Array, "D D"]
    value: Float[Array, ""]
    expected_log_likelihood: Float[Array, ""]
    decrement: Float[Array, ""]

    @property
    def pair(self) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
        """x = (mu, P) and G(x) = (mu + P*^{-1} g, P*) as vectors."""
        return (
            jnp.concatenate([self.mean, self.precision.ravel()]),
            jnp.concatenate([self.mean + self.step, self.target.ravel()]),
        )


def evaluate(
    problem: Problem,
    mean: Float[Array, " D"],
    precision: Float[Array, "D D"],
    variational: Bool[Array, ""],
    batch: Batch,
) -> tuple[Point, Any]:
    """One pass over the data at a Gaussian.

    Args:
        problem: A model with a linear predictor and a Gaussian prior, and a Gaussian family.
        mean: `[D]`, mu.
        precision: `[D, D]`, P.
        variational: Whether the variances of the predictors count; without them the value is that at the mean.
        batch: All rows.

    Returns:
        The point; and the family's member there.
    """
    model: Any = problem.model  # as the needs of the natural gradient say
    family: Any = problem.family
    rows, weights = batch.rows, batch.weights
    X, q = model.predictor(rows), family.with_precision(mean, precision)
    m, v = q.predictor_moments(X)

    def expected(m, v):
        return jnp.sum(weights * model.expectation(m, v, rows))

    likelihood, (dm, dv) = jax.value_and_grad(expected, (0, 1))(m, jnp.where(variational, v, 0.0))
    g = X.T @ dm + jax.grad(model.prior.log_prob)(mean)
    target = (X.T * (-2 * dv)) @ X + jnp.diag(jnp.asarray(model.prior.precision(mean.size), mean.dtype))

    # With P* = C C': g' P*^{-1} g = |C^{-1} g|^2.
    factor = jnp.linalg.cholesky(target, symmetrize_input=False)
    half = solve_triangular(factor, g, lower=True)
    step = solve_triangular(factor, half, lower=True, trans=1)
    moved = q.whitened_precision(target - precision)
    decrement = 0.5 * half @ half + jnp.where(variational, 0.25 * jnp.sum(moved**2), 0.0)
    kl = -q.entropy() - model.prior.expected_log_prob(q)
    value = jnp.where(variational, likelihood - kl, likelihood + model.prior.log_prob(mean))
    return Point(mean, precision, step, target, value, likelihood, decrement), q

"""The four choices as one pytree, and their estimate on a batch."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from taut import gradients
from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.core.trees import is_float_array
from taut.errors import PairingError
from taut.families.base import Family
from taut.gradients.base import Gradient, Info
from taut.gradients.evaluate import closed_parts
from taut.models.base import Model
from taut.models.target import Target
from taut.objectives.base import Objective
from taut.objectives.draws import Draws


class Problem(eqx.Module):
    """Model, family, objective and gradient: the first four sentences.

    Attributes:
        model: What is unknown and how it makes the data.
        family: The shape of the posterior.
        objective: What is maximised.
        gradient: The estimator of its gradient.
    """

    model: Model
    family: Family
    objective: Objective
    gradient: Gradient

    @property
    def offers(self) -> frozenset[Capability]:
        """What objective, model and family offer together."""
        return frozenset(self.objective.offers | self.model.offers | self.family.offers)

    def check(self) -> None:
        """Refuse parts that do not go together, before any step.

        Raises:
            PairingError: Something is missing; the message lists the public estimators that would work.
        """
        missing = self.gradient.supports(self.objective, self.model, self.family)
        if missing is None:
            return
        others = [g.label for g in gradients.admissible(self.objective, self.model, self.family)]
        remedy = (
            f"Estimators that work here: {', '.join(others)}." if others else "No estimator serves this combination."
        )
        raise PairingError(
            f"The {self.gradient.label} gradient needs {missing}; {type(self.model).__name__} with the "
            f"{self.family.name} family and the {self.objective.name} objective does not offer it. {remedy}"
        )


def evaluations(problem: Problem, rows: int, batch_size: int | None) -> float:
    """Log densities at one z over the full data in one estimate of the gradient; a minibatch counts its share.

    Args:
        problem: The four choices.
        rows: Number of rows of the data.
        batch_size: Rows for each step, None for all.
    """
    return float(problem.model.evaluations(problem.gradient, problem.family) * (batch_size or rows) / rows)


def estimate(problem: Problem, key: PRNGKeyArray, batch: Batch, memory: Any) -> tuple[dict[str, Any], Info]:
    """An estimate of the objective's statistics on a batch, whose derivative is the estimated gradient.

    This is what a training loop of one's own differentiates.

    Args:
        problem: The four choices.
        key: Key of this step's draws.
        batch: The rows.
        memory: The memory of the gradient estimator: `gradient.init(...)` at first, `()` for one without memory.

    Returns:
        The statistics, averaged over the batch's units, for `objective.value`; and the estimator's `Info`, whose
        `observed` goes to `gradient.update`. The derivative in the learned leaves of model and family is the
        estimated one.

    Example:
        >>> from taut.families import MeanField
        >>> from taut.gradients import Reinforce
        >>> from taut.models import LogDensity, real
        >>> from taut.objectives import Elbo
        >>> model = LogDensity(lambda v: -0.5 * v["x"] ** 2, parameters={"x": real()})
        >>> no_rows = Batch(jnp.zeros((1, 0)), weights=jnp.ones(1), size=jnp.ones(()), total=jnp.ones(()))
        >>> def elbo(q):
        ...     problem = Problem(model, q, Elbo(), Reinforce(samples=50, control="none"))
        ...     statistics, info = estimate(problem, jax.random.key(0), no_rows, memory=())
        ...     return Elbo().value(statistics, memory=(), step=0)
        >>> jax.grad(elbo)(MeanField.around(jnp.zeros(1))).mean.shape
        (1,)
    """
    cut = problem.model.units(batch)
    both_closed = problem.objective.closed_kl and problem.gradient.closed_kl
    closed = closed_parts(problem.offers) if both_closed else frozenset()

    def one(key, rows, weights, scale):
        q = problem.family.at(rows)
        noise = problem.gradient.noise(key, q)
        target = Target(problem.model, rows, weights, scale)
        return problem.gradient.surrogate(noise, problem.objective, target, q, closed, memory)

    if cut.share.shape[0] == 1:  # an axis of length one costs time and compilation
        return one(key, jax.tree.map(lambda a: a[0], cut.rows), cut.weights[0], cut.scale[0])
    keys = jax.random.split(key, cut.share.shape[0])
    per_unit = jax.vmap(one)(keys, cut.rows, cut.weights, cut.scale)
    return jax.tree.map(lambda s: jnp.tensordot(cut.share, s, 1), per_unit)


def trainable(problem: Problem) -> Any:
    """Which leaves may move, as booleans: the family's floating leaves, the model's `learned()`, nothing else."""
    spec = jax.tree.map(lambda _: False, problem)

    def floating(tree):
        return jax.tree.map(is_float_array, tree)

    spec = eqx.tree_at(lambda s: s.family, spec, floating(problem.family))
    for name in problem.model.learned():
        spec = eqx.tree_at(lambda s, n=name: getattr(s.model, n), spec, floating(getattr(problem.model, name)))
    return spec


def statistics_like(problem: Problem, dtype: Any) -> Any:
    """Zeros of the shapes of the objective's statistics, for memories to start from."""

    def array(*shape):
        return jax.ShapeDtypeStruct(shape, dtype)

    K = problem.gradient.samples
    D = problem.model.unit_dim(problem.family)
    example = Draws(*(array(K) for _ in range(4)), exact_kl=array(), kl_per_dimension=array(D))
    shapes = jax.eval_shape(problem.objective.statistics, example)
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

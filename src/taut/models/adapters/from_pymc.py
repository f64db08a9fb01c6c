"""A PyMC model as a log density, through PyMC's own JAX graphs."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.errors import ArgumentError
from taut.models.log_density import LogDensity
from taut.models.unknowns import Unknowns


class FreeVariables(Unknowns):
    """The free random variables of a PyMC model, by the transforms that PyMC chose for them.

    Attributes:
        forward: value variables -> constrained values and deterministics, then the log-Jacobian.
        backward: constrained values -> value variables.
        reported: names of what `forward` returns.
        declared: names in the order of the model: the free variables, then the deterministics.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[str, ...] = eqx.field(static=True)
    free_shapes: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    origin: Float[np.ndarray, " D"]
    reported: tuple[str, ...] = eqx.field(static=True)
    forward: Callable = eqx.field(static=True)
    backward: Callable = eqx.field(static=True)
    declared: tuple[str, ...] = eqx.field(static=True, metadata={"fingerprint": False})

    @property
    def order(self):
        """As the model has them, free variables first; the vector has them sorted."""
        return self.declared

    def constrain(self, z):
        """The values at z, deterministics included, and the log-determinant of the Jacobian, in nats."""
        free, at = [], 0
        for shape in self.free_shapes:
            size = int(np.prod(shape))
            free.append(z[at : at + size].reshape(shape))
            at += size
        *values, log_jacobian = self.forward(*free)
        return dict(zip(self.reported, values, strict=True)), jnp.asarray(log_jacobian, z.dtype)

    def to_vector(self, values):
        """The unconstrained vector of the free variables' values; others are not needed."""
        return jnp.concatenate([jnp.ravel(x) for x in self.backward(*(values[name] for name in self.names))])


def from_pymc(model: Any) -> LogDensity:
    """A PyMC model as a log density: its free random variables are the parameters, deterministics are reported, too.

    Density, transforms and Jacobian are PyMC's own, translated to JAX by PyTensor, with every constant.

    Args:
        model: a `pymc.Model`.

    Raises:
        ArgumentError: PyMC is not installed, or the model has what gradients cannot fit: discrete free variables,
            minibatches, none free at all, a function without a JAX half; with the remedy.
    """
    try:
        with _global_precision_kept():
            import pymc  # pyright: ignore[reportMissingImports]
            import pytensor.link.jax.dispatch  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ArgumentError("from_pymc needs PyMC: pip install 'taut[pymc]'.") from error
    if not isinstance(model, pymc.Model):
        raise ArgumentError(f"model={model!r} is not a pymc.Model; give that of `with pm.Model() as model:`.")
    _refuse(model)
    with precision.context("float64"):  # constants keep their digits, whatever the fit's precision
        try:
            return _translated(model)
        except NotImplementedError as error:
            raise ArgumentError(f"The PyMC model uses a function that PyTensor cannot give to JAX: {error}.") from error


@contextlib.contextmanager
def _global_precision_kept() -> Iterator[None]:
    """PyTensor switches JAX to double precision for the whole process when its JAX half is imported: undo it."""
    with ThreadPoolExecutor(1) as elsewhere:  # another thread sees the global value, not this one's context
        before = elsewhere.submit(lambda: jax.config.jax_enable_x64).result()  # pyright: ignore
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _translated(model: Any) -> LogDensity:
    from pymc.sampling.jax import get_jaxified_graph  # pyright: ignore[reportMissingImports]

    free = sorted(model.free_RVs, key=lambda rv: rv.name)
    value_of = model.rvs_to_values
    transform_of = model.rvs_to_transforms
    values = [value_of[rv] for rv in free]
    others = [rv for rv in model.deterministics if rv not in free]
    constrained = model.replace_rvs_by_values([*free, *others])
    forward = get_jaxified_graph(inputs=values, outputs=[*constrained, _log_jacobian(model, free)])

    plain = [rv.type(name=rv.name) for rv in free]
    inverted = [
        x if transform_of[rv] is None else transform_of[rv].forward(x, *rv.owner.inputs)
        for x, rv in zip(plain, free, strict=True)
    ]
    constrained_values = dict(zip(free, plain, strict=True))
    backward = get_jaxified_graph(inputs=plain, outputs=_with_values(inverted, constrained_values))

    joint = get_jaxified_graph(inputs=plain, outputs=[_checked(model, _log_joint(model, constrained_values))])
    names = tuple(rv.name for rv in free)

    start = model.initial_point()
    shapes = tuple(np.shape(start[x.name]) for x in values)
    parameters = FreeVariables(
        names=names,
        kinds=tuple(_kind(transform_of[rv]) for rv in free),
        free_shapes=shapes,
        origin=np.concatenate([np.ravel(start[x.name]).astype(float) for x in values]),
        reported=(*names, *(rv.name for rv in others)),
        forward=forward,
        backward=backward,
        declared=(*(rv.name for rv in model.free_RVs), *(rv.name for rv in others)),
    )
    return LogDensity(lambda v: joint(*(v[name] for name in names))[0], parameters=parameters)


def _refuse(model: Any) -> None:
    from pymc.variational.minibatch_rv import MinibatchRandomVariable  # pyright: ignore[reportMissingImports]

    discrete = [rv.name for rv in model.free_RVs if np.dtype(rv.dtype).kind in "biu"]
    if discrete:
        raise ArgumentError(
            f"The free variable {discrete[0]!r} is discrete; gradients cannot fit it. Sum it out: pm.Mixture for "
            "mixtures, pymc_extras.marginalize, or logsumexp over its values in a pm.Potential. If it is data, pass "
            "observed=."
        )
    if not model.free_RVs:
        raise ArgumentError("The PyMC model has no free random variable: all are observed.")
    for rv in model.observed_RVs:
        if rv.owner is not None and isinstance(rv.owner.op, MinibatchRandomVariable):
            raise ArgumentError(
                f"{rv.name!r} has total_size: it stands for minibatches, whose noise would spoil the gradients' "
                "exactness and every importance weight. Give all rows and drop total_size; for minibatches use "
                "taut.models.LogDensity(log_likelihood=..., log_prior=...) with batch_size."
            )


def _log_jacobian(model: Any, free: list[Any]) -> Any:
    """ln |d values / d z|, the sum over PyMC's transforms."""
    from pytensor.tensor.basic import as_tensor  # pyright: ignore[reportMissingImports]

    terms = [
        model.rvs_to_transforms[rv].log_jac_det(model.rvs_to_values[rv], *rv.owner.inputs).sum()
        for rv in free
        if model.rvs_to_transforms[rv] is not None
    ]
    return sum(model.replace_rvs_by_values(terms), as_tensor(0.0))


def _log_joint(model: Any, values: dict[Any, Any]) -> Any:
    """ln p(x, values) of the constrained values, potentials included."""
    from pymc.logprob.basic import conditional_logp  # pyright: ignore[reportMissingImports]
    from pytensor.tensor.basic import as_tensor  # pyright: ignore[reportMissingImports]

    values = values | {rv: model.rvs_to_values[rv] for rv in model.observed_RVs}
    terms: list[Any] = list(conditional_logp(values, warn_rvs=False).values()) + _with_values(model.potentials, values)
    return sum((term.sum() for term in terms), as_tensor(0.0))


def _checked(model: Any, log_joint: Any) -> Any:
    """The graph with PyMC's checks of parameters as PyMC compiles them: -inf where a parameter is out of its range.

    The translation to JAX drops these checks, so that a Poisson of a negative rate would have a finite density.
    """
    from pymc.logprob.utils import (  # pyright: ignore[reportMissingImports]
        local_check_parameter_to_ninf_switch,
    )
    from pytensor.graph.fg import FunctionGraph  # pyright: ignore[reportMissingImports]
    from pytensor.graph.rewriting.basic import in2out  # pyright: ignore[reportMissingImports]

    if not model.check_bounds:
        return log_joint
    graph = FunctionGraph(outputs=[log_joint], clone=False)
    in2out(local_check_parameter_to_ninf_switch).rewrite(graph)
    return graph.outputs[0]


def _with_values(graphs: list[Any], values: dict[Any, Any]) -> list[Any]:
    """The graphs with each random variable, wherever it occurs, replaced by its value."""
    from pytensor.graph.replace import clone_replace  # pyright: ignore[reportMissingImports]

    if not graphs:
        return []
    return clone_replace(graphs, replace=values, rebuild_strict=False)


def _kind(transform: Any) -> str:
    """PyMC's name of a transform in Taut's words where there is one."""
    known = {
        "log": "positive",
        "logodds": "unit interval",
        "interval": "bounded",
        "simplex": "simplex",
        "ordered": "ordered",
        "circular": "bounded",
    }
    return "real" if transform is None else known.get(transform.name, str(transform.name))

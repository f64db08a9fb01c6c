"""`taut.calibrate`: simulate parameters and data, refit, and rank the truth, many times over."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.core import precision
from taut.core.arguments import plain
from taut.core.names import brief
from taut.diagnostics.calibration import Calibration, calibration
from taut.errors import ArgumentError, TautError
from taut.fitting.fit import fit
from taut.models import LogDensity, Model
from taut.verdict.draws import columns
from taut.verdict.weighing import varies

DRAWS = 99
"""Number of posterior draws of each refit. Its hundred possible ranks fall into 20, 10 or 5 bins evenly."""


def calibrate(
    simulate_prior: Callable[[Any], Any],
    simulate_data: Callable[[Any, Any], Any],
    model: Model | Callable[[Any], Model],
    *,
    repeats: int = 200,
    draws: int = DRAWS,
    seed: int = 0,
    report: Callable[[int, int, str], None] | None = None,
    **sentences: Any,
) -> Calibration:
    """Simulation-based calibration of the whole pipeline: model, engine, verdict and corrected draws.

    Data of one shape are compiled once where `model` builds a log density from data by code that JAX can trace: the
    data are then arguments of what is compiled. Elsewhere each refit compiles anew. Refits run one after another, since
    the engine takes another path for each data set and evaluates the density in batches already. Two hundred refits
    take about a minute on one core, for two unknowns with richer families as for thirty coefficients.

    Args:
        simulate_prior: A function `key -> parameters`. Parameters are named and shaped as `fit.sample()` returns them;
            some may be left out.
        simulate_data: A function `(key, parameters) -> data`.
        model: A function `data -> LogDensity`, or a model of Taut to which `taut.fit` gives the data.
        repeats: Number of refits, at least 10.
        draws: Number of posterior draws that the truth is ranked among, at least 9.
        seed: Seed of all random numbers.
        report: A function that is called after each refit with the number of refits done, `repeats`, and the verdict's
            text.
        **sentences: Further arguments of `taut.fit`: family, algorithm, ...

    Returns:
        Ranks, tests of their uniformity for each scalar, coverage, and how often each verdict was given.

    Raises:
        ArgumentError: `simulate_prior` names parameters that the model does not have, more than half of the refits
            fail, or there are too few refits or draws.
    """
    repeats, draws = plain(repeats), plain(draws)
    if not isinstance(repeats, int) or repeats < 10:
        raise ArgumentError(f"repeats={repeats!r}: at least ten refits are needed; 200 tell something.")
    if not isinstance(draws, int) or draws < 9:
        raise ArgumentError(f"draws={draws!r}: at least nine draws are needed.")
    begun = time.perf_counter()
    build = _Builder(model)
    dtype = sentences.get("dtype") or "float64"
    names: tuple[str, ...] = ()
    ranks, varying, failures = [], [], Counter()
    answers = {"converged": Counter(), "trust": Counter()}
    for i in range(repeats):
        truth, data = _simulated(simulate_prior, simulate_data, jax.random.fold_in(jax.random.key(seed), i), dtype)
        # A seed of its own for each refit: with common random numbers the ranks would not be independent.
        own = int(np.random.default_rng([seed, i]).integers(2**32))
        try:
            found = fit(*build(data), seed=own, progress=False, **sentences)
        except TautError as error:
            failures[str(error)] += 1
            if sum(failures.values()) > repeats / 2:
                raise ArgumentError(f"More than half of the refits failed; the last one: {error}") from error
            continue
        names, rank, varied = _rank(truth, found.sample(draws, seed=own))
        ranks.append(rank)
        varying.append(varied)
        verdict = found.verdict
        answers["converged"][verdict.converged.answer if verdict else "unknown"] += 1
        answers["trust"][verdict.trust.answer if verdict else "unknown"] += 1
        if report is not None:
            report(i + 1, repeats, str(verdict))
    judged = np.any(varying, axis=0)  # the rank of a constant is one of rounding errors
    return calibration(
        tuple(np.array(names)[judged]),
        np.stack(ranks)[:, judged],
        draws,
        answers=answers,
        failures=failures,
        seconds=time.perf_counter() - begun,
    )


def _simulated(prior: Callable[[Any], Any], likelihood: Callable[[Any, Any], Any], key: Any, dtype: Any) -> Any:
    """Parameters, and data that were simulated from them, as NumPy arrays."""
    with precision.context(dtype):
        for_truth, for_data = jax.random.split(key)
        truth = prior(for_truth)
        data = likelihood(for_data, truth)
        return truth, jax.tree.map(lambda x: np.asarray(x) if eqx.is_array(x) else x, data)


def _rank(truth: Any, sample: Any) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of the scalars that were simulated; for each the number of draws below it, and whether the draws vary."""
    names, values = columns(jax.tree.map(lambda x: np.asarray(x, float)[None], truth))
    known, drawn = columns(jax.tree.map(lambda x: np.asarray(x, float), sample))
    exact = np.result_type(np.float32, *jax.tree.leaves(sample))
    missing = [name for name in names if name not in known]
    if missing:
        raise ArgumentError(
            f"simulate_prior names {missing[0]}, which fit.sample() does not have; it has {', '.join(known[:8])}."
        )
    places = [known.index(name) for name in names]
    return names, (drawn[:, places] < values).sum(0), varies(drawn[:, places].astype(exact))


class _OfData(eqx.Module):
    """The density of a model that is built from data, with the data as leaves.

    Attributes:
        build: A function from data to the model.
        data: The data, a pytree.
    """

    build: Callable[[Any], LogDensity] = eqx.field(static=True)
    data: Any

    def __call__(self, values: Any) -> Any:
        return self.build(self.data).density(values)


class _Builder:
    """A function from data to the arguments of `taut.fit`, such that data of one shape share what is compiled.

    Args:
        model: A function from data to a log density, or a model.

    Attributes:
        traced: Whether JAX can trace `model`; None before the first data.
    """

    def __init__(self, model: Model | Callable[[Any], Model]):
        if not (isinstance(model, Model) or callable(model)):
            raise ArgumentError(f"model={brief(model)}: a model of Taut, or a function from data to one, is needed.")
        self.model = model
        self.traced: bool | None = None

    def __call__(self, data: Any) -> tuple[Any, ...]:
        if isinstance(self.model, Model):
            return self.model, data
        built = self.model(data)
        if not isinstance(built, LogDensity) or built.by_rows:
            raise ArgumentError(
                "model(data) must return a taut.models.LogDensity that holds the data; for a model that takes rows "
                "give the model itself."
            )
        if any(eqx.is_array(x) for x in jax.tree.leaves(built.density)):
            return (built,)  # the data are arguments of what is compiled already
        of_data = LogDensity(_OfData(self.model, data), parameters=built.parameters)
        if self.traced is None:
            self.traced = _traceable(of_data)
        return (of_data if self.traced else built,)


def _traceable(model: LogDensity) -> bool:
    """Whether the density is built from data that are JAX's tracers without an error."""
    z = jax.ShapeDtypeStruct((model.parameters.origin.size,), np.float32)
    try:
        eqx.filter_eval_shape(lambda m, z: m.log_likelihood(z, None), model, z)
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError, TautError):
        return False
    return True

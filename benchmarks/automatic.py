"""Is `gradient="auto"` worth its pilot? Its time to a given ELBO gap beside that of every estimator it chose among.

    python benchmarks/automatic.py             a table, about half an hour
    python benchmarks/automatic.py --quick     a fiftieth of the work: a look at whether it runs
    python benchmarks/automatic.py --only wide-logistic discrete --size 0.3
    python benchmarks/automatic.py --json

At `--size 1` a run of the rule's choice takes about half a minute on one core, and its gap is reached late in it;
another size changes the work of a step, not the steps. Every estimator makes the same steps at its own suggested rate;
its averaged iterates are kept along the way and judged afterwards, off the clock, by one judge with the same draws for
all. Its time is that of the first iterate from which on all stay within the gap of the best that anybody reached.
Auto's time is that of the estimator that it chose, plus its whole decision. Compilation is apart: everything is
compiled before its clock starts. Clocks count CPU seconds, which stay the same on a machine that does other things too;
give it one core (`taskset -c 1 python ...`), so that they are also those on the wall.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import taut.choosing.gradient
from taut.algorithms import StochasticGradient
from taut.choosing.candidates import candidates
from taut.choosing.choose import choose
from taut.choosing.gradient import decide
from taut.core import precision
from taut.core.trees import cast
from taut.data.given import Given
from taut.data.source import Source
from taut.diagnostics.elbo import elbo
from taut.families import Amortized, Bernoulli
from taut.learning.chunks import Chunks
from taut.models import LatentVariableModel, LogDensity, LogisticRegression, real
from taut.networks import MLP
from taut.problem import Problem, estimate
from taut.results.kinds import fit_class

LOOKS = 30
"""Iterates that are judged, at equal steps."""
DRAWS = 300
"""Of the judge, where the ELBO is not closed; the same for all answers."""
TARGET = 1.5


@dataclasses.dataclass(frozen=True)
class Task:
    """A problem, with the gap in nats (per example where each has its own z) that counts as being there."""

    model: Any
    gap: float
    steps: int
    rows: Any = None
    family: Any = "mean-field"
    objective: Any = None
    batch_size: int | None = None


def wide_logistic(size: float) -> Task:
    """A closed likelihood: exact expectations, or sampled ones."""
    return Task(LogisticRegression(), 0.1, 600, _classes(int(8000 * size), 600))


def minibatched_logistic(size: float) -> Task:
    """Rows in minibatches: their noise is common to all estimators."""
    return Task(LogisticRegression(), 1.0, 1000, _classes(100_000, 200), batch_size=int(20_000 * size))


def gaussian(size: float) -> Task:
    """A correlated Gaussian target of 2,000 coordinates."""
    rng, d = np.random.default_rng(1), int(2000 * np.sqrt(size))
    factor = rng.normal(size=(d, d)) / np.sqrt(d)
    precise = factor @ factor.T + 0.3 * np.eye(d)
    mean = rng.normal(size=d)
    density = jax.tree_util.Partial(_quadratic, precise, mean)
    return Task(LogDensity(density, parameters={"z": real(d)}), 0.2, 1500)


def discrete(size: float) -> Task:
    """Twenty binary coordinates with a network as the cost."""
    rng, h = np.random.default_rng(2), int(4000 * np.sqrt(size))
    layers = (rng.normal(size=(20, h)) / 4, rng.normal(size=(h, h)) / np.sqrt(h), 6 * rng.normal(size=h) / np.sqrt(h))
    model = LogDensity(jax.tree_util.Partial(_network, layers), parameters={"z": real(20)})
    return Task(model, 0.05, 400, family=Bernoulli(np.zeros(20)))


def jumping(size: float) -> Task:
    """A Gibbs posterior of the zero-one loss: no derivative anywhere."""
    rng, n, d = np.random.default_rng(3), int(40_000 * size), 20
    X = rng.normal(size=(n, d))
    y = np.sign(X @ rng.normal(size=d) + rng.normal(size=n))
    density = jax.tree_util.Partial(_zero_one, y[:, None] * X, 200.0 / n)
    return Task(LogDensity(density, parameters={"z": real(d)}), 0.2, 800)


def importance_weighted(size: float) -> Task:
    """An autoencoder of the bundled digits, ten draws in its bound."""
    from sklearn.datasets import load_digits

    images = (load_digits().data > 7).astype(np.float32)
    hidden = int(800 * size)
    model = LatentVariableModel(MLP([10, hidden, 64], seed=0), latent=10)
    return Task(model, 0.2, 1200, images, Amortized(MLP([64, hidden, 20], seed=1)), "iwae=10", 128)


def density_logistic(size: float) -> Task:
    """A logistic posterior that is written as a log density: pathwise estimators with few or many draws."""
    X, y = _classes(int(40_000 * size), 150)
    density = jax.tree_util.Partial(_logistic, X, y)
    return Task(LogDensity(density, parameters={"z": real(X.shape[1])}), 0.05, 500)


TASKS: dict[str, Callable[[float], Task]] = {
    "wide-logistic": wide_logistic,
    "minibatched-logistic": minibatched_logistic,
    "gaussian": gaussian,
    "discrete": discrete,
    "jumping": jumping,
    "importance-weighted": importance_weighted,
    "density-logistic": density_logistic,
}


def _classes(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    return X, (X @ rng.normal(size=d) / np.sqrt(d) * 3 + rng.logistic(size=n) > 0).astype(float)


def _quadratic(precise, mean, values):
    away = values["z"] - mean
    return -0.5 * away @ precise @ away


def _network(layers, values):
    first, second, last = layers
    return jnp.tanh(jnp.tanh(values["z"] @ first) @ second) @ last


def _zero_one(signed, weight, values):
    return -weight * jnp.sum(signed @ values["z"] < 0) - 0.5 * jnp.sum(values["z"] ** 2)


def _logistic(X, y, values):
    eta = X @ values["z"]
    return jnp.sum(y * eta - jax.nn.softplus(eta)) - 0.5 * jnp.sum(values["z"] ** 2)


class Judge:
    """The objective of an answer, with the same draws for all: its differences are those of the answers."""

    def __init__(self, source: Source):
        self.parent = jax.device_put(source.parent)

    def __call__(self, problem: Problem) -> float:
        if not problem.model.local:
            return elbo(problem, jax.random.key(1), self.parent, DRAWS).elbo
        return float(np.mean([_bound(problem, jax.random.key(i), self.parent) for i in range(5)]))


@eqx.filter_jit
def _bound(problem, key, parent):
    statistics, _ = estimate(problem, key, parent, ())
    return problem.objective.value(statistics, problem.objective.init(), 0)


def race(problem: Problem, algorithm: StochasticGradient, source: Source) -> tuple[list, list[float]]:
    """Answers along a run and the seconds at each, everything compiled before."""
    chunks = Chunks(algorithm, problem, source, 0)
    state = algorithm.init(problem, source.dtype)
    chunks.make(state, 0, 1)
    made, clock, answers, seconds = 0, 0.0, [], []
    every = -(-algorithm.steps // LOOKS)
    while made < algorithm.steps:
        begun = time.process_time()
        chunk = chunks.make(state, made, min(every, chunks.left(made)))
        clock += time.process_time() - begun
        if chunk.failure:
            break
        state, made = chunk.state, made + len(chunk.history["bound"])
        answers.append(algorithm.output(state))
        seconds.append(clock)
    return answers, seconds


def arrival(values: np.ndarray, seconds: list[float], floor: float) -> float:
    """Seconds of the first value from which on none is below `floor`; infinite where the last is."""
    below = np.flatnonzero(~(values >= floor))
    first = below[-1] + 1 if len(below) else 0
    return seconds[first] if first < len(values) else np.inf


def study(name: str, size: float) -> dict[str, Any]:
    """One problem: the time of each estimator, and auto's."""
    task = TASKS[name](size)
    read = fit_class(task.model).read(task.model, Given(task.rows))
    rows, dtype = read.rows, precision.resolve(task.model.dtype)
    source = Source(rows, read.weights, task.batch_size, 0, dtype)
    choice = choose(
        task.model,
        rows,
        family=task.family,
        objective=task.objective,
        gradient="auto",
        algorithm=None,
        steps=task.steps,
        minibatch=task.batch_size is not None,
    )
    taut.choosing.gradient.LONG = np.inf
    first = decide(choice, source, 0)  # by the rule
    taut.choosing.gradient.LONG = 0.0  # whether there is a pilot is not left to how fast the machine is this minute
    with precision.context(dtype):
        problem = cast(first.problem, dtype)
        algorithm: Any = first.algorithm
        decide(choice, source, 0)  # compiles
        pilot = np.inf
        for _ in range(2):  # another best at the start is another compilation
            begun = time.process_time()
            chosen = decide(choice, source, 0)
            pilot = min(pilot, time.process_time() - begun)
        print(f"{name}: {task.steps} steps; {chosen.reasons['gradient']}", flush=True)
        unit = problem.family.at(jax.tree.map(lambda a: a[:1], source.rows))
        smooth = taut.choosing.gradient.differentiable(problem, source, 0)
        others = candidates(problem, unit, choice.draws, smooth, problem.gradient)
        judge, runs = Judge(source), {}
        for gradient in (problem.gradient, *others):
            tried = Problem(problem.model, problem.family, problem.objective, gradient)
            answers, seconds = race(tried, algorithm, source)
            values = np.array([judge(dataclasses.replace(a, gradient=problem.gradient)) for a in answers])
            runs[f"{gradient.label} ({gradient.samples})"] = (values, seconds)
            print(
                f"  {gradient.label} ({gradient.samples}): {seconds[-1]:.1f} s, best {np.nanmax(values):.4f}",
                flush=True,
            )
    best = max(float(np.nanmax(values)) for values, _ in runs.values())
    arrivals = {label: arrival(values, seconds, best - task.gap) for label, (values, seconds) in runs.items()}
    label = f"{chosen.problem.gradient.label} ({chosen.problem.gradient.samples})"
    winner = min(arrivals, key=lambda name: arrivals[name])
    auto = arrivals[label] + pilot
    return {
        "problem": name,
        "steps": task.steps,
        "gap": task.gap,
        "objective": best,
        "chosen": label,
        "pilot": pilot,
        "auto": auto,
        "best": winner,
        "seconds": arrivals[winner],
        "ratio": auto / arrivals[winner],
        "arrivals": arrivals,
        "reason": chosen.reasons["gradient"],
        "curves": {
            label: list(zip(seconds, values.tolist(), strict=True)) for label, (values, seconds) in runs.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--size", type=float, default=1.0, help="work of a step, beside that of the published table")
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [study(name, 0.02 if options.quick else options.size) for name in options.only]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"\n{'problem':22s}{'gap':>6s}  {'best':34s}{'s':>7s}  {'auto':34s}{'s':>7s}{'pilot':>7s}{'ratio':>7s}")
    for r in rows:
        sides = f"{r['best']:34s}{r['seconds']:7.1f}  {r['chosen']:34s}{r['auto']:7.1f}"
        print(f"{r['problem']:22s}{r['gap']:6.2f}  {sides}{r['pilot']:7.1f}{r['ratio']:7.2f}")
    print(f"\nMeant: at most {TARGET} on runs of 30 s and more.")


if __name__ == "__main__":
    main()

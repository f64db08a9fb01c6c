"""What a gradient costs: every sampled estimator beside the same one written by hand for JAX.

    python benchmarks/gradients.py            a table, about five minutes
    python benchmarks/gradients.py --quick    a first look

Both make the same steps (a test compares them digit by digit), each in a compiled loop of its own. They take turns, and
a ratio is of the same round's times, so that a slow minute falls on both; the median over rounds counts.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

sys.path.append(str(Path(__file__).parent / "peers"))
import gradients_hand as by_hand  # noqa: E402

from taut.data import load_bundled, prepare  # noqa: E402
from taut.data.source import Source  # noqa: E402
from taut.families import Bernoulli, MeanField  # noqa: E402
from taut.gradients import (  # noqa: E402
    Disarm,
    MeasureValued,
    Reinforce,
    StraightThrough,
    admissible,
)
from taut.models import LogDensity, LogisticRegression, real  # noqa: E402
from taut.objectives import Elbo  # noqa: E402
from taut.problem import Problem, estimate, statistics_like, trainable  # noqa: E402

TARGET = 1.15
"""Times the hand-written gradient."""
SECONDS = 0.05
"""Of one turn."""


def taut_slope(problem: Problem, parent: Any) -> Callable:
    """Taut's gradient of the ELBO, as the learning loop takes it."""
    moving, fixed = eqx.partition(problem, trainable(problem))

    def slope(key, memory):
        def value(moving):
            now = eqx.combine(moving, fixed)
            statistics, info = estimate(now, key, parent, memory)
            return now.objective.value(statistics, (), 0), info

        slope, info = jax.grad(value, has_aux=True)(moving)
        return slope, problem.gradient.update(memory, info.observed)

    return slope


def cost(z: Any) -> Any:
    """A network of two hidden layers over 20 bits, `[..., 20]`."""
    rng = np.random.default_rng(0)
    U, V, w = rng.normal(size=(20, 200)) / 4, rng.normal(size=(200, 200)) / 14, rng.normal(size=200)
    return jnp.tanh(jnp.tanh(z @ U) @ V) @ w


def problems() -> list[tuple[Problem, Any, by_hand.Hand, tuple]]:
    """(Taut's problem, its rows, the estimator by hand, its parameters) of every pair."""
    frame, target = load_bundled("breast-cancer")
    table = prepare(frame.drop(target), frame[target])
    rng = np.random.default_rng(1)
    q = MeanField(rng.normal(size=table.X.shape[1]), rng.normal(-1, 0.2, table.X.shape[1]))
    model, parent = LogisticRegression(), Source((table.X, table.y)).parent
    regression = by_hand.regression(table.X, table.y)
    found = [
        (Problem(model, q, Elbo(), g), parent, regression[g.label], (q.mean, q.log_sd))
        for g in admissible(Elbo(), model, q)
        if g.label != "exact"
    ]
    bits, b = by_hand.bits(cost), Bernoulli(rng.normal(size=20))
    density = LogDensity(lambda v: cost(v["z"]), parameters={"z": real(20)})
    shelf = {
        "local expectation": MeasureValued(1),
        "leave-one-out": Reinforce(4),
        "disarm": Disarm(2),
        "straight-through": StraightThrough(10),
    }
    nothing = Source(np.zeros((1, 0))).parent
    return found + [(Problem(density, b, Elbo(), g), nothing, bits[name], (b.logits,)) for name, g in shelf.items()]


def loop(slope: Callable) -> Callable:
    """The sum of n gradients, compiled."""

    @jax.jit
    def run(key, memory, n):
        def body(i, carry):
            total, memory = carry
            g, memory = slope(jax.random.fold_in(key, i), memory)
            return jax.tree.map(jnp.add, total, g), memory

        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(slope, key, memory)[0])
        return jax.lax.fori_loop(0, n, body, (zeros, memory))

    return run


def timed(problem: Problem, parent: Any, hand: by_hand.Hand, parameters: tuple, rounds: int) -> dict[str, Any]:
    """Microseconds of either, and the median ratio."""
    parameters, parent = jax.device_put((jax.tree.map(jnp.asarray, parameters), parent))
    problem = jax.tree.map(lambda a: jnp.asarray(a) if isinstance(a, np.ndarray) else a, problem)

    def by_us(key, memory):
        return hand.slope(hand.draw(key), parameters, memory)

    runs = [
        (loop(taut_slope(problem, parent)), problem.gradient.init(statistics_like(problem, np.dtype("float64")))),
        (loop(by_us), hand.memory),
    ]

    def clock(run, n):
        return (
            time.perf_counter(),
            jax.block_until_ready(run[0](jax.random.key(0), run[1], n)),
            time.perf_counter(),
        )

    for run in runs:
        clock(run, 1)
    begun, _, ended = clock(runs[1], 20)
    n = max(20, int(20 * SECONDS / (ended - begun)))
    seconds = np.empty((rounds, 2))
    for r in range(rounds):
        for which in (0, 1) if r % 2 else (1, 0):
            begun, _, ended = clock(runs[which], n)
            seconds[r, which] = (ended - begun) / n
    taut, hands = 1e6 * np.median(seconds, axis=0)
    ratio = float(np.median(seconds[:, 0] / seconds[:, 1]))
    return {"taut": float(taut), "hand": float(hands), "ratio": ratio, "passes": ratio <= TARGET}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="9 rounds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    if not options.json:
        print(f"{'':12}{'estimator':28}{'draws':>6}{'Taut, us':>11}{'by hand, us':>13}{'ratio':>8}")
    with jax.enable_x64(True):
        for problem, parent, hand, parameters in problems():
            seen = timed(problem, parent, hand, parameters, 9 if options.quick else options.rounds)
            of = "regression" if problem.model.kind == "regression" else "20 bits"
            name, samples = problem.gradient.label, problem.gradient.samples
            rows.append({"problem": of, "estimator": name, "samples": samples} | seen)
            if not options.json:
                print(
                    f"{of:12}{name:28}{samples:6}{seen['taut']:11.1f}"
                    f"{seen['hand']:13.1f}{seen['ratio']:8.2f}{'' if seen['passes'] else '  over ' + str(TARGET)}",
                    flush=True,
                )
    if options.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

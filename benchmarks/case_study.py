"""The published case study of gradient estimators, from one configuration: what each run reached, and at what noise.

    python benchmarks/case_study.py                          some ten minutes; pictures in runs/case_study
    python benchmarks/case_study.py --steps 1000 --looks 20  a first look

The configuration, `recipes/case_study.json`, is all that is done. Every run is judged by the exact ELBO, which nobody
has outside of a laboratory, and by the expected accuracy of a draw from q, which is exact as well.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from scipy.special import ndtr

from taut.algorithms import Recipe, StochasticGradient
from taut.choosing.meter import measure_gradient
from taut.core import precision
from taut.data import load_bundled, prepare
from taut.data.source import Source, take
from taut.families import MeanField
from taut.gradients import (
    DeltaMethod,
    Exact,
    Gradient,
    LeaveOneOut,
    MeasureValued,
    MovingAverage,
    NoControl,
    Reinforce,
    Reparametrization,
)
from taut.models import LogisticRegression
from taut.objectives import Elbo
from taut.problem import Problem, estimate

CONFIGURATION = Path(__file__).parent / "recipes" / "case_study.json"
OPTIMUM = -67.463367
"""Nats: the most that a mean field reaches."""
FAILED = -1000.0
"""Nats: what did not come this far has not learned anything (q starts at -1,227)."""
MEASURED = (0.0, 0.01, 0.1, 0.5, 1.0)
"""Shares of the run at which the noise is measured."""


def estimator(name: str, samples: int) -> Gradient:
    """With the survey's control variates: decay 0.9, and a coefficient from 25 fresh draws."""
    if name == "pathwise":
        return Reparametrization(samples=samples)
    if name == "measure-valued":
        return MeasureValued(samples=samples)
    controls = {
        "score": NoControl(),
        "score, moving average": MovingAverage(0.9),
        "score, delta": DeltaMethod(25),
        "score, leave-one-out": LeaveOneOut(),
    }
    return Reinforce(samples=samples, control=controls[name])


def falling(rate: float, steps: int) -> optax.Schedule:
    """A quarter of a cosine, from `rate` to zero."""
    return lambda step: rate * jax.numpy.cos(0.5 * np.pi * step / steps)


@dataclasses.dataclass(frozen=True)
class Run:
    """One line of the configuration."""

    estimator: str
    samples: int
    rate: float
    batch: int

    def __str__(self) -> str:
        return f"{self.estimator}, {self.samples} draw{'s' * (self.samples > 1)}, rate {self.rate:g}"


@dataclasses.dataclass
class Outcome:
    """What a run was, over its looks.

    Attributes:
        steps: `[L]`, after how many each look was taken.
        elbo: `[L]`, exact.
        accuracy: `[L]`, expected under q, exact.
        measured: `[P]`, the steps at which the noise was measured.
        variance: `[P]`, of the run's gradient on one minibatch, all 62 derivatives together: the draws' noise.
        total: `[P]`, the same over minibatches too: the noise that the optimizer feels.
        evaluations: of one row's density in one step, over the rows of a minibatch.
        microseconds: of one gradient.
    """

    steps: Any
    elbo: Any
    accuracy: Any
    measured: Any
    variance: Any
    total: Any
    evaluations: int
    microseconds: float

    @property
    def late_variance(self) -> float:
        """Geometric mean over the measured places but the start, which all runs share."""
        return float(np.exp(np.mean(np.log(self.variance[1:]))))

    def arrival(self, gap: float) -> float:
        """Steps to within `gap` nats of the optimum, to stay; infinite if it never does."""
        far = ~(self.elbo > OPTIMUM - gap)
        last = np.flatnonzero(far)[-1] if far.any() else -1
        return float(self.steps[last + 1]) if last + 1 < len(self.steps) else np.inf


class Study:
    """The data, and runs on them."""

    def __init__(self, configuration: dict[str, Any]):
        self.configuration = configuration
        frame, target = load_bundled("breast-cancer")
        table = prepare(frame.drop(target), frame[target])
        self.rows = (table.X, table.y)
        self.start = MeanField.around(np.zeros(table.X.shape[1]), sd=1.0)
        self.seed = configuration["seed"]

    def outcome(self, run: Run) -> Outcome:
        """Train, then look back."""
        steps, looks = self.configuration["steps"], self.configuration["looks"]
        problem = Problem(LogisticRegression(), self.start, Elbo(), estimator(run.estimator, run.samples))
        recipe = Recipe(optax.sgd, Recipe(falling, run.rate, steps))
        algorithm = StochasticGradient(steps, optimizer=recipe, averaging=None)
        source = Source(self.rows, batch_size=run.batch, seed=self.seed)
        every = steps // looks
        with precision.context("float64"):
            parent, plan = jax.device_put((source.parent, source.plan(0, looks * every).reshape(looks, every, -1)))
            state = algorithm.init(problem, source.dtype)
            path = jax.tree.map(np.asarray, _path(algorithm, state, parent, plan, jax.random.key(self.seed)))
        path = jax.tree.map(lambda first, rest: np.concatenate([first[None], rest]), self.start, path)
        places = sorted({round(share * looks) for share in MEASURED})
        noise = [self._noise(problem, jax.tree.map(lambda a, i=i: a[i], path), run.batch) for i in places]
        variance, total, seconds = np.transpose(noise)
        return Outcome(
            every * np.arange(looks + 1),
            *self._judged(path),
            every * np.array(places),
            variance,
            total,
            problem.gradient.evaluations(self.start),
            1e6 * float(np.median(seconds)),
        )

    def _judged(self, path: MeanField) -> tuple[np.ndarray, np.ndarray]:
        """ELBO and expected accuracy of a draw, at each member of the path."""
        source = Source(self.rows)
        with precision.context("float64"):
            elbo = np.asarray(_exact_elbo(path, source.parent, jax.random.key(0)))
        X, y = self.rows
        mean, sd = path.mean @ X.T, np.sqrt(np.exp(2 * path.log_sd) @ (X**2).T)
        return elbo, ndtr((2 * y - 1) * mean / sd).mean(axis=1)

    def _noise(self, problem: Problem, q: MeanField, batch: int) -> tuple[float, float, float]:
        """Variance of the draws alone, variance with the minibatches', seconds for one gradient."""
        if not np.isfinite(q.mean).all() or np.abs(q.log_sd).max() > 300:
            return np.nan, np.nan, np.nan
        at = eqx.tree_at(lambda p: p.family, problem, q)
        n, repeats = len(self.rows[1]), self.configuration["repeats"]

        def sum_of(seen):
            return sum(float(v.sum()) for v in jax.tree.leaves(seen.variance))

        picked = np.random.default_rng(self.seed).choice(n, batch, replace=False)
        fixed = measure_gradient(at, Source(jax.tree.map(lambda a: a[picked], self.rows)), repeats, self.seed)
        moving = measure_gradient(at, Source(self.rows, batch_size=batch), repeats, self.seed)
        # The closed KL has no noise, and a minibatch's rows count n / batch times each in the run.
        return sum_of(fixed) * (n / batch) ** 2, sum_of(moving), moving.seconds


@eqx.filter_jit
def _path(algorithm: StochasticGradient, state: Any, parent: Any, plan: Any, key: Any) -> MeanField:
    """The family after each of the looks, `[L, ...]`."""
    moving, fixed = eqx.partition(state, eqx.is_array)

    def one(moving, rows):
        state = eqx.combine(moving, fixed)
        state, _ = algorithm.step(jax.random.fold_in(key, state.step), state, take(parent, rows))
        return eqx.filter(state, eqx.is_array), None

    def look(moving, rows):
        moving, _ = jax.lax.scan(one, moving, rows)
        return moving, moving.problem.family

    return jax.lax.scan(look, moving, plan)[1]


@jax.jit
def _exact_elbo(path: MeanField, parent: Any, key: Any) -> Any:
    def of(q):
        statistics, _ = estimate(Problem(LogisticRegression(), q, Elbo(), Exact()), key, parent, ())
        return Elbo().value(statistics, (), 0)

    return jax.lax.map(of, path)


def runs(configuration: dict[str, Any]) -> dict[str, list[Run]]:
    """By figure."""
    common = configuration["common"]
    return {figure: [Run(**(common | line)) for line in lines] for figure, lines in configuration["figures"].items()}


def table(outcomes: dict[Run, Outcome], which: Iterable[Run]) -> str:
    """One line a run."""
    head = (
        "",
        "ELBO",
        "accuracy",
        "steps to 1 nat",
        "to 0.1",
        "variance: draws",
        "with minibatches",
        "evaluations",
        "microseconds",
    )
    lines = [head]
    for run in which:
        seen = outcomes[run]
        arrivals = (f"{x:.0f}" if np.isfinite(x) else "never" for x in map(seen.arrival, (1.0, 0.1)))
        noise = (f"{float(np.exp(np.mean(np.log(v[1:])))):.3g}" for v in (seen.variance, seen.total))
        elbo = f"{seen.elbo[-1]:.3f}" if seen.elbo[-1] > FAILED else "failed"
        lines.append(
            (
                str(run),
                elbo,
                f"{seen.accuracy[-1]:.4f}",
                *arrivals,
                *noise,
                f"{seen.evaluations}",
                f"{seen.microseconds:.0f}",
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def pad(line):
        return [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]

    return "\n".join("  ".join(pad(line)) for line in lines)


def orderings(outcomes: dict[Run, Outcome], common: dict[str, Any], near: float = 0.1) -> list[tuple[str, bool]]:
    """What the survey's figures claim, each with whether it was seen.

    Args:
        outcomes: of all runs.
        common: of the configuration.
        near: nats from the optimum that count as its neighbourhood at the end of the run.
    """

    def of(name, **other):
        return outcomes[Run(name, **(common | other))]

    score, average, delta = (of(name) for name in ("score", "score, moving average", "score, delta"))
    pathwise, measured = of("pathwise"), of("measure-valued")
    scores, gap = (score, average, delta), lambda run: OPTIMUM - run.elbo[-1]
    few, slow = of("score", samples=5), of("score", samples=5, rate=common["rate"] / 10)
    ratio, accuracy = measured.late_variance / pathwise.late_variance, pathwise.accuracy[-1]
    return [
        (
            "the pathwise gradient has a lower variance than any score function",
            all(pathwise.late_variance < run.late_variance for run in scores),
        ),
        ("and none of them is faster", all(pathwise.arrival(1.0) <= run.arrival(1.0) for run in scores)),
        (
            "the score function gains from a moving average, and more from the delta method, in variance",
            score.late_variance > average.late_variance > delta.late_variance,
        ),
        ("and in what is reached", gap(score) > gap(average) > gap(delta) > gap(pathwise)),
        (
            f"measure-valued is about equal to pathwise: {ratio:.2f} times its variance",
            0.5 < ratio < 2 and measured.arrival(1.0) == pathwise.arrival(1.0),
        ),
        (
            "with five draws the score function fails at the pathwise gradient's rate",
            not few.elbo[-1] > FAILED and of("pathwise", samples=5).elbo[-1] > OPTIMUM - 1,
        ),
        ("and learns at a tenth of it", slow.elbo[-1] > OPTIMUM - 20),
        (
            "variance falls during training",
            all(run.variance[-1] < run.variance[0] for run in (*scores, pathwise, measured)),
        ),
        (f"the ELBO ends at {pathwise.elbo[-1]:.3f}, near {OPTIMUM:.3f}", abs(gap(pathwise)) < near),
        (f"the accuracy of a draw at {accuracy:.4f}, near 0.976", abs(accuracy - 0.976) < 0.003),
    ]


COLOURS = {
    "pathwise": "#0072b2",
    "measure-valued": "#009e73",
    "score": "#d55e00",
    "score, moving average": "#e69f00",
    "score, delta": "#cc79a7",
    "score, leave-one-out": "#56b4e9",
}


def pictures(outcomes: dict[Run, Outcome], figures: dict[str, list[Run]], common: dict[str, Any], folder: Path) -> None:
    """`learning.png`: the gap to the optimum in each figure; `variance.png`: the draws' noise along each run."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    first = float(next(iter(outcomes.values())).steps[1])
    for file, label in (("learning", "optimum minus exact ELBO (nats)"), ("variance", "variance of the draws alone")):
        fig, axes = plt.subplots(2, 2, figsize=(11, 8.5), constrained_layout=True)
        for ax, (figure, which) in zip(axes.flat, figures.items(), strict=True):
            for run in which:
                seen = outcomes[run]
                gap = seen.steps[1:], OPTIMUM - seen.elbo[1:]
                x, y = gap if file == "learning" else (seen.measured, seen.variance)
                dashes = "--" if run.rate != common["rate"] else ":" if run.samples == 10 else "-"
                if not np.isfinite(y[-1]):
                    ax.plot([], [], "x", color=COLOURS[run.estimator], label=f"{run}: failed")
                    continue
                ax.plot(
                    x,
                    y,
                    dashes,
                    color=COLOURS[run.estimator],
                    marker="o" if len(x) < 10 else None,
                    lw=1.4,
                    ms=4,
                    alpha=0.6 if run.samples == 100 else 1,
                    label=str(run),
                )
            ax.set(title=figure, xlabel="steps", ylabel=label, yscale="log")
            if file == "learning":
                ax.set(xscale="log")
            else:  # the start, and then logarithmic
                ax.set_xscale("symlog", linthresh=first)
                ax.set_xlim(-0.2 * first, 1.3 * max(seen.steps[-1] for seen in outcomes.values()))
            ax.legend(fontsize=7.5, frameon=False, loc="best" if file == "learning" else "upper right")
            ax.spines[["top", "right"]].set_visible(False)
        fig.savefig(folder / f"{file}.png", dpi=130)
        plt.close(fig)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configuration", type=Path, default=CONFIGURATION)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--looks", type=int)
    parser.add_argument("--out", type=Path, default=Path("runs/case_study"))
    options = parser.parse_args()
    configuration = json.loads(options.configuration.read_text())
    configuration |= {k: v for k, v in (("steps", options.steps), ("looks", options.looks)) if v}
    study, figures, outcomes = Study(configuration), runs(configuration), {}
    for run in dict.fromkeys(run for which in figures.values() for run in which):
        begun = time.perf_counter()
        outcomes[run] = study.outcome(run)
        print(f"{run}: {time.perf_counter() - begun:.0f} s", flush=True)
    for figure, which in figures.items():
        print(f"\n{figure}\n{table(outcomes, which)}")
    print()
    for sentence, seen in orderings(outcomes, configuration["common"]):
        print(f"{'yes' if seen else 'NO '}  {sentence}")
    pictures(outcomes, figures, configuration["common"], options.out)
    plain = {str(run): dataclasses.asdict(seen) for run, seen in outcomes.items()}
    (options.out / "case_study.json").write_text(json.dumps(plain, default=lambda a: a.tolist(), indent=1))


if __name__ == "__main__":
    main()

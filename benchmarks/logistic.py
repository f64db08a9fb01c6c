"""The race: time until the exact ELBO is within 0.01 nats of the family's optimum, beside NumPyro and PyMC.

    python benchmarks/logistic.py              a table; ratios against NumPyro's faster way; what the imports cost
    python benchmarks/logistic.py --json       the same numbers as one JSON object
    python benchmarks/logistic.py --search     NumPyro's settings anew: which of the candidates arrives soonest

Wisconsin breast cancer, 569 x 30, columns standardised, an intercept, prior N(0, I). How it is measured: README.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from peers.judge import OPTIMUM, TOLERANCE, arrival, exact_elbo

PEERS = Path(__file__).parent / "peers"
TARGETS = {"first": 8.0, "warm": 40.0, "whole": 2.5}
"""How many times faster than NumPyro Taut means to be."""

IMPORT_TARGET = 1.3
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Entrant:
    """One line of the table.

    Attributes:
        name: of the tool and the way it is used.
        script: in `peers/`.
        settings: by family; with `steps`, the budget of a stochastic run, the race first finds how many it needs.
        every: how many steps lie between two looks while that is found.
        seeds: tried; the run that is timed is the middle one in steps needed.
        processes: fresh ones, for the first call and the whole process.
        warm: calls after the first in one more process.
    """

    name: str
    script: str
    settings: dict[str, dict[str, Any]] = field(default_factory=lambda: {"mean-field": {}, "full-rank": {}})
    every: int = 0
    seeds: tuple[int, ...] = ()
    processes: int = 5
    warm: int = 20


# What arrived soonest in searches over some 150 combinations of rate, horizon, decay and draws; the best are the
# candidates of `--search`. With one draw a step, the default, none of 36 stayed within 0.01 nats in 8,000 steps.
NUMPYRO = {
    "mean-field": {"steps": 3000, "rate": 0.3, "horizon": 1000, "decay": 0.01, "particles": 10},
    "full-rank": {"steps": 4000, "rate": 0.3, "horizon": 1500, "decay": 0.003, "particles": 30},
}
CANDIDATES = {
    "mean-field": [
        (0.3, 1000, 0.01, 10),
        (0.3, 1500, 0.003, 10),
        (0.1, 2000, 0.01, 10),
        (0.3, 1500, 0.01, 4),
        (0.3, 1000, 0.01, 30),
        (0.3, 1000, 0.003, 30),
    ],
    "full-rank": [
        (0.3, 1500, 0.003, 30),
        (0.3, 1500, 0.01, 30),
        (0.2, 1500, 0.003, 30),
        (0.1, 2000, 0.01, 30),
        (0.3, 2000, 0.003, 20),
    ],
}
PYMC = {"steps": 20_000, "rate": 0.01}

TAUT = Entrant("Taut", "taut_natural.py")
RUN, JIT = (
    Entrant(name, "numpyro_svi.py", {f: s | {"way": way} for f, s in NUMPYRO.items()}, every=20, seeds=SEEDS, warm=warm)
    for name, way, warm in (("NumPyro, svi.run", "run", 10), ("NumPyro, one jit", "jit", 20))
)
ADVI = Entrant("PyMC ADVI", "pymc_advi.py", {f: PYMC for f in OPTIMUM}, every=500, seeds=(0,), processes=1, warm=1)


@dataclass(frozen=True)
class Race:
    """The data, as a file for the entrants and as arrays for the judge."""

    folder: Path
    X: np.ndarray
    y: np.ndarray

    @classmethod
    def prepare(cls, folder: Path) -> "Race":
        from sklearn.datasets import load_breast_cancer

        X, y = map(np.asarray, load_breast_cancer(return_X_y=True))
        np.savez(folder / "data.npz", X=X, y=y)
        return cls(folder, np.column_stack([np.ones(len(X)), (X - X.mean(0)) / X.std(0)]), y.astype(float))

    def gap(self, family: str, mean: np.ndarray, factor: np.ndarray) -> float:
        """Nats below the family's optimum."""
        return OPTIMUM[family] - exact_elbo(mean, factor, self.X, self.y)

    def task(self, entrant: Entrant, family: str, settings: dict[str, Any], **what: Any) -> tuple[dict, float]:
        """One fresh process; the arrays that it wrote, and its seconds from start to end as seen from outside."""
        doing = "how many steps it needs" if what.get("trace") else f"calls: {what['calls']}"
        print(f"{time.strftime('%H:%M:%S')} {family}, {entrant.name}, {doing}", file=sys.stderr)
        data, out = self.folder / "data.npz", self.folder / "out.npz"
        task = {"data": str(data), "out": str(out), "family": family, "settings": settings, "trace": False, **what}
        command = [sys.executable, "-W", "ignore", str(PEERS / entrant.script), json.dumps(task)]
        with tempfile.TemporaryDirectory(dir=self.folder) as empty:
            begun = time.perf_counter()
            done = subprocess.run(command, env=environment(empty), capture_output=True, text=True)
            seconds = time.perf_counter() - begun
        if done.returncode:
            raise SystemExit(f"{entrant.name}, {family}, {settings} failed:\n{done.stderr}")
        with np.load(out) as file:
            return dict(file), seconds

    def arrivals(self, entrant: Entrant, family: str, settings: dict[str, Any]) -> list[tuple[int | None, float, int]]:
        """For each seed the steps needed, the gap after all of them, and the seed; the soonest first."""
        found = []
        for seed in entrant.seeds:
            trace, _ = self.task(entrant, family, settings | {"seed": seed, "every": entrant.every}, trace=True)
            rows = zip(trace["mean"][::-1], trace["factor"][::-1], strict=True)
            found.append((*arrival(trace["steps"], (self.gap(family, *row) for row in rows)), seed))
        return sorted(found, key=lambda one: np.inf if one[0] is None else one[0])


def environment(empty: str) -> dict[str, str]:
    """Nobody has anything compiled from before: JAX's cache on disk is off, PyTensor's is an empty folder."""
    flags = ",".join(filter(None, [os.environ.get("PYTENSOR_FLAGS"), f"base_compiledir={empty}"]))
    return os.environ | {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false", "PYTENSOR_FLAGS": flags}


# The race -------------------------------------------------------------------------------------------------------------


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "min": min(seconds), "of": len(seconds)}


def run(race: Race, entrants: list[Entrant], family: str, quick: bool) -> dict[str, dict[str, Any]]:
    """Every entrant on one family; their fresh processes take turns, so that a slow minute falls on all of them."""
    settings, results = {}, {}
    traced: dict[str, list[tuple[int | None, float, int]]] = {}
    for entrant in entrants:
        mine = dict(entrant.settings[family])
        if entrant.seeds:
            way = mine.pop("way", None)
            key = json.dumps([entrant.script, mine])  # the two ways of NumPyro make the same steps
            if key not in traced:
                traced[key] = race.arrivals(entrant, family, mine)
            arrived, _, seed = traced[key][len(entrant.seeds) // 2]
            mine |= {"steps": arrived or mine["steps"], "seed": seed} | ({"way": way} if way else {})
        settings[entrant.name] = mine

    first, whole = {e.name: [] for e in entrants}, {e.name: [] for e in entrants}
    counts = {e.name: min(e.processes, 3) if quick else e.processes for e in entrants}
    for turn in range(max(counts.values()) + 1):
        for entrant in entrants:
            # The first turn is thrown away where more follow: it writes bytecode and fills the page cache.
            if turn > counts[entrant.name] or (turn == 0 and counts[entrant.name] == 1):
                continue
            answer, seconds = race.task(entrant, family, settings[entrant.name], calls=1)
            if turn > 0:
                first[entrant.name].append(float(answer["seconds"][0]))
                whole[entrant.name].append(seconds)

    for entrant in entrants:
        warm = min(entrant.warm, 10) if quick else entrant.warm
        answer, _ = race.task(entrant, family, settings[entrant.name], calls=1 + warm)
        gap = race.gap(family, answer["mean"], answer["factor"])
        results[entrant.name] = {
            "settings": settings[entrant.name],
            "gap": gap,
            "arrived": gap <= TOLERANCE,
            "first": spread(first[entrant.name]),
            "warm": spread(answer["seconds"][1:].tolist()),
            "whole": spread(whole[entrant.name]),
        }
    return results


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """NumPyro's time over Taut's, medians, for each of NumPyro's ways and for the faster one by mode."""
    ours = results[TAUT.name]
    each = {
        name: {mode: r[mode]["median"] / ours[mode]["median"] for mode in TARGETS}
        for name, r in results.items()
        if name in (RUN.name, JIT.name)
    }
    return each | {"NumPyro, the faster": {mode: min(one[mode] for one in each.values()) for mode in TARGETS}}


def imports(rounds: int) -> dict[str, Any]:
    """Seconds that imports take in fresh processes, in turns, and the median of the ratios to `import jax`."""
    statements = ("import jax", "import taut", "import taut; taut.fit")
    clock = "import time; begun = time.perf_counter(); {}; print(time.perf_counter() - begun)"
    seconds: dict[str, list[float]] = {statement: [] for statement in statements}
    for turn in range(rounds + 1):
        for statement in statements:
            command = [sys.executable, "-c", clock.format(statement)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            if turn > 0:  # the first writes bytecode
                seconds[statement].append(float(done.stdout))

    def to_jax(own: list[float]) -> float:
        return statistics.median(a / b for a, b in zip(own, seconds["import jax"], strict=True))

    return {name: spread(own) | {"ratio_to_jax": to_jax(own)} for name, own in seconds.items()}


def search(race: Race) -> Iterator[dict[str, Any]]:
    """NumPyro's candidates: the steps that each needs by seed, and the warm seconds of the middle run."""
    for family, candidates in CANDIDATES.items():
        for candidate in candidates:
            mine = dict(zip(("rate", "horizon", "decay", "particles"), candidate, strict=True))
            found = race.arrivals(JIT, family, mine | {"steps": NUMPYRO[family]["steps"]})
            steps, _, seed = found[len(found) // 2]
            seconds = None
            if steps is not None:
                answer, _ = race.task(JIT, family, mine | {"steps": steps, "seed": seed, "way": "jit"}, calls=11)
                seconds = float(np.median(answer["seconds"][1:]))
            yield {"family": family, **mine, "steps": [one[0] for one in found], "warm": seconds}


def machine() -> dict[str, Any]:
    """Where and with what; a load above zero means that others were at work."""
    tools = {tool: version(tool) for tool in ("jax", "numpyro", "pymc", "pytensor", "numpy") if find_spec(tool)}
    where = {"system": platform.platform(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    return where | {"python": platform.python_version()} | tools


# What is shown --------------------------------------------------------------------------------------------------------


def show(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Seconds until the exact ELBO is within 0.01 nats of the optimum: median (least)")
    for heading in ("family", "tool", "steps", "gap, nats", "first call", "warm call", "whole process"):
        table.add_column(heading, justify="left" if heading in ("family", "tool") else "right")
    for family, part in report["families"].items():
        for name, r in part["results"].items():
            times = [f"{'' if r['arrived'] else '> '}{r[m]['median']:.3g} ({r[m]['min']:.3g})" for m in TARGETS]
            table.add_row(family, name, str(r["settings"].get("steps", "")), f"{r['gap']:.4f}", *times)
        for name, ratio in part["ratios"].items():
            table.add_row(family, f"{name} / Taut", "", "", *(f"{ratio[mode]:.1f}x" for mode in TARGETS))
        table.add_section()
    table.add_row("", "target for the faster / Taut", "", "", *(f"{aim:g}x" for aim in TARGETS.values()))

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    for name, s in report["imports"].items():
        console.print(f"{name}: {s['median']:.2f} s, {s['ratio_to_jax']:.2f}x import jax (target {IMPORT_TARGET}x)")
    where = report["machine"]
    console.print(", ".join(f"{name} {value}" for name, value in where.items()), style="dim")
    if where["load"] > 0.3:
        console.print(f"Load {where['load']} at the start: others were at work, do not quote these.", style="yellow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout in place of the table")
    parser.add_argument("--quick", action="store_true", help="the fewest repeats that count: 3 and 10")
    parser.add_argument("--search", action="store_true", help="only look for NumPyro's best settings")
    parser.add_argument("--family", choices=list(OPTIMUM), help="one family alone")
    parser.add_argument("--without-pymc", action="store_true", help="leave PyMC out: its runs are the longest")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        race = Race.prepare(Path(folder))
        if arguments.search:
            for line in search(race):
                print(json.dumps(line), flush=True)
            return
        report: dict[str, Any] = {"machine": machine(), "tolerance": TOLERANCE, "targets": TARGETS, "families": {}}
        report |= {"import_target": IMPORT_TARGET, "imports": imports(3 if arguments.quick else 7)}
        entrants = [TAUT, RUN, JIT, *([] if arguments.without_pymc else [ADVI])]
        for family in [arguments.family] if arguments.family else OPTIMUM:
            results = run(race, entrants, family, arguments.quick)
            report["families"][family] = {"results": results, "ratios": ratios(results)}
    print(json.dumps(report, indent=2)) if arguments.json else show(report)


if __name__ == "__main__":
    main()

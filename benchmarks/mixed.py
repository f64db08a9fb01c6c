"""Regressions with groups, by formula, beside lme4, statsmodels and NumPyro's NUTS, judged by reference posteriors.

    python benchmarks/mixed.py                      thirteen models, about 40 minutes: errors, CPU seconds cold and warm
    python benchmarks/mixed.py --quick              without NUTS and insteval, one cold process, three warm calls
    python benchmarks/mixed.py --models cbpp wine --tools taut lme4
    python benchmarks/mixed.py --json > mixed.json  the same numbers as JSON; --table mixed.json makes tables of it

The models, data and references are those of `../shared/data/mixed`. How it is measured: README.md.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

from mixed_judge import judge, reached  # noqa: E402
from mixed_models import MODELS, Design, load  # noqa: E402
from mixed_tables import tables  # noqa: E402

DATA = HERE.parents[1] / "shared" / "data" / "mixed"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS")}
LIMIT = 900
"""Seconds until a process is stopped."""


class Failed(Exception):
    """A process that gave no answer."""


@dataclass(frozen=True)
class Turn:
    """One process: what it printed, and its seconds from start to end with those of its children."""

    out: str
    wall: float
    cpu: float


def process(command: list[str], folder: Path) -> Turn:
    """Run a command in a folder of its own, with nothing compiled from before."""
    fresh = {"JAX_PLATFORMS": "cpu", "TAUT_CACHE_DIR": str(folder / "cache"), "PYTHONWARNINGS": "ignore"}
    if "PYTHONPATH" in os.environ:  # the folder is another one there
        fresh["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, os.environ["PYTHONPATH"].split(os.pathsep)))
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        environment = os.environ | ONE_THREAD | fresh
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failed(f"no answer within {LIMIT} s") from None
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return Turn(done.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


# The entrants ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """What an entrant is given: the model, where the data are, and a folder to work in."""

    name: str
    data: Path
    folder: Path

    @property
    def design(self) -> Design:
        """Coded columns."""
        return load(self.name, self.data)


def python(script: str) -> Callable[[Task, int], tuple[dict[str, Any], Turn]]:
    """A script of `peers/` that serves its calls."""

    def run(task: Task, calls: int) -> tuple[dict[str, Any], Turn]:
        given = json.dumps({"model": task.name, "folder": str(task.data), "calls": calls})
        turn = process([sys.executable, str(HERE / "peers" / script), given], task.folder)
        return json.loads(turn.out.splitlines()[-1]), turn

    return run


def taut_alone(task: Task) -> Turn:
    """The command line in a new process."""
    stated = MODELS[task.name]
    given = [str(task.data / stated.file), stated.formula, "--likelihood", stated.likelihood, "--json"]
    return process([sys.executable, "-m", "taut", "fit", *given], task.folder)


def lme4(task: Task, calls: int) -> tuple[dict[str, Any], Turn]:
    """R on the coded columns."""
    import mixed_lme4 as r

    design = task.design
    r.write(design, task.folder)
    given = [str(task.folder), design.model.likelihood, r.formula(design), str(calls)]
    turn = process(["Rscript", "--vanilla", str(r.SCRIPT), *given], task.folder)
    return r.answer(design, task.folder), turn


@cache
def lme4_missing() -> str:
    """Why R's packages cannot be run, in words; empty where they can."""
    if shutil.which("Rscript") is None:
        return "R is not installed (Debian: r-cran-lme4, r-cran-ordinal)"
    asked = "for (p in c('lme4', 'ordinal')) if (!requireNamespace(p, quietly = TRUE)) cat(p, '')"
    absent = subprocess.run(["Rscript", "--vanilla", "-e", asked], capture_output=True, text=True).stdout.split()
    return f"R has no package {' and '.join(absent)}" if absent else ""


def lme4_lacks(name: str) -> str:
    """Why there is no fit of a model, in words."""
    stated = MODELS[name]
    fits = stated.groups and stated.likelihood not in ("categorical", "student-t")
    return "" if fits else f"no {stated.likelihood} model"


def statsmodels_lacks(name: str) -> str:
    """Why there is no fit of a model, in words."""
    stated = MODELS[name]
    if stated.likelihood == "gaussian":
        return "" if len(stated.groups) == 1 else "crossed factors need a dense matrix of all effects"
    if stated.likelihood not in ("bernoulli", "binomial", "poisson"):
        return f"no {stated.likelihood} model with fit_vb"
    return "no offset" if stated.exposure else ""


def not_installed(package: str) -> Callable[[], str]:
    """Why a Python package cannot be run, in words; empty where it can."""
    return lambda: "" if find_spec(package) else f"{package} is not installed"


@dataclass(frozen=True)
class Entrant:
    """A tool.

    Attributes:
        run: `(task, calls)` -> the answer with the seconds of the calls, and the process.
        missing: why it cannot be run here; empty where it can.
        lacks: why it has no fit of a model; empty where it has.
        alone: the new process that counts as cold; None: `run` with one call.
        once: One call in one process is all that is timed.
    """

    run: Callable[[Task, int], tuple[dict[str, Any], Turn]]
    missing: Callable[[], str]
    lacks: Callable[[str], str] = lambda name: ""
    alone: Callable[[Task], Turn] | None = None
    once: bool = False


ENTRANTS = {
    "taut": Entrant(python("mixed_taut.py"), lambda: "", alone=taut_alone),
    "lme4": Entrant(lme4, lme4_missing, lme4_lacks),
    "statsmodels": Entrant(python("mixed_statsmodels.py"), not_installed("statsmodels"), statsmodels_lacks),
    "nuts": Entrant(
        python("mixed_numpyro.py"),
        not_installed("numpyro"),
        lambda name: "left out: it takes hours" if name == "insteval" else "",
        once=True,
    ),
}


# The race -------------------------------------------------------------------------------------------------------------


def timed(entrant: Entrant, name: str, data: Path, colds: int, warms: int) -> dict[str, Any]:
    """Seconds of one tool on one model, and its answer."""
    with tempfile.TemporaryDirectory() as room:

        def task() -> Task:
            return Task(name, data, Path(tempfile.mkdtemp(dir=room)))

        if entrant.once:
            answer, turn = entrant.run(task(), 1)
            return {"answer": answer, "cold": [turn.cpu], "cold_wall": [turn.wall], "call": answer["cpu"][0]}
        alone = entrant.alone or (lambda own: entrant.run(own, 1)[1])
        turns = [alone(task()) for _ in range(colds)]
        answer, _ = entrant.run(task(), 1 + warms)
    return {
        "answer": answer,
        "cold": [turn.cpu for turn in turns],
        "cold_wall": [turn.wall for turn in turns],
        "warm": answer["cpu"][1:],
        "warm_wall": answer["wall"][1:],
    }


def row(tool: str, name: str, data: Path, colds: int, warms: int) -> dict[str, Any]:
    """One line of the tables: medians of seconds, and errors; or why there is none."""
    entrant, head = ENTRANTS[tool], {"model": name, "tool": tool}
    if why := entrant.missing() or entrant.lacks(name):
        return head | {"none": why}
    print(f"{time.strftime('%H:%M:%S')} {name}, {tool}", file=sys.stderr, flush=True)
    try:
        seen = timed(entrant, name, data, colds, warms)
    except Failed as failure:
        return head | {"failed": str(failure)}
    answer = seen.pop("answer")
    reference = json.loads((data / "reference" / f"{name}.json").read_text())
    judged = judge(reference, answer)
    medians = {key: statistics.median(value) if isinstance(value, list) else value for key, value in seen.items()}
    given = {key: answer[key] for key in ("note", "verdict", "least_ess") if key in answer}
    return head | medians | {"seconds": seen} | given | judged | {"reached": reached(judged)}


def machine() -> dict[str, Any]:
    """Where and with what."""
    tools = {t: version(t) for t in ("taut", "jax", "numpy", "numpyro", "statsmodels") if find_spec(t)}
    where = {"system": platform.platform(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    if not lme4_missing():
        asked = "cat(paste(R.version.string, 'lme4', packageVersion('lme4'), 'ordinal', packageVersion('ordinal')))"
        where["R"] = subprocess.run(["Rscript", "--vanilla", "-e", asked], capture_output=True, text=True).stdout
    return where | {"python": platform.python_version()} | tools


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of tables and references")
    parser.add_argument("--models", nargs="*", choices=MODELS, metavar="MODEL", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--tools", nargs="*", choices=ENTRANTS, default=list(ENTRANTS))
    parser.add_argument("--quick", action="store_true", help="without NUTS and insteval, fewer repeats")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout in place of the tables")
    parser.add_argument("--table", type=Path, help="of the JSON of an earlier run; nothing is run")
    asked = parser.parse_args()
    if asked.table:
        print(tables(json.loads(asked.table.read_text())))
        return
    if not (asked.data / "reference").is_dir():
        print(
            f"No folder {asked.data / 'reference'}: the models' data and references are not here. Name it with --data."
        )
        sys.exit(0 if asked.data == DATA else 2)
    names = asked.models or [name for name in MODELS if not (asked.quick and name == "insteval")]
    tools = [tool for tool in asked.tools if not (asked.quick and tool == "nuts")]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])  # one core for everybody; children inherit it
    report: dict[str, Any] = {"machine": machine(), "rows": []}
    for name in names:
        for tool in tools:
            report["rows"].append(row(tool, name, asked.data.resolve(), *((1, 3) if asked.quick else (3, 5))))
    print(json.dumps(report) if asked.json else tables(report))


if __name__ == "__main__":
    main()

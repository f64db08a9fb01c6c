"""The verdict and the engine on posteriors with known answers, beside NumPyro, BlackJAX's Pathfinder and PyMC.

    python benchmarks/densities.py                       every target and tool: errors, cold and warm seconds, gradients
    python benchmarks/densities.py --verdicts           only Taut over seeds: how often a verdict was wrong
    python benchmarks/densities.py --targets banana funnel --json
    python benchmarks/densities.py --fresh --verdicts --seeds 3    twenty posteriors that tuned no threshold
    python benchmarks/densities.py --wide --verdicts --seeds 1     up to ten thousand unknowns, minutes each

Each tool and target runs in a fresh process; cold is the first call there (compilation included, imports not), warm the
median of the next ones. The verdicts' errors are counted by fit and by posterior: seeds on one posterior are no
independent trials.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TOOLS = {
    "taut": "density_taut.py",
    "numpyro": "density_numpyro.py",
    "pathfinder": "density_pathfinder.py",
    "pymc": "density_pymc.py",
}
CLOSE, CLOSE_SD = 0.1, 0.1
"""What an answer that is to be trusted must reach: reference sds of a mean, and share of an sd."""
FALSE, FALSE_SD = 0.2, 0.25
"""Beyond it a "good" or "corrected" was false."""


def run(tool: str, name: str, calls: int) -> dict[str, Any]:
    """One tool on one target in a process of its own."""
    task = json.dumps({"target": name, "calls": calls})
    done = subprocess.run([sys.executable, HERE / "peers" / TOOLS[tool], task], capture_output=True, text=True)
    if done.returncode:
        return {"tool": tool, "target": name, "failed": done.stderr.strip().splitlines()[-1:]}
    seen = json.loads(done.stdout.splitlines()[-1])
    seconds = seen.pop("seconds")
    return {"tool": tool, "target": name, "cold": seconds[0], "warm": statistics.median(seconds[1:])} | seen


def verdicts(names: list[str], seeds: int) -> list[dict[str, Any]]:
    """Taut on every target and seed, in this process so that each model is compiled once."""
    sys.path.insert(0, str(HERE / "peers"))
    from density_taut import fitter
    from targets import target

    rows = []
    for name in names:
        known = target(name)
        call = fitter(known)
        for seed in range(seeds):
            answer = call(seed)
            row = {"target": name, "seed": seed} | answer.pop("finish")() | answer
            row["log_normaliser"] = known.log_normaliser
            rows.append(row | judged(row))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    return rows


def judged(row: dict[str, Any]) -> dict[str, bool]:
    """Whether the verdict was right."""
    sd_off = max(abs(row["least_sd"] - 1), abs(row["largest_sd"] - 1))
    reliable = row["trust"] in ("good", "corrected")
    close = row["mean_error"] < CLOSE and sd_off < CLOSE_SD
    return {
        "false_trust": reliable and (row["mean_error"] > FALSE or sd_off > FALSE_SD),
        "false_alarm": not reliable and close,
        "close": close,
    }


def line(row: dict[str, Any]) -> str:
    """One fit in words."""
    mark = "FALSE TRUST" if row["false_trust"] else "false alarm" if row["false_alarm"] else ""
    return (
        f"{row['target']:42.42s} seed {row['seed']}  converged {row['converged']:8s} trust {row['trust']:9s} "
        f"mean error {row['mean_error']:.3f} sd, sds {row['least_sd']:.2f} to {row['largest_sd']:.2f}  "
        f"{row['family']:13s} {row['gradients']:9,.0f} gradients  {mark}"
    )


def interval(wrong: int, of: int) -> str:
    """A count with its 95 % Clopper-Pearson interval."""
    from scipy.stats import beta

    low = beta.ppf(0.025, wrong, of - wrong + 1) if wrong else 0.0
    high = beta.ppf(0.975, wrong + 1, of - wrong) if wrong < of else 1.0
    return f"{wrong} of {of} ({wrong / of:.1%}, 95 % interval {low:.1%} to {high:.1%})"


def counts(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Wrong verdicts by fit and by posterior."""
    names = sorted({row["target"] for row in rows})

    def by_name(key):
        return sum(any(r[key] for r in rows if r["target"] == n) for n in names)

    return {
        f"{key} by {unit}": interval(*found)
        for key in ("false_trust", "false_alarm", "close")
        for unit, found in (
            ("fit", (sum(r[key] for r in rows), len(rows))),
            ("posterior", (by_name(key), len(names))),
        )
    }


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """The reported shift against the true error of q's mean, a point a fit."""
    import matplotlib.pyplot as plt

    colours = {"good": "tab:green", "corrected": "tab:blue", "suspect": "tab:orange", "unusable": "tab:red"}
    figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
    for answer, colour in colours.items():
        chosen = [r for r in rows if r["trust"] == answer]
        axes.scatter(
            [max(r["shift"], 1e-3) for r in chosen],
            [max(r["mean_error"], 1e-3) for r in chosen],
            s=16,
            color=colour,
            label=f"{answer} ({len(chosen)})",
        )
    axes.axhline(CLOSE, color="0.7", linewidth=1)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="reported shift of a mean (sd of q)",
        ylabel="error of the returned mean (reference sd)",
    )
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def off(row: dict[str, Any]) -> float:
    """How wrong an answer is: the largest error of a mean in reference sds, or of an sd as a share of it."""
    return max(row["mean_error"], abs(row["least_sd"] - 1), abs(row["largest_sd"] - 1))


def against(rows: list[dict[str, Any]]) -> str:
    """For each peer the median ratio of seconds, and on how many targets its answer was the better one."""
    by_tool: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_tool.setdefault(row["tool"], {})[row["target"]] = row
    ours, lines = by_tool.pop("taut", {}), []
    for tool, theirs in by_tool.items():
        both = [(ours[name], row) for name, row in theirs.items() if "failed" not in row and name in ours]
        if not both:
            continue
        cold, warm = (statistics.median(t[key] / o[key] for o, t in both) for key in ("cold", "warm"))
        better = [f"{o['target']} ({off(t):.2f}, Taut {off(o):.2f})" for o, t in both if off(t) < off(o)]
        lines.append(
            f"{tool}: {cold:.2g} times Taut's seconds cold and {warm:.2g} warm in the median of {len(both)} "
            f"targets; nearer to the truth on {len(better)}: {', '.join(better) or 'none'}"
        )
    return "\n".join(lines)


def table(rows: list[dict[str, Any]]) -> str:
    """Tools side by side."""
    lines = [f"{'target':42s}{'tool':12s}{'cold s':>8s}{'warm s':>8s}{'mean err':>10s}{'least sd':>10s}{'largest':>9s}"]
    for r in rows:
        if "failed" in r:
            lines.append(f"{r['target']:42.42s}{r['tool']:12s} failed: {r['failed']}")
            continue
        lines.append(
            f"{r['target']:42.42s}{r['tool']:12s}{r['cold']:8.2f}{r['warm']:8.3f}{r['mean_error']:10.3f}"
            f"{r['least_sd']:10.2f}{r['largest_sd']:9.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="*", help="by name; all by default")
    parser.add_argument("--fresh", action="store_true", help="the twenty targets that tuned no threshold by default")
    parser.add_argument("--wide", action="store_true", help="the targets of up to ten thousand unknowns by default")
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--verdicts", action="store_true", help="only Taut, over seeds")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=5, help="of a tool on a target, at least 2: the first is cold")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--figure", type=Path, help="of shift against error, with --verdicts")
    asked = parser.parse_args()
    sys.path.insert(0, str(HERE))
    from targets import FRESH, MAKERS, WIDE

    names = asked.targets or list(WIDE if asked.wide else FRESH if asked.fresh else MAKERS)
    unknown = sorted(set(names) - set(MAKERS | FRESH | WIDE))
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(MAKERS | FRESH | WIDE)}")
    if asked.verdicts:
        rows = verdicts(names, asked.seeds)
        if asked.figure:
            draw(rows, asked.figure)
        print(
            json.dumps({"counts": counts(rows), "rows": rows})
            if asked.json
            else "\n".join(f"{k}: {v}" for k, v in counts(rows).items())
        )
        return
    rows = [run(tool, name, asked.calls) for name in names for tool in asked.tools]
    print(json.dumps(rows) if asked.json else f"{table(rows)}\n\n{against(rows)}")


if __name__ == "__main__":
    main()

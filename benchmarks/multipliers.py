"""How much the dual step matters: one constrained VAE, dual steps over two decades, and the duality lambda = 1 / beta.

    python benchmarks/multipliers.py --data ../shared/data/mnist --out runs/multipliers

MNIST, 10,000 images, fixed Bernoulli binarisation, 784-200-20 and back, Adam along a cosine, batch 128. The dual steps
are compared over 4,000 steps from 1e-3, one budget for all. Duality speaks of the end of training, from which the
networks are still far there: it gets 20,000 steps from 3e-3. Every run is kept in the folder, so a second call goes on
where the first was stopped; `multipliers.png` is the figure, `multipliers.json` the table.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import taut
from taut.algorithms import StochasticGradient
from taut.data import binarise, load_images
from taut.diagnostics.saddle import saddles
from taut.families.amortized import Amortized
from taut.models.latent import LatentVariableModel
from taut.networks import MLP
from taut.objectives import AugmentedLagrangian, Constrained, Multiplicative, Objective, Weighted, at_least

BETAS = (0.5, 1.0, 2.0)
STEPS = (0.002, 0.006, 0.02, 0.06, 0.2)
GECO = (0.01, 0.1)
COMPARED = StochasticGradient(steps=4000, learning_rate=1e-3)
ENDED = StochasticGradient(steps=20_000, learning_rate=3e-3)
LIMITS = {"violation": 0.03, "overshoot": 0.05, "variation": 0.1, "kl": 0.05, "duality": 0.1}


class Bench:
    """Trains once for each objective and remembers the histories."""

    def __init__(self, data: str, out: Path, images: int, seed: int):
        self.images = np.asarray(binarise("fixed", load_images(data, limit=images)).train.rows)
        self.out, self.seed = out, seed
        out.mkdir(parents=True, exist_ok=True)

    def history(self, name: str, objective: Objective, algorithm: StochasticGradient) -> dict[str, np.ndarray]:
        path = self.out / f"{name}.npz"
        if not path.exists():
            pixels = int(np.prod(self.images.shape[1:]))
            model = LatentVariableModel(MLP([20, 200, pixels], seed=1), "bernoulli", 20)
            family = Amortized(MLP([pixels, 200, 40], seed=2))
            begun = time.perf_counter()
            sentences = {"family": family, "objective": objective, "algorithm": algorithm}
            fit = taut.fit(model, self.images, **sentences, batch_size=128, seed=self.seed)
            np.savez(path, **fit.history)
            print(f"{name}: {time.perf_counter() - begun:.0f} s", flush=True)
        with np.load(path) as saved:
            return dict(saved)


def tail(history: dict[str, np.ndarray], name: str) -> float:
    return float(history[name][-len(history[name]) // 10 :].mean())


def row(name: str, objective: Constrained, history: dict[str, np.ndarray]) -> dict[str, Any]:
    (saddle,) = saddles(objective, history)
    return {
        "run": name,
        "violation": abs(saddle.violation) / objective.subject_to[0].scale,
        "overshoot": saddle.overshoot,
        "variation": saddle.variation,
        "multiplier": saddle.multiplier,
        "largest": float(history["multiplier"].max()),
        "kl": tail(history, "kl"),
        "finite": bool(all(np.isfinite(x).all() for x in history.values())),
        "state": saddle.state,
    }


def duality(bench: Bench) -> list[dict[str, Any]]:
    """Train at beta, ask for the reconstruction that it reached: the multiplier should be 1 / beta."""
    rows = []
    for beta in BETAS:
        reached = tail(bench.history(f"beta-{beta:g}", Weighted(beta), ENDED), "expected_log_likelihood")
        objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", reached))
        found = row(f"alpha {reached:.2f}", objective, bench.history(f"duality-{beta:g}", objective, ENDED))
        rows.append(found | {"beta": beta, "lambda x beta": found["multiplier"] * beta})
    return rows


def robustness(bench: Bench) -> tuple[list[dict[str, Any]], dict[str, dict[str, np.ndarray]], float]:
    """Ask for what beta = 1/2 reaches, with each rule and step."""
    alpha = tail(bench.history("alpha", Weighted(0.5), COMPARED), "expected_log_likelihood")
    rows, paths = [], {}
    rules = [(AugmentedLagrangian, step) for step in STEPS] + [(Multiplicative, step) for step in GECO]
    for rule, step in rules:
        name = f"{rule.name} {step:g}"
        objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", alpha), rule=rule(step=step))
        paths[name] = bench.history(name.replace(" ", "-"), objective, COMPARED)
        rows.append(row(name, objective, paths[name]))
    ours = [r for r in rows if r["run"].startswith(AugmentedLagrangian.name)]
    best = min((r["kl"] for r in ours if r["violation"] <= LIMITS["violation"]), default=float("nan"))
    for r in rows:
        r["kl over best"] = r["kl"] / best - 1
        kept = all(r[name] <= LIMITS[name] for name in ("violation", "overshoot", "variation"))
        r["passes"] = kept and r["kl over best"] <= LIMITS["kl"] and r["finite"]
    return rows, paths, alpha


def figure(paths: dict[str, dict[str, np.ndarray]], alpha: float, file: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    nats = "nats per example"
    panels = [("multiplier", "lambda", 1), ("expected_log_likelihood", nats, 50), ("kl", nats, 50)]
    fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(STEPS)))
    for ax, (name, unit, window) in zip(axes, panels, strict=True):
        for (run, history), colour in zip(paths.items(), [*shades, *["#d55e00"] * len(GECO)], strict=True):
            noisy = history[name].reshape(len(history[name]), -1)[:, 0]
            path = np.convolve(noisy, np.full(window, 1 / window), "valid")
            dashed = "--" if run.startswith(Multiplicative.name) else "-"
            ax.plot(path, dashed, color=colour, lw=1.2, label=run, alpha=0.9 if dashed == "-" else 0.6)
        ax.set(title=name.replace("_", " "), xlabel="step", ylabel=unit)
    axes[0].set_yscale("log")
    axes[0].set_ylim(1e-2, 1e3)
    axes[1].axhline(alpha, color="black", lw=0.8)
    axes[1].set_ylim(alpha - 60, alpha + 25)
    axes[2].set_ylim(0, 150)  # the published rule leaves it
    axes[0].legend(fontsize=7, frameon=False)
    fig.savefig(file, dpi=130)


def table(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])

    def show(x):
        return f"{x:.4g}" if isinstance(x, float) else str(x)

    cells = [names, *[[show(r[name]) for name in names] for r in rows]]
    widths = [max(len(c[i]) for c in cells) for i in range(len(names))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data/mnist", help="what taut.data.load_images takes")
    parser.add_argument("--out", type=Path, default=Path("runs/multipliers"))
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bench = Bench(options.data, options.out, options.images, options.seed)
    rows, paths, alpha = robustness(bench)
    print(f"Dual steps over two decades, alpha = {alpha:.2f}\n{table(rows)}\n", flush=True)
    dual = duality(bench)
    print(f"Duality: lambda x beta within {LIMITS['duality']:.0%} of 1\n{table(dual)}")
    figure(paths, alpha, options.out / "multipliers.png")
    (options.out / "multipliers.json").write_text(json.dumps({"duality": dual, "robustness": rows}, indent=1))


if __name__ == "__main__":
    main()

"""Speed of training a variational autoencoder, beside a hand-written JAX loop, PyTorch and NumPyro.

    python benchmarks/vae.py                             milliseconds a step and ratios, batches of 128 and 512
    python benchmarks/vae.py --images FOLDER --target -105    also: seconds to a test ELBO, on MNIST's IDX files
    python benchmarks/vae.py --json                      the same numbers as one JSON object

784-400-50 with ReLU, Bernoulli likelihood by logits, one draw, closed KL, constant Adam at 0.001, float32. Every
entrant has a process of its own; they train in turns of some seconds while the others sleep, so that a slow minute
falls on all, and ratios are of the same turn's times. The first two turns are thrown away. Taut runs through
`taut.fit` with its progress bar on a terminal, history and checkpoints by time; "Taut, default" has its cosine
schedule and averaged iterate too. The others run a bare loop. Ratios are above 1 where Taut is the faster.
"""

import argparse
import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from logistic import machine
from peers.vae_clock import PIXELS, elbo

PEERS = Path(__file__).parent / "peers"
BATCHES = (128, 512)
ROWS = 60_000
TARGETS = {"JAX by hand": 0.95, "PyTorch eager": 1.7}
"""How many times faster than these Taut means to be."""
MOST_EPOCHS = 20


@dataclass(frozen=True)
class Entrant:
    """One line of the table."""

    name: str
    script: str
    settings: dict[str, Any] = field(default_factory=dict)


HAND = Entrant("JAX by hand", "vae_hand.py")
TAUT = Entrant("Taut", "vae_taut.py")
ENTRANTS = (
    HAND,
    TAUT,
    Entrant("Taut, default", "vae_taut.py", {"default": True}),
    Entrant("NumPyro", "vae_numpyro.py"),
    Entrant("PyTorch eager", "vae_torch.py"),
    Entrant("PyTorch, fused Adam", "vae_torch.py", {"fused": True}),
)


class Running:
    """An entrant's process. Its standard error is a terminal, so that a progress bar is really drawn."""

    def __init__(self, entrant: Entrant, data: Path, batch: int):
        task = {"data": str(data), "batch": batch, "settings": entrant.settings}
        self.entrant, self.out = entrant, data.with_name("out.npz")
        ours, theirs = pty.openpty()
        environment = os.environ | {"JAX_PLATFORMS": "cpu", "TMPDIR": str(data.parent), "TERM": "xterm"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(PEERS / entrant.script), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            env=environment,
        )
        os.close(theirs)
        self._drawn = bytearray()
        threading.Thread(target=self._drain, args=(ours,), daemon=True).start()

    def _drain(self, terminal: int) -> None:
        try:
            while piece := os.read(terminal, 1 << 16):
                self._drawn = (self._drawn + piece)[-20_000:]
        except OSError:  # the other end was closed
            pass

    def ask(self, **order: Any) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise SystemExit(f"{self.entrant.name} failed:\n{self._drawn.decode(errors='replace')}") from None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def speed(entrants: list[Entrant], data: Path, batch: int, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Everybody trains for `seconds` in turn, `rounds` times over, while the others wait."""
    running = [Running(entrant, data, batch) for entrant in entrants]
    clock: dict[str, list[float]] = {e.name: [] for e in entrants}
    cpu: dict[str, list[float]] = {e.name: [] for e in entrants}
    try:
        for turn in range(-2, rounds):
            for one in running:
                answer = one.ask(go=seconds)
                if turn >= 0:  # the first turn compiles, and in the second chunks still grow
                    clock[one.entrant.name].append(answer["seconds"] / answer["steps"])
                    cpu[one.entrant.name].append(answer["cpu"] / answer["steps"])
            print(f"{time.strftime('%H:%M:%S')} batch {batch}, round {turn + 1} of {rounds}", file=sys.stderr)
    finally:
        for one in running:
            one.end()
    return {name: summary(clock[name], cpu[name], clock, cpu, batch) for name in clock}


def summary(own: list[float], own_cpu: list[float], clock: dict, cpu: dict, batch: int) -> dict[str, Any]:
    """One entrant's figures; ratios are medians over rounds of the same round's times, and of the best rounds."""
    return {
        "ms_per_step": 1e3 * statistics.median(own),
        "best_ms_per_step": 1e3 * min(own),
        "cpu_ms_per_step": 1e3 * statistics.median(own_cpu),
        "images_per_second": batch / statistics.median(own),
        "faster_than": {
            name: {
                "median": statistics.median(b / a for a, b in zip(own, clock[name], strict=True)),
                "best": min(clock[name]) / min(own),
                "cpu": statistics.median(b / a for a, b in zip(own_cpu, cpu[name], strict=True)),
                "best_cpu": min(cpu[name]) / min(own_cpu),
            }
            for name in clock
        },
    }


def arrival(entrants: list[Entrant], data: Path, test: np.ndarray, batch: int, target: float, repeats: int):
    """Fewest epochs after which the test ELBO is at least `target`, and the seconds of a warm training of so many."""
    found = {}
    for entrant in entrants:
        one = Running(entrant, data, batch)
        try:
            for epochs in range(1, MOST_EPOCHS + 1):
                one.ask(train=epochs, out=str(one.out))
                reached = judged(one.out, test)
                if reached >= target:
                    break
            seconds = [one.ask(train=epochs, out=str(one.out))["seconds"] for _ in range(repeats)]
        finally:
            one.end()
        found[entrant.name] = {
            "epochs": epochs,
            "elbo": reached,
            "arrived": reached >= target,
            "seconds": statistics.median(seconds),
            "best": min(seconds),
        }
        print(f"{time.strftime('%H:%M:%S')} {entrant.name}: {found[entrant.name]}", file=sys.stderr)
    return found


def judged(out: Path, test: np.ndarray) -> float:
    """The test ELBO of the layers in a file."""
    with np.load(out) as file:
        arrays = [file[f"arr_{i}"] for i in range(8)]
        return elbo(list(zip(arrays[::2], arrays[1::2], strict=True)), float(file["bound"]), test)


def images(folder: str | None, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """`[n, 784]` of 0 and 1, for training and test: a folder's, binarised once, or noise with MNIST's share of ink."""
    if folder is None:
        noise = np.random.default_rng(0).random((ROWS + 1000, PIXELS), np.float32) < 0.13
        return noise[:ROWS].astype(np.float32), noise[ROWS:].astype(np.float32)
    from taut.data import binarise, load_images

    made = binarise("fixed", load_images(folder, limit=limit))
    return tuple(np.asarray(part.rows, np.float32).reshape(-1, PIXELS) for part in (made.train, made.test))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", help="a folder of MNIST's IDX files; without it, noise, which is as fast")
    parser.add_argument("--limit", type=int, help="most images of each split, a multiple of 1,664 (13 steps of 128)")
    parser.add_argument("--target", type=float, help="test ELBO in nats per image, e.g. -105; needs --images")
    parser.add_argument("--batch", type=int, action="append", help="one or more in place of 128 and 512")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each entrant in a round")
    parser.add_argument(
        "--cores", type=int, help="how many each may use; one makes CPU time a steady measure under load"
    )
    parser.add_argument("--only", action="append", help="names of entrants; all by default")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.target is not None and options.images is None:
        parser.error("--target needs --images: noise has no test ELBO worth reaching")
    if options.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])  # the entrants inherit it
    entrants = [e for e in ENTRANTS if not options.only or e.name in options.only]
    if find_spec("torch") is None and any(e.script == "vae_torch.py" for e in entrants):
        print("PyTorch is not installed (pip install torch): left out.", file=sys.stderr)
        entrants = [e for e in entrants if e.script != "vae_torch.py"]
    result: dict[str, Any] = {"machine": machine(), "speed": {}}
    with tempfile.TemporaryDirectory() as folder:
        train, test = images(options.images, options.limit)
        data = Path(folder) / "images.npy"
        np.save(data, train)
        for batch in options.batch or BATCHES:
            result["speed"][batch] = speed(entrants, data, batch, options.rounds, options.seconds)
            if not options.json:
                show(batch, result["speed"][batch])
        if options.target is not None:
            result["arrival"] = arrival(entrants, data, test, 128, options.target, repeats=3)
    print(json.dumps(result, indent=1) if options.json else json.dumps(result.get("arrival", {}), indent=1))


def show(batch: int, results: dict[str, dict[str, Any]]) -> None:
    """One table; the last four columns say how many times faster Taut is."""
    columns = "ms/step     best      CPU  images/s   Taut is faster by: median   best    CPU  best CPU"
    print(f"\nbatch {batch:<20}  {columns}")
    ours = results.get(TAUT.name, {}).get("faster_than", {})
    for name, r in results.items():
        ratios = "".join(f"{x:8.2f}" for x in ours[name].values()) if name in ours else ""
        print(
            f"{name:<26}{r['ms_per_step']:9.2f}{r['best_ms_per_step']:9.2f}{r['cpu_ms_per_step']:9.2f}"
            f"{r['images_per_second']:10,.0f}{'':20}{ratios}"
        )
    print("targets: " + ", ".join(f"{aim:g}x {name}" for name, aim in TARGETS.items()))


if __name__ == "__main__":
    main()

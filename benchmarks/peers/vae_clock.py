"""What the entrants of the VAE's race share: the network's sizes, the rounds, and the judge. It imports numpy alone."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

PIXELS, HIDDEN, LATENT = 784, 400, 50
RATE = 1e-3
"""Of Adam, constant."""

Layers = list[tuple[np.ndarray, np.ndarray]]
"""Weight `[in, out]` and bias `[out]` of four layers: encoder to hidden, to means and log sds, decoder, logits."""


def serve(trainer: Callable[..., Any]) -> None:
    """Obey the race on standard input, a JSON object a line, answered by one.

    `{"go": s}` trains for about s seconds and answers with the steps made and the seconds and CPU seconds they took;
    `{"train": epochs, "out": file}` trains anew from the start and writes the layers.

    Args:
        trainer: `(images, batch, **settings) -> object` with `go(seconds)` and `train(epochs) -> (layers, bound)`.
    """
    task = json.loads(sys.argv[1])
    peer = trainer(np.load(task["data"]), task["batch"], **task["settings"])
    for line in sys.stdin:
        order = json.loads(line)
        begun, cpu = time.perf_counter(), time.process_time()
        if "go" in order:
            answer = peer.go(order["go"])
        else:
            layers, bound = peer.train(order["train"])
            answer = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
            np.savez(order["out"], *(array for layer in layers for array in layer), bound=bound)
        print(json.dumps(answer), file=sys.__stdout__, flush=True)


class Blocks:
    """A trainer made of `start() -> state` and `advance(state, block) -> state`; a block is `[steps, batch]` rows."""

    def __init__(self, rows: int, batch: int, start: Callable, advance: Callable, layers: Callable, steps: int = 13):
        self.rows, self.batch, self.steps = rows, batch, steps
        self.start, self.advance, self.layers = start, advance, layers
        self._blocks, self._state = self.blocks(), start()

    def blocks(self):
        """Endless epochs in blocks of 13 steps, of which 60,000 images make 36 (batch 128) or 9 (batch 512)."""
        rng, per_block = np.random.default_rng(0), self.steps * self.batch
        while True:
            order = rng.permutation(self.rows).astype(np.int32)
            for i in range(self.rows // per_block):
                yield order[i * per_block : (i + 1) * per_block].reshape(self.steps, self.batch)

    def go(self, seconds: float) -> dict[str, float]:
        """Whole blocks until `seconds` have passed."""
        begun, cpu, blocks = time.perf_counter(), time.process_time(), 0
        while blocks == 0 or time.perf_counter() - begun < seconds:
            self._state, blocks = self.advance(self._state, next(self._blocks)), blocks + 1
        taken = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
        return taken | {"steps": blocks * self.steps}

    def train(self, epochs: int) -> tuple[Layers, float]:
        """From the start; no bound on the log sds."""
        state, blocks = self.start(), self.blocks()
        for _ in range(epochs * (self.rows // (self.steps * self.batch))):
            state = self.advance(state, next(blocks))
        return self.layers(state), 0.0


def glorot(seed: int) -> Layers:
    """The start: Glorot-uniform weights, zero biases."""
    rng, layers = np.random.default_rng(seed), []
    for n, m in ((PIXELS, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, PIXELS)):
        limit = np.sqrt(6 / (n + m))
        layers.append((rng.uniform(-limit, limit, (n, m)).astype(np.float32), np.zeros(m, np.float32)))
    return layers


def elbo(layers: Layers, bound: float, images: np.ndarray, seed: int = 0) -> float:
    """One draw of z for each image and the closed KL: the ELBO in nats per image, by numpy.

    Args:
        layers: what was learned.
        bound: b where log sd = b tanh(output / b), 0 where it is the output itself.
        images: `[n, 784]` of 0 and 1.
        seed: of the draws, the same for every entrant.
    """
    (W, b), (V, c), (D, d), (U, e) = [(w.astype(float), a.astype(float)) for w, a in layers]
    mean, log_sd = np.split(np.maximum(images @ W + b, 0) @ V + c, 2, axis=1)
    log_sd = bound * np.tanh(log_sd / bound) if bound else log_sd
    z = mean + np.exp(log_sd) * np.random.default_rng(seed).standard_normal(mean.shape)
    logits = np.maximum(z @ D + d, 0) @ U + e
    likelihood = np.sum(images * logits - np.logaddexp(0, logits), axis=1)
    return float(np.mean(likelihood - 0.5 * np.sum(mean**2 + np.exp(2 * log_sd) - 1 - 2 * log_sd, axis=1)))

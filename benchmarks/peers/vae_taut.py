"""Taut's VAE through `taut.fit`, with what a person has on: progress bar, history, checkpoints by time.

Its clock runs on while the others have their turn, so that checkpoints fall due more often than in a run of its own.
"""

import queue
import tempfile
import threading
import time

import optax
from vae_clock import HIDDEN, LATENT, PIXELS, RATE, Layers, serve

import taut
from taut.algorithms import Recipe, StochasticGradient
from taut.families.amortized import Amortized
from taut.families.latents import LOG_SD_BOUND
from taut.models.latent import LatentVariableModel
from taut.networks import MLP

FOR_EVER = 10**8


class Trainer:
    """Rounds of one fit that has no end; its callback, called between chunks, waits while the others have their turn.

    Args:
        images: `[n, 784]`.
        batch: for each step.
        seed: of everything.
        default: Taut's own schedule and averaged iterate; else constant Adam and the last iterate, as the others have.
    """

    def __init__(self, images, batch, seed=0, default=False):
        self.images, self.batch, self.seed, self.default = images, batch, seed, default
        self._orders, self._answers = queue.Queue(), queue.Queue()
        self._worker = threading.Thread(target=self._endless, daemon=True)

    def fit(self, steps, callback=None):
        constant = None if self.default else Recipe(optax.adam, RATE)
        algorithm = StochasticGradient(steps, RATE, optimizer=constant, **({} if self.default else {"averaging": None}))
        model = LatentVariableModel(MLP([LATENT, HIDDEN, PIXELS], seed=self.seed + 1), "bernoulli", LATENT)
        family = Amortized(MLP([PIXELS, HIDDEN, 2 * LATENT], seed=self.seed))
        with tempfile.TemporaryDirectory() as folder:
            return taut.fit(
                model,
                self.images,
                family=family,
                algorithm=algorithm,
                batch_size=self.batch,
                seed=self.seed,
                progress=True,
                checkpoint=folder,
                callback=callback,
            )

    def train(self, epochs) -> tuple[Layers, float]:
        """A whole call of `taut.fit`; its log sds are bounded."""
        problem = self.fit(epochs * (len(self.images) // self.batch)).problem
        layers = (*problem.family.encoder.layers, *problem.model.decoder.layers)
        return [(layer.weight, layer.bias) for layer in layers], LOG_SD_BOUND

    def go(self, seconds):
        """Whole chunks until `seconds` have passed; the first round starts the fit, data checks and all."""
        self._orders.put(seconds)
        if not self._worker.is_alive():
            self._worker.start()
        return self._answers.get()

    def _endless(self):
        seconds, begun, cpu, start = self._orders.get(), time.perf_counter(), time.process_time(), 0

        def between_chunks(made, history):
            nonlocal seconds, begun, cpu, start
            taken = time.perf_counter() - begun
            if taken < seconds:
                return
            self._answers.put({"seconds": taken, "cpu": time.process_time() - cpu, "steps": made - start})
            seconds = self._orders.get()
            begun, cpu, start = time.perf_counter(), time.process_time(), made

        self.fit(FOR_EVER, between_chunks)


if __name__ == "__main__":
    serve(Trainer)

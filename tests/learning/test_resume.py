"""Twenty SIGKILLs at random moments, and not one bit of the answer differs from that of an unbroken run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

import taut
from taut.core.array_files import read_arrays
from taut.learning.checkpoints import CHECKPOINT_FILE

KILLS = 10
"""For each of two objectives."""
CHILD = """
import sys
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_compilation_cache_dir", sys.argv[1])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

import taut
import taut.learning.checkpoints
import taut.learning.loop
from taut.families.amortized import Amortized
from taut.models.latent import LatentVariableModel
from taut.networks import MLP

taut.learning.loop.CHUNK_SECONDS = 0.02
folder, objective = Path(sys.argv[2]), sys.argv[3]
X = (np.random.default_rng(0).random((130, 16)) < 0.4).astype(np.float32)
looks = {} if "<" in objective else {"validation": X[100:], "patience": 10**6}
fit = taut.fit(
    LatentVariableModel(MLP([2, 8, 16], seed=1), latent=2), X[:100], family=Amortized(MLP([16, 8, 4])),
    objective=objective, steps=12_000, batch_size=16, seed=3, **looks,
    checkpoint=taut.learning.checkpoints.Checkpoint(folder, seconds=0.0),
    callback=lambda made, _: print(made, flush=True),
)
fit.save(folder / "fit")
print("done", flush=True)
"""


class Run:
    """Runs of one training in a folder, each going on from where the one before was killed."""

    def __init__(self, folder, objective):
        self.folder, cache = folder, str(jax.config.values["jax_compilation_cache_dir"])
        self.command = [sys.executable, "-c", CHILD, cache, str(folder), objective]

    def __enter__(self):
        source = str(Path(taut.__file__).parents[1])
        self.child = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": source}
        )
        assert self.child.stdout is not None
        self.first = self.child.stdout.readline().strip()  # steps that were made after the first chunk of this run
        return self

    def __exit__(self, *_):
        self.child.kill()
        with self.child:  # closes the pipe and waits
            pass

    def kill_after(self, seconds):
        time.sleep(seconds)
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        return self.child.returncode == -signal.SIGKILL

    def finish(self):
        said = [self.first, *self.child.communicate()[0].split()]
        assert said[-1] == "done"

    def learned(self):
        """Parameters and history, as bytes, and what early stopping or the constraint's monitor saw."""
        arrays, _ = read_arrays(self.folder / "fit" / "arrays.npz")
        return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["annealed", "kl<=1"])
def test_sigkill_at_random_moments_moves_no_bit(objective, tmp_path):
    with Run(tmp_path / "unbroken", objective) as unbroken:
        begun = time.monotonic()
        unbroken.finish()
        whole = time.monotonic() - begun  # of the steps alone: the run has said its first number
    # Each run is given a random part of a share of the time, so that the kills fall all along the way; about half of it
    # in all, so that the last of them still finds a run on a machine that has become twice as fast.
    moments = np.random.default_rng(5).uniform(0, 1 / KILLS, KILLS)
    steps = []
    for moment in moments:
        with Run(tmp_path / "broken", objective) as run:
            if run.first == "done" or not run.kill_after(moment * whole):
                break  # a machine that has become much faster
            steps.append(int(run.first))
    assert len(steps) > KILLS // 2, "the run was over before it was killed often enough: give it more steps"
    assert (tmp_path / "broken" / CHECKPOINT_FILE).exists()
    assert steps == sorted(steps)
    assert steps[-1] > steps[0]  # killed runs got on
    with Run(tmp_path / "broken", objective) as last:
        last.finish()
    assert last.learned() == unbroken.learned()

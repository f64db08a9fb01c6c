"""The loop changes nothing that it should not: neither chunks nor a kill move a bit."""

import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

import taut
import taut.learning.checkpoints
import taut.learning.loop
from taut.algorithms import Recipe, StochasticGradient
from taut.core.trees import cast
from taut.data.source import Source
from taut.errors import SavedFitError
from taut.families import MeanField
from taut.gradients import MovingAverage, Reinforce
from taut.learning.checkpoints import CHECKPOINT_FILE, Checkpoint
from taut.learning.ended import Ended
from taut.learning.loop import learn
from taut.learning.monitors import EarlyStopping
from taut.models import LogisticRegression
from taut.objectives import Elbo
from taut.problem import Problem

pytestmark = pytest.mark.usefixtures("x64")
STEPS = 150
rng = np.random.default_rng(8)
X = np.column_stack([np.ones(41), rng.normal(size=(41, 2))])
Y = (X[:, 1] + rng.normal(size=41) > 0).astype(float)
# With a control variate that has memory and an optimizer that has moments: all that a state can hold.
ALGORITHM = StochasticGradient(steps=STEPS, optimizer=Recipe(optax.adam, 0.02))
GRADIENT = Reinforce(samples=3, control=MovingAverage())


def run(seed=0, algorithm=ALGORITHM, data_seed=None, **options):
    problem = cast(Problem(LogisticRegression(), MeanField.around(np.zeros(3)), Elbo(), GRADIENT), "float64")
    source = Source((X, Y), batch_size=8, seed=seed if data_seed is None else data_seed)
    return learn(problem, algorithm, source, seed=seed, **options)


def assert_same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a.problem, b.problem)
    jax.tree.map(np.testing.assert_array_equal, a.state, b.state)
    assert a.history.keys() == b.history.keys()
    for name in a.history:
        np.testing.assert_array_equal(a.history[name], b.history[name], err_msg=name)


@pytest.fixture(scope="module")
def unbroken():
    with jax.enable_x64(True):
        return run()


def test_the_history_has_a_line_for_each_step(unbroken):
    assert unbroken.ended is Ended.BUDGET_SPENT
    assert {len(x) for x in unbroken.history.values()} == {STEPS}
    assert {"elbo", "expected_log_likelihood", "kl", "bound"} <= unbroken.history.keys()
    assert int(unbroken.state.step) == STEPS
    np.testing.assert_allclose(
        unbroken.history["elbo"], unbroken.history["expected_log_likelihood"] - unbroken.history["kl"], rtol=1e-12
    )


def test_one_seed_gives_one_result(unbroken):
    assert_same(run(), unbroken)


def test_another_seed_gives_another(unbroken):
    assert not np.any(run(seed=1).history["elbo"] == unbroken.history["elbo"])


@pytest.mark.parametrize("seconds", [1e-9, 1e9])
def test_the_length_of_chunks_moves_no_bit(unbroken, monkeypatch, seconds):
    monkeypatch.setattr(taut.learning.loop, "CHUNK_SECONDS", seconds)
    seen = []
    assert_same(run(callback=lambda made, history: seen.append(made)), unbroken)
    assert seen[-1] == STEPS
    assert len(seen) > 50 if seconds == 1e-9 else len(seen) < 10


def test_the_callback_sees_every_step_once(unbroken):
    seen = []
    run(callback=lambda made, history: seen.append((made, history["elbo"])))
    assert [made for made, _ in seen] == np.cumsum([len(elbo) for _, elbo in seen]).tolist()
    np.testing.assert_array_equal(np.concatenate([elbo for _, elbo in seen]), unbroken.history["elbo"])


class InterruptAt:
    """A callback in which Ctrl-C is pressed once so many steps are made."""

    def __init__(self, step):
        self.step = step

    def __call__(self, made, history):
        if made >= self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", [1, 40])
def test_ctrl_c_keeps_the_last_good_state(unbroken, monkeypatch, step):
    monkeypatch.setattr(taut.learning.loop, "CHUNK_SECONDS", 1e-9)
    outcome = run(callback=InterruptAt(step))
    made = int(outcome.state.step)
    assert outcome.ended is Ended.INTERRUPTED
    assert step <= made < STEPS
    np.testing.assert_array_equal(outcome.history["elbo"], unbroken.history["elbo"][:made])
    assert np.all(np.isfinite(outcome.problem.family.mean))


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(unbroken, monkeypatch, tmp_path):
    monkeypatch.setattr(taut.learning.loop, "CHUNK_SECONDS", 1e-9)
    checkpoint = Checkpoint(tmp_path, seconds=0.0)
    for step in (1, 60, 100):
        assert run(checkpoint=checkpoint, callback=InterruptAt(step)).ended is Ended.INTERRUPTED
    assert_same(run(checkpoint=checkpoint), unbroken)


def monitor_of(seen, patience=9):
    """Looks every 50 steps; `seen` maps the number of a look to its score."""
    monitor = EarlyStopping(lambda problem: seen(len(monitor.scores), problem), 50, patience)
    return monitor


def test_an_interrupt_in_a_look_is_followed_by_the_look(unbroken, tmp_path):
    pressed = []

    def seen(number, problem):
        if number == 1 and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        return float(np.asarray(problem.family.mean)[0])

    whole = monitor_of(seen)
    pressed.append(True)
    assert_same(run(monitor=whole)._replace(problem=unbroken.problem), unbroken)  # looks move no bit
    pressed.clear()
    checkpoint = Checkpoint(tmp_path)
    first = run(monitor=monitor_of(seen), checkpoint=checkpoint)
    assert first.ended is Ended.INTERRUPTED
    assert 50 <= int(first.state.step) < 100
    again = monitor_of(seen)
    assert_same(run(monitor=again, checkpoint=checkpoint)._replace(problem=unbroken.problem), unbroken)
    assert (again.steps, again.scores) == (whole.steps, whole.scores) == ([50, 100, 150], whole.scores)


def test_a_run_that_was_stopped_is_not_run_again(tmp_path):
    def falling(number, _):
        return -float(number)

    first = run(monitor=monitor_of(falling, patience=1), checkpoint=Checkpoint(tmp_path))
    assert (first.ended, int(first.state.step)) == (Ended.STOPPED, 100)
    again = run(monitor=monitor_of(falling, patience=1), checkpoint=Checkpoint(tmp_path))
    assert (again.ended, again.reason) == (first.ended, first.reason)
    assert_same(again, first)


def test_a_finished_run_is_not_run_again(unbroken, tmp_path):
    run(checkpoint=Checkpoint(tmp_path))
    seen = []
    again = run(checkpoint=Checkpoint(tmp_path), callback=lambda made, history: seen.append(made))
    assert_same(again, unbroken)
    assert not seen


def test_without_resume_it_begins_anew(unbroken, tmp_path):
    run(checkpoint=Checkpoint(tmp_path), callback=InterruptAt(1))
    assert_same(run(checkpoint=Checkpoint(tmp_path, resume=False)), unbroken)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 1, "data_seed": 0}, "seed"),
        ({"data_seed": 1}, "data"),
        ({"algorithm": StochasticGradient(steps=STEPS, optimizer=Recipe(optax.adam, 0.03))}, "algorithm"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, change, word):
    run(checkpoint=Checkpoint(tmp_path))
    with pytest.raises(SavedFitError, match=f"another {word}"):
        run(checkpoint=Checkpoint(tmp_path), **change)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PK\x03\x04" + b"x" * 50])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    run(checkpoint=Checkpoint(tmp_path))
    file = tmp_path / CHECKPOINT_FILE
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(SavedFitError, match="damaged"):
        run(checkpoint=Checkpoint(tmp_path))


CHILD = """
import sys, runpy
import numpy as np
import jax
jax.config.update("jax_compilation_cache_dir", sys.argv[3])
import taut.learning.checkpoints
import taut.learning.loop
taut.learning.loop.CHUNK_SECONDS = 1e-9
module = runpy.run_path(sys.argv[1])
with jax.enable_x64(True):
    checkpoint = taut.learning.checkpoints.Checkpoint(module["Path"](sys.argv[2]), seconds=0.0)
    module["run"](checkpoint=checkpoint, callback=lambda made, history: print(made, flush=True))
print("done", flush=True)
"""


@pytest.mark.slow
def test_sigkill_at_any_moment_moves_no_bit(unbroken, tmp_path):
    moments = np.random.default_rng(0).integers(1, 60, 3)
    print("killed after these numbers of chunks:", moments)
    cache = jax.config.jax_compilation_cache_dir
    command = [sys.executable, "-c", CHILD, __file__, str(tmp_path), cache]
    source = str(Path(taut.__file__).parents[1])
    for lines in [*moments, None]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": source}) as child:
            assert child.stdout is not None
            for _ in range(10_000 if lines is None else lines):
                if child.stdout.readline().strip() == "done":
                    break
            child.send_signal(signal.SIGKILL)
    assert_same(run(checkpoint=Checkpoint(tmp_path)), unbroken)
    # The file, and at most one unfinished one for each kill.
    assert len(list(tmp_path.iterdir())) <= 2 + len(moments)

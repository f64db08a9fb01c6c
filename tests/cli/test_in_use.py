"""Two runs in one place, and a disk that is full: exit code 2, with the name of the place."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from taut.core.locks import writing

from ..helpers.refusals import assert_refused, everything

COMMANDS = {
    "fit": lambda d: ["fit", d["loans"], "--target", "bad", "--out", "place"],
    "fit, resumed": lambda d: ["fit", d["loans"], "--target", "bad", "--out", "place", "--resume"],
    "vae": lambda d: ["vae", d["pictures"], "--out", "place"],
    "rate-distortion": lambda d: ["rate-distortion", d["pictures"], "--out", "place.svg"],
    "rate-distortion without a name": lambda d: ["rate-distortion", d["pictures"]],
    "calibrate": lambda d: ["calibrate", d["loans"], "--target", "bad", "--out", "place.png"],
    "gradients": lambda d: ["gradients", "--toy", "cos", "--out", "place.png"],
    "predict": lambda d: ["predict", d["saved"], d["loans"], "--out", "place.csv"],
    "report": lambda d: ["report", d["saved"], "--out", "place.html"],
    "evaluate": lambda d: ["evaluate", "place"],
}


@pytest.fixture
def held():
    """Hold places as another run would, until the test ends."""
    done, threads = threading.Event(), []

    def hold(path):
        begun = threading.Event()

        def run():
            with writing(path):
                begun.set()
                done.wait()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        begun.wait()

    yield hold
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_writes_where_another_does(name, taut, held, loans, pictures, saved, tmp_path):
    arguments = COMMANDS[name]({"loans": loans, "pictures": pictures, "saved": saved})
    for place in ("place", "place.svg", "place.png", "place.csv", "place.html", "taut-rate-distortion-bars.npy.svg"):
        held(tmp_path / place)
    if name == "evaluate":
        (tmp_path / "place").mkdir()
    before = everything(tmp_path)
    result = taut(*arguments)
    assert_refused(result.exit_code, result.stdout, result.stderr, ["in use", f"process {os.getpid()}", "wait"])
    assert everything(tmp_path) == before


def test_what_was_claimed_is_free_when_the_command_has_ended(quick, loans, tmp_path):
    assert quick("fit", loans, "--target", "nothing", "--out", "a/run").exit_code == 2
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        assert quick("fit", loans, "--target", "bad", "--out", "a/run").exit_code == 0
    with writing(tmp_path / "a" / "run"):
        pass
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["run"]


def command(*arguments):
    return [sys.executable, "-c", "from taut.cli import main; main()", *map(str, arguments)]


@pytest.mark.slow
def test_of_two_runs_at_once_one_is_saved_and_the_other_is_told(loans, tmp_path):
    arguments = command("fit", loans, "--target", "bad", "--out", "run", "--gradient", "reparametrization")
    runs = [
        subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate()[1] for run in runs]
    codes = [run.returncode for run in runs]
    assert sorted(codes) == [0, 2], said
    assert "in use by another run" in said[codes.index(2)]
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


LIMITED = """
import resource, sys
from taut.core import array_files
written = array_files.write_arrays
def write_arrays(*arguments):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    return written(*arguments)
from taut.results import save
save.write_arrays = write_arrays
from taut.cli import main
sys.argv[0] = "taut"
main()
"""


@pytest.mark.slow
def test_a_disk_that_is_full_is_named_and_nothing_is_half_written(loans, tmp_path):
    limited = [sys.executable, "-c", LIMITED, *command("fit", loans, "--target", "bad", "--out", "run", "--json")[3:]]
    result = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True)
    assert_refused(
        result.returncode, result.stdout, result.stderr, [str(Path("run/arrays.npz")), "too large", "ulimit"]
    )
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "checkpoint.npz"]  # to go on from elsewhere

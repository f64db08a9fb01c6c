"""Two writers in one place: the second is told so, and a dead one is in nobody's way."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import taut
from taut.core.files import unfinished, write_file
from taut.core.locks import opened_alone, writing
from taut.errors import ArgumentError

HOLDER = """
import sys, time
from pathlib import Path
from taut.core.locks import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


class Other:
    """Another process that writes there, until told to end or killed."""

    def __init__(self, path):
        source = str(Path(taut.__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": source},
        )

    def __enter__(self):
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"
        return self

    def __exit__(self, *_):
        self.process.communicate("end\n")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.mark.parametrize("place", ["run", "a/b/run", "run/.", "table.csv"])
def test_the_second_is_told_of_the_first(tmp_path, place):
    path = tmp_path / place
    with Other(path) as other:
        with (
            pytest.raises(ArgumentError, match=f"in use by another run of Taut.*process {other.process.pid}"),
            writing(path),
        ):
            pass
        with writing(path.with_name("beside")):
            pass
    assert list(tmp_path.iterdir()) == []
    with writing(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_is_in_nobodys_way(tmp_path):
    with Other(tmp_path / "run") as other:
        other.kill()
        assert (tmp_path / ".run.lock").exists()
        with writing(tmp_path / "run"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_who_holds_it_may_hold_it_once_more_and_no_other_thread_may(tmp_path):
    refused = []

    def other():
        try:
            with writing(tmp_path / "run"):
                pass
        except ArgumentError as error:
            refused.append(error)

    with writing(tmp_path / "run"):
        with writing(tmp_path / "run"):
            pass
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    other()
    assert len(refused) == 1


def test_folders_that_were_made_stay_where_something_was_written(tmp_path):
    with writing(tmp_path / "a" / "run"):
        (tmp_path / "a" / "run").mkdir()
    assert (tmp_path / "a" / "run").is_dir()


def test_a_fit_is_not_saved_where_another_run_writes(tmp_path):
    fit = taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0], [2.0], [4.0]], [0, 1, 0, 1]))
    with Other(tmp_path / "run"), pytest.raises(ArgumentError, match="in use"):
        fit.save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    fit.save(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_no_run_keeps_its_checkpoint_where_another_writes(tmp_path):
    data = ([[0.0], [1.0], [2.0], [4.0]], [0, 1, 0, 1])
    arguments = {"gradient": "reparametrization", "steps": 5, "checkpoint": tmp_path / "run"}
    with Other(tmp_path / "run"), pytest.raises(ArgumentError, match="in use"):
        taut.fit(taut.models.LogisticRegression(), data, **arguments)
    taut.fit(taut.models.LogisticRegression(), data, **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_two_that_write_one_file_write_it_one_after_the_other(tmp_path):
    path, wrote = tmp_path / "a.txt", []
    held = opened_alone(unfinished(path), wait=False)

    def second():
        write_file(path, lambda file: file.write(b"second"))
        wrote.append(path.read_bytes())

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.3)
    assert not wrote
    with open(held, "wb") as file:
        file.write(b"first, longer")
        unfinished(path).replace(path)
    thread.join(10)
    assert wrote == [b"second"]
    assert list(tmp_path.iterdir()) == [path]

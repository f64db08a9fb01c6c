"""What happens when something goes wrong that no user caused, and around the fit."""

import json
import os
import signal
import subprocess
import sys
from typing import get_args

import jax
import pytest

import taut as library
from taut.choosing import names as choose
from taut.cli import options, outputs
from taut.cli.guard import as_options
from taut.core import cache
from taut.learning import loop as learn


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError("no way"), 1, ["this is a bug", "RuntimeError: no way", "TAUT_DEBUG=1"]),
        (MemoryError(), 1, ["memory", "--family mean-field"]),
        (PermissionError(13, "Permission denied", "report.html"), 2, ["report.html", "Permission denied"]),
        (OSError(28, "No space left on device"), 2, ["No space left"]),
        (KeyboardInterrupt(), 130, ["interrupted"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_exception_is_a_message_and_a_code(taut, loans, monkeypatch, error, code, words):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(library, "fit", fail)
    result = taut("fit", loans, "--target", "bad", "--json")
    assert (result.exit_code, result.stdout) == (code, "")
    assert all(word in result.stderr for word in words), result.stderr
    assert "Traceback" not in result.stderr


def test_the_traceback_is_there_on_demand(taut, loans, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no way")

    monkeypatch.setattr(library, "fit", fail)
    monkeypatch.setenv("TAUT_DEBUG", "1")
    assert isinstance(taut("fit", loans, "--target", "bad").exception, RuntimeError)


def test_messages_speak_of_options():
    said = as_options("learning_rate=0.5 is too large; take control=MovingAverage(), or dtype='float64'.")
    assert said == "--learning-rate 0.5 is too large; take --control moving-average, or --dtype float64."
    assert as_options("the sd=2 of z=3") == "the sd=2 of z=3"


@pytest.mark.parametrize(
    ("option", "known"),
    [
        (options.Family, choose.FAMILIES),
        (options.Gradient, [*choose.GRADIENTS, "auto"]),
        (options.Control, choose.CONTROLS),
        (options.Algorithm, [choose.short(name) for name in choose.ALGORITHMS]),
    ],
    ids=["family", "gradient", "control", "algorithm"],
)
def test_choices_are_names_that_the_library_knows(option, known):
    literal = get_args(get_args(option)[0])[0]
    assert set(get_args(literal)) == set(known)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--famly"], ["fit", "nothing.csv"]])
def test_answers_without_jax(arguments):
    program = f"""
import sys
from taut.cli import main
sys.argv = ["taut", *{arguments}]
try:
    main()
finally:
    print("jax" in sys.modules, "matplotlib" in sys.modules)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
    assert printed.splitlines()[-1] == "False False"


def test_json_has_no_nan():
    assert json.dumps(outputs.plain({"a": [float("inf"), 1.5, (None, "x")]})) == '{"a": [null, 1.5, [null, "x"]]}'


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        outputs.write_text(path, "half \ud800")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TAUT_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.place() == tmp_path / ".cache" / "taut" / "jax"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.place() == tmp_path / "xdg" / "taut" / "jax"
    monkeypatch.setenv("TAUT_CACHE_DIR", str(tmp_path / "own"))
    assert cache.place() == tmp_path / "own" / "jax"


@pytest.fixture
def no_cache():
    """JAX as it starts, with no cache chosen, for one test."""
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: jax.config.values[name] for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_the_cache_is_used_where_it_can_be_written(no_cache, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TAUT_CACHE_DIR", str(tmp_path / "file"))
    cache.keep_compilations()
    assert jax.config.values["jax_compilation_cache_dir"] is None
    monkeypatch.setenv("TAUT_CACHE_DIR", str(tmp_path / "own"))
    cache.keep_compilations()
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "own" / "jax")
    monkeypatch.setenv("TAUT_CACHE_DIR", str(tmp_path / "later"))
    cache.keep_compilations()
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "own" / "jax")


STEPPING = """
from taut import cli
from taut.learning import progress
seen = progress.ProgressBar.__call__
def tell(self, made, history):
    print("stepping", file=__import__("sys").stderr, flush=True)
    seen(self, made, history)
progress.ProgressBar.__call__ = tell
cli.main()
"""


@pytest.mark.slow
def test_ctrl_c_in_a_process(loans, tmp_path):
    arguments = ["fit", str(loans), "--target", "bad", "--out", "run", "--json", "--gradient", "reparametrization"]
    process = subprocess.Popen(
        [sys.executable, "-c", STEPPING, *arguments, "--steps", "10000000"],
        cwd=tmp_path,
        env=os.environ | {"TAUT_CACHE_DIR": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "stepping" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert json.loads(stdout)["ended"] == "interrupted"
    assert library.load(tmp_path / "run").ended is learn.Ended.INTERRUPTED
    assert (tmp_path / "run" / "checkpoint.npz").exists()

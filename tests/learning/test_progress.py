"""The bar says how fast the steps of this run are, and draws only when it is told something."""

import io
import sys
import types

import numpy as np
import pytest

from taut.learning import progress
from taut.learning.progress import ProgressBar

HISTORY = {"elbo": np.full(100, -90.0)}


class Screen(io.StringIO):
    """What a terminal was sent."""

    def isatty(self):
        return True

    @classmethod
    def put(cls, monkeypatch):
        """In place of standard error, 120 columns wide; within the test, since pytest has its own between phases."""
        screen = cls()
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        return screen


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_the_speed_is_that_of_the_steps_made_here(clock, monkeypatch):
    screen = Screen.put(monkeypatch)
    with ProgressBar(1000, True, examples=128) as bar:
        clock[0] += 9.0  # compiling, and then a chunk; 400 steps were made before a resume
        bar(400, HISTORY)
        clock[0] += 2.0
        bar(420, HISTORY)
    last = screen.getvalue().rsplit("fitting", 1)[1]
    assert "420/1000" in last
    assert "1,280 images/s" in last
    assert "ELBO -90.00" in last


def test_a_short_fit_shows_nothing(clock, monkeypatch):
    screen = Screen.put(monkeypatch)
    with ProgressBar(10, True) as bar:
        bar(10, HISTORY)
    assert not screen.getvalue()


class Notebook:
    """The part of IPython that a bar needs, with all that was shown."""

    def __init__(self):
        self.seen = []
        self.display = self
        self.kernel = object()

    def get_ipython(self):
        return self

    def HTML(self, text):  # noqa: N802
        return text

    def __call__(self, html, display_id):
        assert display_id
        return self

    def update(self, html):
        self.seen.append(html)


def test_a_notebook_shows_the_bar_without_widgets(clock, monkeypatch):
    notebook = Notebook()
    display = types.ModuleType("IPython.display")
    display.HTML, display.display = notebook.HTML, notebook
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with ProgressBar(1000) as bar:
        assert bar.shown, "without being asked"
        clock[0] += 9.0
        bar(400, HISTORY)
        clock[0] += 2.0
        bar(420, HISTORY)
    assert '<progress value="420" max="1000"' in notebook.seen[-2]
    assert "10 steps/s" in notebook.seen[-2]
    assert notebook.seen[-1] == "", "gone at the end"


def test_ipython_in_a_terminal_is_a_terminal(monkeypatch):
    shell = Notebook()
    shell.kernel = None
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert not progress.in_notebook()


def test_without_a_terminal_a_long_fit_writes_a_line_now_and_then(clock, monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with ProgressBar(1000) as bar:
        for made in range(10, 510, 10):
            clock[0] += 1.0
            bar(made, HISTORY)
    lines = log.getvalue().splitlines()
    assert lines[0] == "fitting: 50 of 1,000 steps, 10 steps/s, ELBO -90.00"
    assert [line.split()[1] for line in lines] == ["50", "100", "200", "400"]


@pytest.mark.parametrize("shown", [False, None])
def test_nothing_is_written_when_told_so_nor_by_a_short_fit(clock, monkeypatch, shown):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with ProgressBar(1000, shown) as bar:
        clock[0] += 600.0 if shown is False else 4.0
        bar(999, HISTORY)
    assert not log.getvalue()

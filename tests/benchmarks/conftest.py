"""The benchmarks are scripts and no package: their tests import them as their own processes do."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """Import a module as a benchmark's process sees it, and forget it afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # scripts add folders to it
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS / "peers")
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]

"""The rules of the house that a machine can check."""

import ast
import importlib
import json
import pkgutil
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import taut

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ROOMS = [room.name for room in pkgutil.iter_modules(taut.__path__, "taut.") if room.ispkg]
HEAVY = ("formulae", "jinja2", "matplotlib", "numpyro", "optax", "pandas", "polars", "rich", "sklearn", "typer")
LONG = {
    "cli/vae.py:vae",
    "diagnostics/evaluation.py:evaluate",
    "fitting/fit.py:fit",
    "studies/calibrate.py:calibrate",
    "studies/claims.py:gradient_claims",
    "studies/compare.py:compare_gradients",
    "studies/rate_distortion.py:rate_distortion",
}
"""Functions of more than 60 lines with their docstrings, which say what many arguments mean. This list only shrinks."""


def public_names(module):
    """What a module lists, or what it defines or passes on (`from ... import Family as Family`)."""
    names = vars(module)
    own = [name for name in names if str(getattr(names[name], "__module__", "")).startswith("taut")]
    return getattr(module, "__all__", [name for name in own if not name.startswith("_")])


PUBLIC = [f"{path}.{x}" for path in ("taut", *ROOMS) for x in public_names(importlib.import_module(path))]


def test_imports_run_one_way():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    lint = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_importing_taut_loads_nothing_heavy():
    program = "import json, sys, taut; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    loaded = json.loads(printed)
    assert "taut" in loaded
    assert not set(HEAVY) & set(loaded)


def test_fit_waits_for_the_parts_of_no_model():
    """A part that is loaded here is waited for by every process that fits: look it up in its room where it is used."""
    program = "import json, sys, taut; taut.fit; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
    assert not {*HEAVY, "scipy"} & set(loaded)
    own = {".".join(name.split(".")[:3]) for name in loaded if name.startswith("taut.")}
    assert {"taut.choosing.choose", "taut.fitting.fit"} < own
    assert len(own) < 70


@pytest.mark.parametrize("path", PUBLIC)
def test_public_names_are_documented(path):
    module, name = path.rsplit(".", 1)
    documentation = getattr(importlib.import_module(module), name).__doc__
    assert documentation, f"{path} has no docstring"
    # A dataclass without a docstring is given its signature for one.
    assert not documentation.startswith(f"{name}("), f"{path} has no docstring of its own"


def test_no_file_lies_beside_the_rooms():
    loose = {path.name for path in (ROOT / "src" / "taut").iterdir() if path.is_file()}
    assert loose == {"__init__.py", "__init__.pyi", "__main__.py", "errors.py", "problem.py", "py.typed"}


def test_files_and_functions_stay_short():
    lines = {source: len(source.read_text(encoding="utf-8").splitlines()) for source in SOURCES}
    assert [str(source) for source, count in lines.items() if count > 300] == []
    assert statistics.median(lines.values()) <= 110
    counted = [function for source in SOURCES for function in functions(source)]
    assert [name for name, _, without_docstring in counted if without_docstring > 60] == []
    long = {name for name, whole, _ in counted if whole > 60}
    assert long - LONG == set()
    assert LONG - long == set(), "short enough by now: take it off the list"


def functions(source):
    """Each function of a file with its lines from `def` to the end, and those without its docstring."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            whole = node.end_lineno - node.lineno + 1
            documented = 0 if ast.get_docstring(node) is None else node.body[0].end_lineno - node.body[0].lineno + 1
            yield f"{source.relative_to(ROOT / 'src' / 'taut')}:{node.name}", whole, whole - documented


def test_formatter_and_linter_are_not_silenced():
    """Two lines are exempt from a rule of the linter, each for a reason that stands there."""
    texts = {str(source): source.read_text(encoding="utf-8") for source in SOURCES}
    assert [name for name, text in texts.items() if re.search("# fmt: *(skip|off)", text)] == []
    assert len([name for name, text in texts.items() for _ in re.finditer("# noqa", text)]) <= 2


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_no_data_is_run_as_code(source):
    assert not list(runs_data_as_code(source.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "program",
    ["import pickle", "from dill import loads", "eval('1')", "exec('1')", "np.load(f, allow_pickle=True)"],
)
def test_running_data_as_code_is_noticed(program):
    assert list(runs_data_as_code(program))


def runs_data_as_code(source):
    """A saved fit or a table from a stranger must never run: no pickle in any form, no eval, no exec."""
    picklers = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name.split(".")[0] in picklers)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in picklers:
                yield module
            case ast.Call(func=ast.Name(id="eval" | "exec" as function)):
                yield function
            case ast.keyword(arg="allow_pickle", value=value) if not (
                isinstance(value, ast.Constant) and value.value is False
            ):
                yield "allow_pickle"

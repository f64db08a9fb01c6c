"""The rules of the house that a machine can check."""

import ast
import importlib
import json
import pkgutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import taut

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ROOMS = [room.name for room in pkgutil.iter_modules(taut.__path__, "taut.") if room.ispkg]
HEAVY = ("jinja2", "matplotlib", "numpyro", "optax", "polars", "rich", "sklearn", "typer")


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


@pytest.mark.parametrize("path", PUBLIC)
def test_public_names_are_documented(path):
    module, name = path.rsplit(".", 1)
    documentation = getattr(importlib.import_module(module), name).__doc__
    assert documentation, f"{path} has no docstring"
    # A dataclass without a docstring is given its signature for one.
    assert not documentation.startswith(f"{name}("), f"{path} has no docstring of its own"


def test_no_file_lies_beside_the_rooms():
    loose = {path.name for path in (ROOT / "src" / "taut").iterdir() if path.is_file()}
    assert loose == {"__init__.py", "__init__.pyi", "errors.py", "problem.py", "py.typed"}


def test_files_and_functions_stay_short():
    lines = {source: len(source.read_text(encoding="utf-8").splitlines()) for source in SOURCES}
    assert [str(source) for source, count in lines.items() if count > 300] == []
    assert statistics.median(lines.values()) <= 110
    assert [name for source in SOURCES for name, count in functions(source) if count > 60] == []


def functions(source):
    """The functions of a file with their lines, those of the docstring not counted."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            text = ast.get_docstring(node, clean=False)
            documented = 0 if text is None else node.body[0].end_lineno - node.body[0].lineno + 1
            yield f"{source}:{node.name}", node.end_lineno - node.lineno + 1 - documented


def test_the_layout_is_the_formatters():
    skips = [str(source) for source in SOURCES if "# fmt: skip" in source.read_text(encoding="utf-8")]
    assert skips == []


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

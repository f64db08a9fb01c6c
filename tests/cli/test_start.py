"""How the command line starts: as a module, with completion, and with no more than a command needs."""

import os
import subprocess
import sys

import pytest

import taut
from taut.cli.app import COMMANDS


def run(*arguments, **variables):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=os.environ | variables)
    return done.returncode, done.stdout, done.stderr


def test_the_package_runs_as_a_module():
    assert run("-m", "taut", "--version") == (0, f"taut {taut.__version__}\n", "")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    rows = ([[0.0], [1.0], [2.0], [4.0]], [0, 1, 0, 1])
    return taut.fit(taut.models.LogisticRegression(), rows).save(tmp_path_factory.mktemp("run") / "run")


@pytest.mark.parametrize("command", [("verdict",), ("verdict", "--json"), ("--help",), ("fit", "--help")])
def test_what_computes_nothing_loads_nothing_that_computes(command, saved):
    given, heavy = list(command), {"formulae", "jax", "matplotlib", "pandas", "polars", "scipy", "sklearn"}
    if command[0] == "verdict":  # nor are there arrays to read
        given, heavy = [*command, str(saved)], heavy | {"numpy"}
    program = (
        "import sys\nfrom taut.cli import main\n"
        f"try:\n    main({given!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('loaded:', {heavy} & set(sys.modules), file=sys.stderr)"
    )
    code, shown, said = run("-c", program)
    assert (code, said) == (0, "loaded: set()\n")
    assert shown


def test_a_fit_of_a_table_loads_no_library_for_other_fits(tmp_path):
    program = (
        "import sys\nfrom taut.cli import main\n"
        "try:\n    main(['fit', 'breast-cancer', '--out', 'run'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "others = {'formulae', 'optax', 'pandas', 'scipy.interpolate', 'scipy.optimize', 'scipy.stats', 'sklearn'}\n"
        "print('loaded:', others & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("loaded: set()\n")
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize(
    ("begun", "place", "offered"), [("taut ver", 1, "verdict"), ("taut fit x --dty", 3, "--dtype")]
)
def test_a_shell_completes_commands_and_options(begun, place, offered):
    variables = {"_TAUT_COMPLETE": "complete_bash", "COMP_WORDS": begun, "COMP_CWORD": str(place)}
    code, shown, _ = run("-m", "taut", **variables)
    assert code == 0
    assert offered in shown.split()


def test_help_names_every_command():
    shown = run("-m", "taut", "--help", TERM="dumb", COLUMNS="100")[1]
    assert [command for command in COMMANDS if command not in shown] == []

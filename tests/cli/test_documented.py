"""`docs/cli.md` holds what the help says; run this file to write it anew."""

from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import typer

from taut.cli.app import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
MARK = "<!-- Below: generated from the commands by tests/cli/test_documented.py. -->\n"
COMMANDS = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]


def reference():
    """Every command with its arguments and options, as Markdown."""
    return "".join(section(name, command) for name, command in COMMANDS.items())


def section(name, command):
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(["taut", name, *(a.metavar for a in arguments), "[OPTIONS]"])
    hints = get_type_hints(command.callback)
    rows = [("| | |", " Default |"), ("|---|---|", "---|")]
    rows += [(f"| `{a.metavar}` | {a.help} |", " |") for a in arguments]
    rows += [(f"| `{spelling(o, hints[o.name])}` | {o.help} |", f" {default(o)} |") for o in options]
    return f"\n## `taut {name}`\n\n    {usage}\n\n{' '.join(command.help.split())}\n\n" + "".join(
        f"{a}{b}\n" for a, b in rows
    )


def spelling(option, hint):
    """`--family mean-field|full-rank`, the bar escaped for the table."""
    choices = [value for part in (hint, *get_args(hint)) if get_origin(part) is Literal for value in get_args(part)]
    return " ".join(["/".join([*option.opts, *option.secondary_opts]), option.metavar or "\\|".join(choices)]).strip()


def default(option):
    if option.secondary_opts and option.default is not None:  # a pair, --this/--no-this
        return f"`{(option.opts if option.default else option.secondary_opts)[0]}`"
    return "" if option.default is None or option.default is False else f"`{option.default}`"


def test_the_page_is_current():
    head, mark, tail = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE.name} has lost the line that says where the generated part begins"
    assert tail == reference(), "the commands have changed: run python tests/cli/test_documented.py"
    assert all(f"taut {name}" in head for name in COMMANDS)  # every command has an example too


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=lambda c: " ".join(c) or "taut")
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(taut, command, flag):
    result = taut(*command, flag)
    assert result.exit_code == 0
    assert "Usage: taut" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name):
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name


def test_version(taut):
    import taut as library

    assert taut("--version").stdout == f"taut {library.__version__}\n"


def test_no_arguments_show_the_help(taut):
    result = taut()
    assert "Commands" in result.output
    assert result.exit_code == 2


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(page + MARK + reference(), encoding="utf-8")

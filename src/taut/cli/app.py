"""The `taut` command and its parts. Nothing here loads JAX: help and wrong arguments answer at once."""

import functools
import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import taut
from taut.cli.guard import Guarded

COMMANDS = (
    "fit",
    "predict",
    "check",
    "vae",
    "evaluate",
    "sample",
    "encode",
    "rate-distortion",
    "report",
    "verdict",
    "calibrate",
    "gradients",
)
"""Each is a function in the module of its name."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"taut {taut.__version__}")
        raise typer.Exit


def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Variational inference that says how it ended: fit a posterior, predict with it, look at it."""


@functools.cache
def build(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """The command line with some of its commands: a module is loaded only for a command that is there.

    Args:
        commands: Names from `COMMANDS`.
    """
    app = typer.Typer(
        cls=Guarded,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(start)
    for name in commands:
        function = name.replace("-", "_")
        app.command(name)(getattr(importlib.import_module(f"taut.cli.{function}"), function))
    return app


def needed(arguments: Sequence[str]) -> tuple[str, ...]:
    """The commands that a command line needs: the one that it names, none for the version, else all.

    Example:
        >>> needed(["verdict", "runs/loans"]), needed(["--version"]), needed(["--help"]) == COMMANDS
        (('verdict',), (), True)
    """
    if list(arguments) == ["--version"]:
        return ()
    return tuple(arguments[:1]) if arguments and arguments[0] in COMMANDS else COMMANDS


def run(arguments: Sequence[str] | None = None) -> Any:
    """Run a command line, that of the process by default."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    return build(needed(given))(given, prog_name="taut")


def __getattr__(name: str) -> Any:
    if name == "app":  # with all its commands, whose modules are loaded when it is asked for
        return build()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

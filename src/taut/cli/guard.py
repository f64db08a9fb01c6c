"""What a command raises becomes one message on standard error and an exit code, never a traceback."""

import errno
import os
import re
import shlex
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from taut.cli.outputs import release
from taut.errors import TautError

INTERRUPTED = 130
"""128 + SIGINT, as shells count."""
WRONG = 2
COMMAND_LINE = "taut.command_line"
"""Under this name a context's `meta` holds the command line."""
DEFECT = 1

# The library speaks of Python's arguments; whoever sits at a terminal has options.
COLUMNS = re.compile(r"columns=Columns\((\w+=[^()]*)\)")
ARGUMENT = re.compile(
    r"\b(algorithm|alphas|batch_size|betas|categorical|control|dates|decimal|draws|drop|dtype|family|"
    r"gradient|latent|learning_rate|likelihood|missing|new_groups|numeric|objective|only|patience|positive|samples|seed|separator|steps)=(\[[^\]]*\]|'[^']*'|[^\s,;]*[^\s,;.:])"
)
NAMES = {
    "taut.algorithms.StochasticGradient()": "stochastic",
    "StochasticGradient()": "stochastic",
    "MovingAverage()": "moving-average",
}

ROOM, ELSEWHERE = "Make room there, or choose another place.", "Choose a place that you may write to."
REMEDIES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "Files may not be as large there (see ulimit -f): choose another place, or raise the limit.",
    errno.EACCES: ELSEWHERE,
    errno.EPERM: ELSEWHERE,
    errno.EROFS: ELSEWHERE,
    errno.EISDIR: "A folder is in the way: remove it, or choose another place.",
    errno.ENOTDIR: "A file is where a folder is needed: remove it, or choose another place.",
}
"""What to do about errors of the operating system."""


class Guarded(TyperGroup):
    """The group of commands, with one net under all of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the command line as it was typed, for the fit to say where it came from."""
        ctx.meta[COMMAND_LINE] = shlex.join(["taut", *args])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it raises becomes a message and an exit code."""
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise  # Typer's own business
        except KeyboardInterrupt:
            say("interrupted before there was anything to keep.")
            raise typer.Exit(INTERRUPTED) from None
        except TautError as error:
            say(as_options(str(error)))
            raise typer.Exit(WRONG) from None
        except MemoryError:
            say("there is not enough memory for this. Try --family mean-field or --dtype float32, or fewer rows.")
            raise typer.Exit(DEFECT) from None
        except OSError as error:
            say(as_remedy(error))
            raise typer.Exit(WRONG) from None
        except Exception as error:
            if os.environ.get("TAUT_DEBUG"):
                raise
            say(f"this is a bug: {type(error).__name__}: {error}\nWith TAUT_DEBUG=1 you see where; please report that.")
            raise typer.Exit(DEFECT) from None
        finally:
            release()


def say(message: str) -> None:
    """One message on standard error, where it does not mix with results."""
    typer.echo(f"taut: {message}", err=True)


def as_remedy(error: OSError) -> str:
    """An error of the operating system with the name of the file and what to do.

    Example:
        >>> as_remedy(OSError(errno.ENOSPC, "No space left on device", "run/fit.json"))
        'run/fit.json: No space left on device. Make room there, or choose another place.'
    """
    remedy = REMEDIES.get(error.errno or 0)
    return f"{error.filename or 'a file'}: {error.strerror or error}." + (f" {remedy}" if remedy else "")


def as_options(message: str) -> str:
    """Python's spelling of arguments as the command line's.

    Example:
        >>> as_options("batch_size=0: leave those rows out with missing='drop'.")
        '--batch-size 0: leave those rows out with --missing drop.'
        >>> as_options("Leave it out (columns=Columns(drop='row id')).")
        "Leave it out (--drop 'row id')."
        >>> as_options("Drop them (columns=Columns(drop=['a', 'b'])).")
        'Drop them (--drop a,b).'
    """

    def option(match: re.Match) -> str:
        name, value = match.groups()
        bare = ",".join(re.findall("'([^']*)'", value)) if value.startswith("[") else value.strip("'")
        return f"--{name.replace('_', '-')} {NAMES.get(value, bare if bare == value else shlex.quote(bare))}"

    return ARGUMENT.sub(option, COLUMNS.sub(r"\1", message))

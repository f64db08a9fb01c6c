"""The `taut` command and its parts. Nothing here loads JAX: help and wrong arguments answer at once."""

from typing import Annotated

import typer

import taut
from taut.cli.calibrate import calibrate
from taut.cli.encode import encode
from taut.cli.evaluate import evaluate
from taut.cli.fit import fit
from taut.cli.gradients import gradients
from taut.cli.guard import Guarded
from taut.cli.predict import predict
from taut.cli.rate_distortion import rate_distortion
from taut.cli.report import report
from taut.cli.sample import sample
from taut.cli.vae import vae
from taut.cli.verdict import verdict

app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"taut {taut.__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Variational inference that says how it ended: fit a posterior, predict with it, look at it."""


COMMANDS = (fit, predict, vae, evaluate, sample, encode, rate_distortion, report, verdict, calibrate, gradients)
for command in COMMANDS:
    app.command()(command)

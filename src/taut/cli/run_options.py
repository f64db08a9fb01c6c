"""The options of commands that only print what a saved fit says: nothing here reads the names of the parts."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Run = Annotated[
    Path, Argument(metavar="RUN", show_default=False, exists=True, file_okay=False, help="The folder of a saved fit.")
]
VerdictJson = Annotated[bool, Option("--json", help="Print one JSON object in place of the lines.")]

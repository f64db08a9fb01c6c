"""The names of Taut's parts for the options of the command line, read from the source: help must not wait for JAX.

`taut.choosing.names` has the same names by asking the classes; a test holds the two together.
"""

import ast
import functools
from pathlib import Path
from typing import Any, NamedTuple

import taut

SOURCE = Path(taut.__file__).parent


class Part(NamedTuple):
    """A public class of a room.

    Attributes:
        folder: Name of the folder that its file is in.
        values: The plain class variables that its body sets, by name.
    """

    folder: str
    values: dict[str, Any]


@functools.cache
def parts(room: str) -> list[Part]:
    """The public classes of a room, in the order of their class names: those that its `__init__` imports."""
    found = {}
    for line in ast.parse((SOURCE / room / "__init__.py").read_text("utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module:
            file = SOURCE.joinpath(*line.module.split(".")[1:]).with_suffix(".py")
            wanted = {alias.name for alias in line.names}
            for part in ast.parse(file.read_text("utf-8")).body:
                if isinstance(part, ast.ClassDef) and part.name in wanted:
                    found[part.name] = Part(file.parent.name, _values(part))
    return [part for _, part in sorted(found.items()) if "name" in part.values]


def _values(part: ast.ClassDef) -> dict[str, Any]:
    found = {}
    for line in part.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
            try:
                found[line.target.id] = ast.literal_eval(line.value)
            except ValueError:  # an expression, which is no name
                continue
    return found


def _option(name: str, noun: str) -> str:
    """A part's name as the value of an option, which has the noun in its own name."""
    return name.removesuffix(f" {noun}").replace(" ", "-")


_GRADIENTS = [part for part in parts("gradients") if part.folder == "gradients"]

FAMILIES = tuple(part.values["name"] for part in parts("families") if part.values.get("by_name"))
GRADIENTS = tuple(name for part in _GRADIENTS for name in (part.values["name"], *part.values.get("aliases", ())))
CONTROLS = tuple(part.values["name"] for part in parts("gradients") if part.folder == "control_variates")
ALGORITHMS = {_option(part.values["name"], "gradient"): part.values for part in parts("algorithms")}
REGRESSIONS = {
    _option(part.values["name"], "regression"): part.values["name"]
    for part in parts("models")
    if "target" in part.values
}
NOISELESS = tuple(part.values["name"] for part in _GRADIENTS if part.values.get("noiseless"))
"""The gradients that draw nothing."""

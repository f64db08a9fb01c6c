"""The names of Taut's public parts, read from the source, so that help and wrong arguments answer without JAX.

`taut.choosing.names` holds the same names, found by importing the rooms; a test compares the two.
"""

import ast
import dataclasses
import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

import taut
from taut.core.names import find, unknown
from taut.core.parts import short

ROOT = Path(taut.__file__).parent


@dataclasses.dataclass(frozen=True)
class Part:
    """What the source says of a public class.

    Attributes:
        says: The constant class variables by name, e.g. `name`, `aliases`, `whole`; those of its bases included.
        takes: The arguments of its constructor that are fields of the class or of its bases.
        bases: The names of all its bases.
    """

    says: dict[str, Any]
    takes: frozenset[str]
    bases: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """What the command line calls it: its name in short, and its aliases."""
        return (short(self.says["name"]), *self.says.get("aliases", ()))


def parts(room: str, abstract: str, says: str) -> list[Part]:
    """The public classes of a room below an abstract class, in the order of their class names.

    Args:
        room: A folder or a module of Taut, e.g. "families".
        abstract: The name of the abstract class.
        says: A class variable; classes that do not set it to a constant are left out.
    """
    module = _module(f"taut.{room}")
    found = [_part(f"taut.{room}", public) for public in sorted({**module.imports, **module.classes})]
    return [part for part in found if part is not None and abstract in part.bases and says in part.says]


def by_name(room: str, abstract: str) -> dict[str, Part]:
    """The public classes of a room below an abstract class, by each of their names.

    Example:
        >>> list(by_name("algorithms", "Algorithm"))[:2]
        ['batch-and-match', 'fixed-draws']
    """
    return {name: part for part in parts(room, abstract, "name") for name in part.names}


def reader(known: Iterable[str]) -> Callable[[str], str]:
    """What reads a name on the command line by the grammar of all names.

    Example:
        >>> reader(FAMILIES)("Mean_Field")
        'mean-field'
    """
    known = tuple(known)

    def read(text: str) -> str:
        name = find(text, known)
        if name is None:
            raise typer.BadParameter(f"{unknown(text, known)}.")
        return name

    return read


@dataclasses.dataclass(frozen=True)
class Module:
    """The classes that a module defines, and where its other names are imported from: a room's stub says so of it."""

    classes: dict[str, ast.ClassDef]
    imports: dict[str, tuple[str, str]]


@functools.cache
def _module(path: str) -> Module:
    place = ROOT.joinpath(*path.split(".")[1:])
    files = [place / "__init__.pyi", place / "__init__.py"] if place.is_dir() else [place.with_suffix(".py")]
    body = ast.parse(next(file for file in files if file.exists()).read_text("utf-8")).body
    imported = [node for node in body if isinstance(node, ast.ImportFrom)]
    found = {alias.asname or alias.name: (node, alias.name) for node in imported for alias in node.names}
    sources = {name: (f"{path}." * node.level + (node.module or ""), of) for name, (node, of) in found.items()}
    return Module(
        {node.name: node for node in body if isinstance(node, ast.ClassDef)},
        {name: (module, of) for name, (module, of) in sources.items() if module.startswith("taut.")},
    )


@functools.cache
def _part(path: str, name: str) -> Part | None:
    """The class `name` of the module `path`, followed to where it is defined; None where no class of Taut is meant."""
    module = _module(path)
    if name in module.imports:
        return _part(*module.imports[name])
    if name not in module.classes:
        return None
    node = module.classes[name]
    says: dict[str, Any] = {}
    fields: dict[str, bool] = {}
    above: set[str] = set()
    for base in reversed(node.bases):  # the first base is the nearest
        part = _part(path, base.id) if isinstance(base, ast.Name) else None
        if isinstance(base, ast.Name) and part is not None:
            says |= part.says
            fields |= dict.fromkeys(part.takes, True)
            above |= part.bases | {base.id}
    for line in node.body:
        if isinstance(line, ast.FunctionDef):  # a property may stand in place of a base's constant
            says.pop(line.name, None)
        elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            declared = ast.unparse(line.annotation)
            if declared.startswith("ClassVar") and line.value is not None:
                _note(says, line.target.id, line.value)
            elif not declared.startswith(("ClassVar", "eqx.AbstractVar")):
                fields[line.target.id] = not _kept_from_the_constructor(line.value)
        elif isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            _note(says, line.targets[0].id, line.value)
    return Part(says, frozenset(field for field, taken in fields.items() if taken), frozenset(above))


def _kept_from_the_constructor(value: ast.expr | None) -> bool:
    """Whether a field is declared with `init=False`."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    return any(word.arg == "init" and ast.unparse(word.value) == "False" for word in keywords)


def _note(says: dict[str, Any], name: str, value: ast.expr) -> None:
    """Enter a class variable; one that is computed is not known from the source."""
    try:
        says[name] = ast.literal_eval(value)
    except ValueError:
        says.pop(name, None)


FAMILIES = {name: part for name, part in by_name("families", "Family").items() if part.says.get("by_name")}
GRADIENTS = by_name("gradients", "Gradient")
CONTROLS = by_name("gradients", "ControlVariate")
ALGORITHMS = by_name("algorithms", "Algorithm")
REGRESSIONS = {name.removesuffix("-regression"): part for name, part in by_name("models", "TableRegression").items()}
LIKELIHOODS = {
    name: part
    for name, part in by_name("models.likelihoods", "Likelihood").items()
    if part.says.get("examples") and part.says.get("outputs") == 1
}
"""Those of one number for each pixel, as the networks of the command line give it."""
RESPONSES = {
    name: part
    for part in parts("models.likelihoods", "Likelihood", "target")
    if part.says["target"]
    for name in part.names
}
"""Likelihoods of the response of a regression."""
FORMS = sorted(filter(None, (part.says["written"] for part in parts("objectives", "Objective", "written"))), key=len)
"""The forms of the objectives, the shortest first."""

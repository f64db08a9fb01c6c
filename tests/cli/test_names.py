"""The names that the command line reads from the source are those of the live classes."""

import dataclasses
import subprocess
import sys

import pytest

from taut import objectives
from taut.choosing import names as live
from taut.cli import names
from taut.core.parts import public, short
from taut.models.likelihoods import LIKELIHOODS, REGRESSIONS
from taut.objectives import Objective
from taut.objectives.parse import forms

ROOMS = {
    "families": (names.FAMILIES, live.FAMILIES),
    "gradients": (names.GRADIENTS, live.GRADIENTS),
    "controls": (names.CONTROLS, live.CONTROLS),
    "algorithms": (names.ALGORITHMS, {short(name): part for name, part in live.ALGORITHMS.items()}),
    "regressions": (names.REGRESSIONS, live.REGRESSIONS),
    "likelihoods": (names.LIKELIHOODS, {name: part for name, part in LIKELIHOODS.items() if part.outputs == 1}),
    "responses": (names.RESPONSES, REGRESSIONS),
}


@pytest.mark.parametrize("room", ROOMS)
def test_the_names_are_those_of_the_registry(room):
    read, asked = ROOMS[room]
    assert set(read) == set(asked)
    assert len(read) > 0


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, (read, _) in ROOMS.items() for name in read])
def test_what_the_source_says_of_a_class_is_true(room, name):
    read, asked = ROOMS[room]
    part, kind = read[name], asked[name]
    assert {said: getattr(kind, said) for said in part.says} == part.says
    assert part.takes == {field.name for field in dataclasses.fields(kind) if field.init}
    assert part.bases <= {base.__name__ for base in kind.__mro__[1:]}


def test_the_forms_of_objectives_are_those_of_the_messages():
    assert ", ".join(names.FORMS) == forms()
    assert len(names.FORMS) == len(public(objectives, Objective))


def test_a_class_that_inherits_all_that_it_says_is_read(tmp_path, monkeypatch):
    room = tmp_path / "algorithms"
    room.mkdir()
    (room / "__init__.py").write_text(
        "from taut.algorithms.base import Base\nfrom taut.algorithms.own import Own as Own\n"
    )
    (room / "base.py").write_text(
        "class Base(eqx.Module):\n    name: ClassVar[str]\n    whole: ClassVar[bool] = True\n"
    )
    (room / "own.py").write_text(
        "from taut.algorithms.base import Base\n"
        "class Half(Base):\n"
        "    name: ClassVar[str] = 'half gradient'\n"
        "    steps: int = eqx.field(default=1)\n"
        "    kept: int = eqx.field(default=1, init=False)\n"
        "class Own(Half):\n"
        "    rate: float = 0.1\n"
    )
    monkeypatch.setattr(names, "ROOT", tmp_path)
    names._module.cache_clear()
    names._part.cache_clear()
    try:
        found = names.by_name("algorithms", "Base")
    finally:
        names._module.cache_clear()
        names._part.cache_clear()
    assert found == {
        "half": names.Part(
            {"name": "half gradient", "whole": True}, frozenset({"steps", "rate"}), frozenset({"Half", "Base"})
        )
    }


def test_reading_the_names_loads_no_room():
    program = "import sys, taut.cli.names; print(*sorted(name for name in sys.modules if name.startswith('taut')))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == [
        "taut",
        "taut.cli",
        "taut.cli.names",
        "taut.core",
        "taut.core.names",
        "taut.core.parts",
        "taut.core.rooms",
    ]

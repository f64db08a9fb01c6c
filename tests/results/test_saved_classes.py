"""Which classes a saved fit may name: all of Taut's own parts, and nothing else."""

import collections
import inspect

import equinox as eqx
import pytest

from taut.errors import SavedFitError
from taut.results import specs

PUBLIC = [
    part
    for room in specs.ROOMS
    for _, part in inspect.getmembers(room, inspect.isclass)
    if issubclass(part, eqx.Module) and not inspect.isabstract(part)
]


@pytest.mark.parametrize("part", PUBLIC, ids=lambda part: f"{part.__module__}.{part.__name__}")
def test_every_public_part_can_be_named(part):
    assert part in specs.classes().values()


def test_no_two_classes_of_a_room_have_one_name():
    below, found = [eqx.Module], set()
    while below:
        kind = below.pop()
        below += kind.__subclasses__()
        if kind.__module__.split(".")[0] == "taut" and not inspect.isabstract(kind):
            found.add((kind.__module__, kind.__qualname__))  # Equinox makes classes with the same two
    places = collections.Counter((module.split(".")[1], name) for module, name in found)
    assert [place for place, count in places.items() if count > 1] == []


@pytest.mark.parametrize(
    "name",
    [
        "Weighted",
        "",
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "equinox.nn._mlp.MLP",
        "taut.results.load.UnknownModel",
        "taut.models.base.Model",
        "taut.core.files.write_file",
        "taut.models.density.Density",
    ],
)
def test_another_name_is_refused(name):
    with pytest.raises(SavedFitError, match="no part of this version"):
        specs.build({"class": name, "fields": {}})


def test_nothing_is_called_while_a_part_is_built(monkeypatch):
    from taut.objectives import Weighted

    monkeypatch.setattr(Weighted, "__init__", lambda *_: pytest.fail("called"))
    monkeypatch.setattr(Weighted, "__check_init__", lambda *_: pytest.fail("called"), raising=False)
    assert specs.build({"class": "taut.objectives.weighted.Weighted", "fields": {"beta": -1}}).beta == -1

"""One grammar of names for arguments, options and forms; attributes that a room does not have."""

import itertools

import numpy as np
import pytest

import taut
from taut.choosing import names as live
from taut.cli import names as read
from taut.core.names import brief, find, spelled, unknown
from taut.core.rooms import public, suggestion
from taut.models.likelihoods import LIKELIHOODS

ROOMS = {
    "families": live.FAMILIES,
    "gradients": live.GRADIENTS,
    "controls": live.CONTROLS,
    "algorithms": live.ALGORITHMS,
    "regressions": live.REGRESSIONS,
    "likelihoods": LIKELIHOODS,
    "options": read.ALGORITHMS,
}


def spellings(name):
    """The ways in which people write a name."""
    words = name.replace("-", " ").split()
    joined = [sign.join(words) for sign in (" ", "-", "_", "")]
    return {f(text) for text, f in itertools.product(joined, (str, str.upper, str.title))} | {f" {name} "}


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, known in ROOMS.items() for name in known])
def test_every_spelling_of_a_name_is_that_name(room, name):
    assert {find(text, ROOMS[room]) for text in spellings(name)} == {name}


@pytest.mark.parametrize("room", ROOMS)
def test_no_two_names_of_a_room_are_spelled_alike(room):
    kinds = ROOMS[room]
    assert len({spelled(name) for name in kinds}) == len(kinds)


@pytest.mark.parametrize(
    ("room", "short", "name"),
    [
        ("families", "full", "full-rank"),
        ("families", "mean", "mean-field"),
        ("algorithms", "fixed", "fixed draws"),
        ("algorithms", "natural", "natural gradient"),
        ("algorithms", "NaturalGradient", "natural gradient"),
        ("gradients", "reparam", "reparametrization"),
        ("gradients", "reparameterisation", "reparametrization"),
        ("gradients", "REINFORCE gradient", "reinforce"),
        ("controls", "leave one", "leave-one-out"),
        ("regressions", "Logistic Regression", "logistic"),
        ("likelihoods", "continuous", "continuous-bernoulli"),
    ],
)
def test_a_short_name_that_fits_one(room, short, name):
    assert find(short, ROOMS[room]) == name


@pytest.mark.parametrize(
    ("room", "text"),
    [("gradients", "re"), ("families", "f"), ("families", ""), ("algorithms", "adam"), ("gradients", "score")],
)
def test_a_name_that_fits_none_or_several_is_refused(room, text):
    assert find(text, ROOMS[room]) is None
    assert all(name in unknown(text, ROOMS[room]) for name in ROOMS[room])


@pytest.mark.parametrize("value", [3, None, ["mean-field"], np.zeros(3)])
def test_what_is_no_text_names_nothing(value):
    assert find(value, live.FAMILIES) is None


@pytest.mark.parametrize("value", [np.zeros((500, 500)), (np.zeros((500, 50)), np.ones(500)), "x" * 5000, range(9999)])
def test_a_message_shows_no_whole_value(value):
    assert len(brief(value)) < 120


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ("taut.LogisticRegression", "taut.models.LogisticRegression"),
        ("taut.MeanField", "taut.families.MeanField"),
        ("taut.familes", "taut.families"),
        ("taut.load_images", "taut.data.load_images"),
        ("taut.page", "taut.report.page"),
        ("taut.models.LogisticRegresion", "taut.models.LogisticRegression"),
        ("taut.models.MLP", "taut.networks.MLP"),
        ("taut.families.Normal", "taut.models.Normal"),
        ("taut.gradients.REINFORCE", "taut.gradients.Reinforce"),
        ("taut.objectives.ELBO", "taut.objectives.Elbo"),
        ("taut.data.load_image", "taut.data.load_images"),
        ("taut.report.tabel", "taut.report.table"),
        ("taut.algorithms.natural_gradient", "taut.algorithms.NaturalGradient"),
        ("taut.diagnostics.evalute", "taut.diagnostics.evaluate"),
    ],
)
def test_an_attribute_that_is_elsewhere_or_misspelt(place, meant):
    *rooms, name = place.split(".")[1:]
    room = getattr(taut, rooms[0]) if rooms else taut
    with pytest.raises(AttributeError, match=f"Did you mean {meant}\\?"):
        getattr(room, name)


@pytest.mark.parametrize("name", ["xyzzy", "_repr_html_", "__wrapped__"])
def test_what_is_like_nothing_gets_no_suggestion(name):
    with pytest.raises(AttributeError, match=f"taut has no attribute '{name}'.$"):
        getattr(taut, name)
    assert not hasattr(taut, name)


def test_every_public_name_is_found_from_everywhere():
    for place in public():
        room, _, name = place.rpartition(".")
        owner = taut if room == "taut" else getattr(taut, room.partition(".")[2])
        assert hasattr(owner, name), place
        assert name in suggestion("taut.elsewhere", name)

"""How gradient estimators are drawn: every public one can be told from all others."""

from taut.gradients import estimators
from taut.report.figures.estimator_looks import ELSEWHERE, looks


def test_every_public_estimator_has_a_look_of_its_own():
    labels = sorted({estimator.label for estimator in estimators()})
    seen = looks(labels)
    assert ELSEWHERE not in seen
    assert len({(look.colour, look.line) for look in seen}) == len(labels)
    assert len({(look.colour, look.marker) for look in seen}) == len(labels)  # a plot of points has no lines


def test_an_estimator_from_elsewhere_has_one_as_well():
    assert looks(["their own"]) == [ELSEWHERE]

"""How well a regression predicts, on its own rows and on each row left out."""

import numpy as np

from taut.report.scores import MEASURES
from taut.report.sections.base import NEEDS_DATA, Content, left_out, section
from taut.report.subjects.regression import RegressionSubject
from taut.report.words.numbers import count

MEANINGS = (
    "nats a row, less is better",
    "mean squared error of the probability, less is better",
    "share of pairs of rows with different labels that are in the right order",
    "share of rows whose more probable label is theirs",
)


@section("How well it predicts", RegressionSubject)
def scores(subject: RegressionSubject) -> Content | None:
    """Four measures in two columns, where the regression predicts probabilities and the data are known."""
    if not subject.predicts_probabilities:
        return None
    if subject.evidence is None:
        return left_out(NEEDS_DATA)
    found = subject.evidence.scores
    if found is None:
        return None
    scored, rows, unreliable = (int(n) for n in found.counts)
    return {
        "scored": count(scored, "row"),
        "drawn": "" if scored == rows else f", drawn at random from {rows:,}",
        "unreliable": unreliable,
        "lines": list(zip(MEASURES, map(_text, found.fitted), map(_text, found.left_out), MEANINGS, strict=True)),
    }


def _text(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else "not defined"

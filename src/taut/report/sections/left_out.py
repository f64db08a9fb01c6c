"""Each row left out: how well the others predict it."""

import numpy as np

from taut.report.figures import left_out as figures
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject
from taut.report.words.numbers import label

WORST = 5
"""Rows, and groups of each factor, that are named."""


@section("Rows left out", FormulaSubject, figures=("left_out",))
def left_out(subject: FormulaSubject) -> Content | None:
    """The total, the rows that are predicted worst, and the groups whose rows are."""
    found = subject.left_out
    worst = np.argsort(found.elpd)[:WORST]
    return {
        "sentence": found.sentence,
        "effective": f"{found.p_eff.sum():.1f}",
        "rows": [(f"row {i + 1:,}", 1, found.elpd[i]) for i in worst],
        "groups": _groups(subject, found.elpd),
        "doubted": int(np.sum(~found.good)),
        "figure": Lines.of(figures.left_out, found),
    }


def _groups(subject: FormulaSubject, elpd: np.ndarray) -> list[tuple[str, int, float]]:
    """Of each factor the group whose rows are predicted worst on average: name, rows, nats a row."""
    lines = []
    seen: set[str] = set()
    for group, index in zip(subject.fit.model.prior.groups, subject.fit.data["index"], strict=True):
        if group.name in seen:
            continue
        seen.add(group.name)
        counts = np.bincount(index, minlength=len(group.levels))
        mean = np.bincount(index, elpd, len(group.levels)) / np.maximum(counts, 1)
        mean[counts == 0] = np.inf
        worst = int(np.argmin(mean))
        lines.append((f"{label(group.name)} {label(group.levels[worst])}", int(counts[worst]), float(mean[worst])))
    return lines

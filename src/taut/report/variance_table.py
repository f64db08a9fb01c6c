"""Sds and correlations of the groups, and the likelihood's own parameters, as they are shown."""

import dataclasses
import functools

import numpy as np

from taut.models.hierarchy import Hierarchy
from taut.models.partial_correlations import correlation_root
from taut.report.posterior_table import LEVEL, Entry
from taut.report.words import numbers as words
from taut.results.formula import FormulaFit

NEAR_ZERO = 0.1
"""Lower end of an interval, as a share of the mean, below which an sd is hardly told from zero: its density there is
then about a third of its largest, or more."""


@dataclasses.dataclass(frozen=True)
class Variance:
    """One line.

    Attributes:
        entry: As `fit.variances()` has it: for effects of coded columns.
        own: For one unit of the table's columns; None where that is the same.
        remark: What is to be known of it, "" for nothing.
    """

    entry: Entry
    own: Entry | None
    remark: str


def variance_lines(fit: FormulaFit) -> list[Variance]:
    """All lines of a fit, in the order of `fit.variances()`."""
    sds = {name for group in fit.model.prior.groups for name in group.names[: len(group.terms)]}
    own = _own_scale(fit)
    lines = []
    for line in fit.variances(LEVEL).to_dicts():
        entry = Entry(**line, p_positive=None)
        near = entry.name in sds and entry.lower < NEAR_ZERO * entry.mean
        remark = "the data hardly tell this sd from zero" if near else ""
        lines.append(Variance(entry, own.get(entry.name), remark))
    return lines


def _own_scale(fit: FormulaFit) -> dict[str, Entry]:
    """Sds and correlations for one unit of the table's columns, by name, of the group terms where these differ."""
    found = {}
    for k, (group, scale) in enumerate(zip(fit.model.prior.groups, fit.design.group_raw_scales(), strict=True)):
        if np.allclose(scale.matrix, np.eye(len(group.terms))):
            continue
        columns = fit.of_scales(functools.partial(_in_own_units, fit.model.prior, k, scale.matrix)).columns(LEVEL)
        for m, name in enumerate(group.names):
            found[name] = Entry(name, **{c: float(x[m]) for c, x in columns.items()}, p_positive=None)
    return found


def _in_own_units(prior: Hierarchy, k: int, A: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Sds and correlations `[S, M]` of A u, for effects u of the group term k at draws of z."""
    group, parts = prior.groups[k], prior.parts(np.asarray(z, float))
    q = len(group.terms)
    root = np.zeros((len(z), q, q))
    for i, row in enumerate(correlation_root(parts.partial[k], q, np)):
        root[:, i, : i + 1] = np.stack(row, 1) * np.exp(parts.log_sds[k][:, i, None])
    S = A @ root @ root.swapaxes(1, 2) @ A.T
    sds = np.sqrt(np.einsum("sii->si", S))
    return np.column_stack([sds, *(S[:, i, j] / (sds[:, i] * sds[:, j]) for i, j in group.pairs)])


def remarks(lines: list[Variance]) -> list[str]:
    """What is to be known, as sentences."""
    return [f"{words.printable(line.entry.name)}: {line.remark}." for line in lines if line.remark]

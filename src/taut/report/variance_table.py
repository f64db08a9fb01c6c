"""Sds and correlations of the groups, and the likelihood's own parameters, as they are shown."""

import dataclasses
import functools

import numpy as np

from taut.models.hierarchy import Hierarchy
from taut.models.partial_correlations import correlation_root
from taut.report.posterior_table import LEVEL, Entry
from taut.report.words import numbers as words
from taut.results.formula import FormulaFit
from taut.results.scales import SHARE as SHARES

NEAR_ZERO = 0.1
"""Lower end of an interval, as a share of the mean, below which an sd is hardly told from zero: its density there is
then about a third of its largest, or more."""

SHARE = "Share: part of the variance of intercepts and residual together (the intraclass correlation){}."
"""What the share of an sd is."""
AT = ", for a row whose columns with slopes by group are at their means or first levels"
"""Where it is so, if slopes vary."""


@dataclasses.dataclass(frozen=True)
class Variance:
    """One line.

    Attributes:
        entry: As `fit.variances()` has it: for effects of coded columns.
        own: For one unit of the table's columns; None where that is the same.
        share: Mean and ends of the interval of its share of the variance; None where it has none.
        remark: What is to be known of it, "" for nothing.
    """

    entry: Entry
    own: Entry | None
    share: tuple[float, float, float] | None
    remark: str

    @property
    def share_words(self) -> str:
        """The share with its interval; "" where there is none."""
        if self.share is None:
            return ""
        mean, lower, upper = (f"{100 * x:.0f}" for x in self.share)
        return f"{mean} % ({lower} to {upper})".replace(" %", "\N{NARROW NO-BREAK SPACE}%")


def variance_lines(fit: FormulaFit) -> list[Variance]:
    """All lines of a fit, in the order of `fit.variances()`."""
    sds = {name for group in fit.model.prior.groups for name in group.names[: len(group.terms)]}
    own = _own_scale(fit)
    lines = []
    for line in fit.variances(LEVEL).to_dicts():
        share = tuple(line.pop(name) for name in SHARES)
        entry = Entry(**line, p_positive=None)
        near = entry.name in sds and entry.lower < NEAR_ZERO * entry.mean
        doubt = f"the verdict calls it {entry.trust}" if entry.doubtful else ""
        remark = "; ".join(filter(None, ("the data hardly tell this sd from zero" if near else "", doubt)))
        lines.append(Variance(entry, own.get(entry.name), None if share[0] is None else share, remark))
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
    slopes = any(line.entry.name.startswith("cor(") or line.own for line in lines)
    shared = [SHARE.format(AT if slopes else "")] if any(line.share for line in lines) else []
    return shared + [f"{words.printable(line.entry.name)}: {line.remark}." for line in lines if line.remark]

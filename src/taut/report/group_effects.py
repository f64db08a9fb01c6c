"""Effects of groups, sorted, one list for each factor and term."""

import dataclasses

from taut.report.posterior_table import Entry
from taut.results.formula import FormulaFit


@dataclasses.dataclass(frozen=True)
class GroupEffects:
    """The effects of one term in all groups of a factor, the largest first.

    Attributes:
        factor: Name of the grouping factor.
        term: Name of the column whose effect varies.
        entries: One for each group, called as the group is.
    """

    factor: str
    term: str
    entries: list[Entry]

    @property
    def name(self) -> str:
        """Factor and term, as in the name of its sd."""
        return f"{self.factor}:{self.term}"

    def extremes(self, most: int) -> tuple[list[Entry], list[Entry]]:
        """The first and the last of the list, at most `most` in all; all in the first where there are no more."""
        if len(self.entries) <= most:
            return self.entries, []
        above = most - most // 2
        return self.entries[:above], self.entries[len(self.entries) - (most - above) :]


def group_effects(fit: FormulaFit) -> list[GroupEffects]:
    """All of a fit, in the order of the formula."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for line in fit.groups().to_dicts():
        key = line.pop("group"), line.pop("term")
        found.setdefault(key, []).append(Entry(name=line.pop("level"), **line))
    return [GroupEffects(*key, sorted(entries, key=lambda e: -e.mean)) for key, entries in found.items()]

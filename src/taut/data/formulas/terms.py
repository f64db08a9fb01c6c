"""Terms: products of components, and the columns of the design that they become."""

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from taut.core.schema import FLAG, TEXT, each, entries
from taut.data.formulas.component import Component

RECORD = entries({"name": TEXT, "components": each(TEXT), "full": each(FLAG)})
INTERCEPT = "Intercept"


class Term(NamedTuple):
    """A product of components; the intercept has none.

    Attributes:
        name: as in the formula.
        components: their names.
        full: of each, whether it has a column for every level.
    """

    name: str
    components: tuple[str, ...] = ()
    full: tuple[bool, ...] = ()

    def names(self, components: Mapping[str, Component]) -> tuple[str, ...]:
        """Names of its columns.

        Example:
            >>> x = Component("x", False, "x", "numeric", (0.0,), (1.0,))
            >>> job = Component("job", False, "job", "categorical", levels=("a", "b", "c"))
            >>> Term("x:job", ("x", "job"), (False, False)).names({"x": x, "job": job})
            ('x:job[b]', 'x:job[c]')
        """
        if not self.components:
            return (INTERCEPT,)
        parts = (components[name].names(full) for name, full in zip(self.components, self.full, strict=True))
        return tuple(":".join(names) for names in product(*parts))

    def coded(self, components: Mapping[str, Component], values: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """Its columns `[n, columns]`: products of the coded columns of its components, not standardised again."""
        found = np.ones((n, 1))
        for name, full in zip(self.components, self.full, strict=True):
            columns = components[name].coded(values[name], full)
            found = (found[:, :, None] * columns[:, None, :]).reshape(n, -1)
        return found

    def to_json(self) -> dict:
        """The term as a dict for `json.dumps`."""
        return self._asdict()

    @classmethod
    def from_json(cls, saved: Any, components: Mapping[str, Component]) -> "Term":
        """Rebuild a term from `to_json`.

        Raises:
            ValueError: not what `to_json` gives, or of components that are not there.
        """
        RECORD.check(saved, "term")
        term = cls(saved["name"], tuple(saved["components"]), tuple(saved["full"]))
        if len(term.components) != len(term.full) or not set(term.components) <= set(components):
            raise ValueError(f"term '{term.name}' is of other components than there are")
        return term


def matrix(
    terms: tuple[Term, ...], components: Mapping[str, Component], values: Mapping[str, np.ndarray], n: int
) -> np.ndarray:
    """The columns of some terms beside each other, `[n, columns]`."""
    return np.hstack([np.zeros((n, 0)), *(term.coded(components, values, n) for term in terms)])


def names(terms: tuple[Term, ...], components: Mapping[str, Component]) -> tuple[str, ...]:
    """Names of the columns of `matrix`."""
    return tuple(name for term in terms for name in term.names(components))

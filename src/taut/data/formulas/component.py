"""One component of the terms: a column or a function of columns, and how its values become columns of the design."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from taut.core.schema import ANYTHING, FINITE, FLAG, POSITIVE, TEXT, each, entries, one_of, whole
from taut.data.formulas.states import check
from taut.data.wording import quoted
from taut.errors import DataError

RECORD = entries(
    {
        "name": TEXT,
        "called": FLAG,
        "label": TEXT,
        "kind": one_of("numeric", "categorical"),
        "shift": each(FINITE),
        "scale": each(POSITIVE),
        "levels": each(TEXT),
        "contrast": one_of("treatment", "sum"),
        "base": whole(),
        "states": each(ANYTHING),
    }
)
"""What `Component.to_json` gives; the states are looked at by `taut.data.formulas.states.check`."""


@dataclass(frozen=True)
class Component:
    """A component, with what was learned of the rows that were fitted.

    A numeric one has columns (value - shift) / scale, with the mean and the population sd of each: also a column of
    zeros and ones, and each column of a polynomial or a spline. The shift is zero where no intercept and no indicators
    of all levels take up the mean. A categorical one has indicators, not standardised.

    Attributes:
        name: of the column, or the call as text.
        called: whether it is a call.
        label: what names of the design's columns begin with: `x` also for `C(x)`.
        kind: "numeric" or "categorical".
        shift: means or zeros, one for each column of a numeric one.
        scale: population standard deviations.
        levels: of a categorical, in order.
        contrast: "treatment", indicators of all levels but one; or "sum", against the mean of the levels.
        base: place of the level without an indicator.
        states: what functions remember.

    Example:
        >>> job = Component("job", False, "job", "categorical", levels=("baker", "clerk", "cook"))
        >>> job.names(full=False), job.coded(np.array(["cook", "baker"], object), full=False).tolist()
        (('job[clerk]', 'job[cook]'), [[0.0, 1.0], [0.0, 0.0]])
    """

    name: str
    called: bool
    label: str
    kind: Literal["numeric", "categorical"]
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    contrast: Literal["treatment", "sum"] = "treatment"
    base: int = 0
    states: tuple[dict, ...] = ()

    def names(self, full: bool) -> tuple[str, ...]:
        """Names of its columns; `full` is whether a categorical has one for each level."""
        if self.kind == "categorical":
            return tuple(f"{self.label}[{level}]" for level in self.contrasts(full)[1])
        if len(self.shift) == 1:
            return (self.label,)
        return tuple(f"{self.label}[{j}]" for j in range(len(self.shift)))

    def contrasts(self, full: bool) -> tuple[np.ndarray, tuple[str, ...]]:
        """What each level is coded as, `[levels, columns]`, and the names of the columns, by formulae."""
        from formulae.categorical import Sum, Treatment

        coding = {"treatment": Treatment, "sum": Sum}[self.contrast](self.levels[self.base])
        matrix = (coding.code_with_intercept if full else coding.code_without_intercept)(list(self.levels))
        return matrix.matrix.astype(float), tuple(matrix.labels)

    def coded(self, values: np.ndarray, full: bool) -> np.ndarray:
        """Its columns `[n, columns]` of values, `[n, columns]` numbers or `[n]` text.

        Raises:
            DataError: levels that were not there to learn from.
        """
        if self.kind == "numeric":
            return (values - np.array(self.shift)) / np.array(self.scale)
        place = {level: i for i, level in enumerate(self.levels)}
        distinct, where = np.unique(values.astype(str), return_inverse=True)
        if unseen := [level for level in distinct.tolist() if level not in place]:
            raise DataError(
                f"'{self.name}' holds {quoted(unseen)}, which the fit has not seen. It knows "
                f"{quoted(self.levels, 20)}: correct the value, leave the row out, or fit again with it."
            )
        return self.contrasts(full)[0][np.array([place[level] for level in distinct.tolist()])[where]]

    def to_json(self) -> dict:
        """What was learned, as a dict for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Any) -> "Component":
        """Rebuild a component from `to_json`.

        Raises:
            ValueError: not what `to_json` gives.
        """
        RECORD.check(saved, "component")
        check(saved["states"])
        lists = {name: tuple(saved[name]) for name in ("shift", "scale", "levels", "states")}
        component = cls(**{name: saved[name] for name in RECORD_NAMES} | lists)
        if component.kind == "categorical" and not component.base < len(component.levels) >= 2:
            raise ValueError(f"component '{component.name}' has fewer than two levels, or no base among them")
        if len(component.shift) != len(component.scale):
            raise ValueError(f"component '{component.name}' has more means than sds, or fewer")
        from taut.data.tables.design import MOST_SHIFTED  # Polars is loaded when it is needed

        if any(abs(m) > MOST_SHIFTED * s for m, s in zip(component.shift, component.scale, strict=True)):
            raise ValueError(f"component '{component.name}' has a mean beside which its sd is rounding")
        return component


RECORD_NAMES = tuple(Component.__dataclass_fields__)


def spelt(value: Any) -> str:
    """A value as a level's name: whole numbers without a point, true and false in small letters.

    Example:
        >>> [spelt(value) for value in (95.0, True, "a", 0.5)]
        ['95', 'true', 'a', '0.5']
    """
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)

"""What a formula may call. Nothing else can be reached from one: no name of the caller's, no attribute, no module."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from formulae.categorical import Sum, Treatment
from formulae.environment import Environment
from formulae.transforms import TRANSFORMS, I

from taut.data.formulas.component import spelt

ONE = (
    *("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "sign", "floor", "ceil"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
)
ARGUMENTS = dict.fromkeys(ONE, (1,)) | {"round": (1, 2), "minimum": (2,), "maximum": (2,), "where": (3,)}
"""How many arguments the functions of numpy take here. More would be its own, such as an array to write into."""
STATEFUL = ("center", "scale", "standardize", "poly", "bs", "cr", "cc", "tp")
"""formulae's functions that remember what they saw of the rows that were fitted."""
CATEGORICAL = ("C", "S", "T")
PROPORTIONS = ("p", "prop", "proportion")
LEFT = (*PROPORTIONS, "censored")
"""Functions that say what the response is."""
ELSEWHERE = {
    **dict.fromkeys(("factor", "as.factor", "as_factor"), "C(x)"),
    **{"ns": "cr(x, df=4)", "s": "cr(x, df=9) or tp(x, df=9)", "hsgp": "cr(x, df=9) or tp(x, df=9)"},
    **{"cbind": "successes / trials", "trials": "successes / trials", "Surv": "censored(time, event)"},
    **{"cens": "censored(time, event)", "ln": "log(x)", "pow": "I(x**2)", "ifelse": "where(x > 0, x, 0)"},
}
"""How functions of other tools are written here."""


class Categories(NamedTuple):
    """Values that a formula takes as categories.

    Attributes:
        values: `[n]` text.
        contrast: formulae's coding.
        levels: in order, where they were said.
    """

    values: np.ndarray
    contrast: Treatment | Sum
    levels: list[str] | None


def as_text(values: Any) -> np.ndarray:
    """Values as names of levels, `[n]`."""
    array = np.asarray(values)
    if array.dtype.kind in "fiub":  # the few that differ are spelt once
        distinct, place = np.unique(array, return_inverse=True)
        return np.array([spelt(value) for value in distinct.tolist()], object)[place]
    return np.array([spelt(value) for value in array.tolist()], object)


def C(data: Any, contrast: Any = None, levels: Any = None) -> Categories:
    """Values as categories."""
    if isinstance(data, Categories):
        contrast = data.contrast if contrast is None else contrast
        levels, data = data.levels if levels is None else levels, data.values
    contrast = Treatment if contrast is None else contrast
    contrast = contrast() if isinstance(contrast, type) else contrast
    if not isinstance(contrast, Treatment | Sum):
        raise ValueError("its coding is Treatment or Sum")
    if np.ndim(data) != 1:
        raise ValueError("its first argument is a column")
    return Categories(as_text(data), contrast, None if levels is None else [spelt(level) for level in levels])


def S(data: Any, omit: Any = None, levels: Any = None) -> Categories:
    """Categories against the mean of their levels."""
    return C(data, Sum(omit), levels)


def T(data: Any, ref: Any = None, levels: Any = None) -> Categories:
    """Categories against the level `ref`."""
    return C(data, Treatment(ref), levels)


def binary(x: Any, success: Any = None) -> np.ndarray:
    """Whether values are one level."""
    if success is None:
        raise ValueError("say which level counts, as in binary(x, 'yes')")
    return as_text(x) == spelt(success)


def c(*values: Any) -> list:
    """A list, of levels or knots."""
    return list(values)


def _of_numpy(name: str) -> Any:
    function, counts = getattr(np, name), ARGUMENTS[name]

    def called(*values):
        if len(values) not in counts:
            raise ValueError(f"{name} takes {' or '.join(map(str, counts))} argument{'s' * (counts[-1] > 1)}")
        return function(*values)

    return called


FUNCTIONS = {
    **{name: _of_numpy(name) for name in ARGUMENTS},
    **{name: TRANSFORMS[name] for name in STATEFUL},
    "I": I,
    **{"C": C, "S": S, "T": T, "B": binary, "binary": binary, "c": c},
}
CODINGS = {"Treatment": Treatment, "Sum": Sum}
ENVIRONMENT = Environment(
    [FUNCTIONS, CODINGS, {"np": SimpleNamespace(**{name: FUNCTIONS[name] for name in ARGUMENTS})}]
)
"""Where formulae looks for what it calls."""
CALLABLE = {*FUNCTIONS, *CODINGS, *(f"np.{name}" for name in ARGUMENTS)}
KNOWN = sorted({*FUNCTIONS, "offset"}, key=str.lower)
"""What messages list."""

"""What formulae's functions remember of the rows that were fitted, as plain numbers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from taut.core.schema import FINITE, FLAG, POSITIVE, Kept, each, entries, maybe, one_of, whole

ANY_EXTRAPOLATION = Kept("true, false or periodic", lambda x: isinstance(x, bool) or x == "periodic")
VECTOR, MATRIX = each(FINITE), each(each(FINITE))


class Codec(NamedTuple):
    """How an attribute becomes JSON.

    Attributes:
        pack: to JSON.
        unpack: and back.
        kept: what JSON must hold.
    """

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]
    kept: Kept


def _packed_spline(spline: Any) -> dict:
    return {"c": spline.c.tolist(), "x": spline.x.tolist(), "extrapolate": spline.extrapolate}


def _unpacked_spline(saved: dict) -> Any:
    from scipy.interpolate import PPoly  # loading a fit does not wait for it

    return PPoly(np.array(saved["c"], float), np.array(saved["x"], float), extrapolate=saved["extrapolate"])


NUMBER = Codec(float, float, FINITE)
WIDTH = Codec(float, float, POSITIVE)
SWITCH = Codec(bool, bool, FLAG)
DEGREE = Codec(int, int, whole(0, 100))
ARRAY = Codec(lambda a: np.asarray(a, float).tolist(), lambda a: np.array(a, float), VECTOR)
CENTRING = Codec(
    lambda a: None if a is None else a.tolist(), lambda a: None if a is None else np.array(a, float), maybe(MATRIX)
)
MAP = Codec(CENTRING.pack, CENTRING.unpack, MATRIX)
BY_DEGREE = Codec(lambda d: [float(d[k]) for k in sorted(d)], lambda d: dict(enumerate(d)), VECTOR)
SPLINE = Codec(
    _packed_spline,
    _unpacked_spline,
    entries({"c": each(MATRIX), "x": VECTOR, "extrapolate": ANY_EXTRAPOLATION}),
)
ATTRIBUTES = {
    "center": {"mean": NUMBER},
    "scale": {"mean": NUMBER, "std": WIDTH},
    "standardize": {"mean": NUMBER, "std": WIDTH},
    "poly": {"degree": DEGREE, "raw": SWITCH, "alpha": BY_DEGREE, "norms2": BY_DEGREE},
    "bs": {"_center": SWITCH, "_centering_matrix": CENTRING, "_degree": DEGREE, "_knots": ARRAY},
    "cr": {
        **{"_lower_bound": NUMBER, "_upper_bound": NUMBER, "_center": SWITCH},
        **{"_centering_matrix": CENTRING, "_spline": SPLINE},
    },
    "cc": {
        **{"_lower_bound": NUMBER, "_period": WIDTH, "_center": SWITCH},
        **{"_centering_matrix": CENTRING, "_spline": SPLINE},
    },
    "tp": {
        **{"_center": SWITCH, "_shift": NUMBER, "_scale": WIDTH, "_sites": ARRAY},
        **{"_radial_map": MAP, "_centering_matrix": CENTRING},
    },
}
"""What each function needs to compute new rows, by its name in a formula."""
RECORD = entries({"function": one_of(*ATTRIBUTES)})


def check(states: Any) -> None:
    """Refuse what `taut.data.formulas.memory.packed` does not give.

    Raises:
        ValueError: naming the entry.
    """
    each(RECORD).check(states, "states")
    for state in states:
        entries({name: kind.kept for name, kind in ATTRIBUTES[state["function"]].items()}).check(state, "states")

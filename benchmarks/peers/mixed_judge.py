"""The judge of `mixed.py`: how far an answer is from the reference posterior. It knows none of the entrants."""

import re
from typing import Any

import numpy as np

SCALE = re.compile(r"(sd|cor)\(|(sigma|phi|nu)$")


def is_scale(name: str) -> bool:
    """Whether a parameter is a group sd, a correlation or the likelihood's own, and no fixed effect or threshold."""
    return SCALE.match(name) is not None


def judge(reference: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Errors of means in reference sds and ratios of sds, over fixed effects, scales and group effects.

    A part has `error`, the largest one, `at`, its name, and `sd`, the least and the largest ratio, or None where the
    tool gives no sd. `missing` are names of the reference that the answer has not.
    """
    given = {name.replace("**", "^"): values for name, values in answer["parameters"].items()}
    parts: dict[str, dict[str, Any]] = {"fixed": {}, "scales": {}}
    missing = []
    for name, mean, sd in zip(reference["names"], reference["mean"], reference["sd"], strict=True):
        if name not in given:
            missing.append(name)
            continue
        value, own = given[name]
        parts["scales" if is_scale(name) else "fixed"][name] = ((value - mean) / sd, None if own is None else own / sd)
    judged = {key: worst(part) for key, part in parts.items()}
    judged["each"] = {name: pair for part in parts.values() for name, pair in part.items()}
    judged["groups"] = worst(of_groups(reference["group_effects"], answer["groups"], missing))
    return judged | {"missing": missing}


def of_groups(
    reference: dict[str, Any], given: dict[str, Any], missing: list[str]
) -> dict[str, tuple[float, float | None]]:
    """Error and ratio of each group effect, by factor, level and term."""
    found = {}
    for factor, truth in reference.items():
        own = given.get(factor)
        if own is None:
            missing.append(f"effects of {factor}")
            continue
        place = {(level, term.replace("**", "^")): at for level, term, at in places(own)}
        for level, term, at in places(truth):
            here = place.get((level, term))
            if here is None:
                missing.append(f"{factor}[{level}]:{term}")
                continue
            sd = truth["sd"][at[0]][at[1]]
            error = (own["mean"][here[0]][here[1]] - truth["mean"][at[0]][at[1]]) / sd
            ratio = None if own["sd"] is None else own["sd"][here[0]][here[1]] / sd
            found[f"{factor}[{level}]:{term}"] = (error, ratio)
    return found


def places(table: dict[str, Any]) -> list[tuple[str, str, tuple[int, int]]]:
    """(level, term, place) of each effect."""
    return [(str(v), t, (i, j)) for i, v in enumerate(table["levels"]) for j, t in enumerate(table["terms"])]


def worst(part: dict[str, tuple[float, float | None]]) -> dict[str, Any] | None:
    """The largest error and the range of the ratios; None of nothing. A NaN is the largest error of all."""
    if not part:
        return None
    at = max(part, key=lambda name: np.nan_to_num(abs(part[name][0]), nan=np.inf))
    ratios = [ratio for _, ratio in part.values() if ratio is not None]
    return {"error": abs(part[at][0]), "at": at, "sd": [min(ratios), max(ratios)] if ratios else None}


def reached(judged: dict[str, Any]) -> bool:
    """Within 0.1 sd and 10 % for parameters and 0.15 sd for group effects, with nothing missing."""
    if judged["missing"]:
        return False
    for key, most in (("fixed", 0.1), ("scales", 0.1), ("groups", 0.15)):
        part = judged[key]
        if part is None:
            continue
        right_sd = key == "groups" or (part["sd"] is not None and part["sd"][0] >= 0.9 and part["sd"][1] <= 1.1)
        if not (part["error"] <= most and right_sd):
            return False
    return True

"""What became of a table by a formula, in words."""

from collections import Counter

from taut.data.formulas.design import FormulaData
from taut.data.wording import listing, quoted

MOST = 50


def facts(data: FormulaData) -> dict[str, str]:
    """Rows, categories, groups and columns in words, by what they are about; what is not worth a word is absent.

    Example:
        >>> import polars as pl
        >>> from taut.data import prepare_formula
        >>> table = pl.DataFrame({"y": [1, 2, 4, 3], "job": ["a", "b", "a", "b"], "g": ["u", "u", "v", "v"]})
        >>> found = facts(prepare_formula("y ~ job + (1 | g)", table))
        >>> found["categories"], found["groups"]
        ("'job' became 1 column, against 'a'", "'g' has 2 groups, of 2 rows each")
    """
    design, rows, used = data.design, data.rows, int(data.rows.kept.sum())
    left_out = [f"{count} without {reason}" for reason, count in data.left_out if count]
    found = {
        "formula": design.formula,
        "rows": listing([f"{len(rows.kept)} read", f"{used} used", *left_out]),
        "categories": listing(_categories(data), MOST),
        "groups": listing(_groups(data), MOST),
        "interactions": _alone(design.raw_scale().left),
        "offset": listing((quoted([offset.name]) for offset in design.offsets), MOST),
        "columns left out": quoted(data.unused, MOST),
    }
    if data.weights is not None:
        w = data.weights
        found["weights"] = f"from {w.min():g} to {w.max():g}, {w.sum():g} in all"
    return {about: words for about, words in found.items() if words}


def _alone(left: tuple[str, ...]) -> str:
    """What is to be known of interactions whose main effects are not in the formula."""
    if not left:
        return ""
    return f"{quoted(left)} without main effects: the zero of a number in them is its mean"


def _categories(data: FormulaData) -> list[str]:
    """How many columns each categorical became, and the level that they are compared with."""
    found = []
    for component in data.design.components:
        if component.kind == "categorical":
            n = len(component.levels) - 1
            base = f"'{component.levels[component.base]}'" if component.contrast == "treatment" else "the mean of all"
            found.append(f"'{component.label}' became {n} column{'s' * (n > 1)}, against {base}")
    return found


def _groups(data: FormulaData) -> list[str]:
    """How many groups each factor has, and of how many rows."""
    found = {}
    for group in data.rows.groups:
        sizes = Counter(group.index.tolist()).values()
        least, most = min(sizes), max(sizes)
        size = f"of {least} rows each" if least == most else f"of {least} to {most} rows"
        found[group.name] = f"'{group.name}' has {len(group.levels)} groups, {'of 1 row each' if most == 1 else size}"
    return list(found.values())

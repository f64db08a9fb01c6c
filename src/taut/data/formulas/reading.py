"""A formula and its table as the rows of a `MixedModel`."""

from typing import Any, NamedTuple

import numpy as np

from taut.data.formulas.design import FormulaData
from taut.data.formulas.every_column import prepare_columns
from taut.data.formulas.exact import EXACT, residual_of_exact
from taut.data.formulas.facts import facts
from taut.data.formulas.learning import prepare_formula
from taut.data.formulas.observed import Observed, observed
from taut.data.formulas.priors import hierarchy
from taut.data.formulas.terms import INTERCEPT
from taut.data.given import Given, Rows
from taut.data.tables.choices import ASSUMED
from taut.data.wording import quoted
from taut.errors import ArgumentError, DataError
from taut.models.mixed import MixedModel
from taut.models.regression import Regression


class Prepared(NamedTuple):
    """What a formula made of a table, with its response as the likelihood takes it.

    Attributes:
        data: the formula and its rows.
        seen: the response.
    """

    data: FormulaData
    seen: Observed


FEW = 10
"""Most different whole numbers of a column that are remarked upon as possible codes."""


def formula_rows(model: Regression, given: Given) -> Rows:
    """Learn the formula of the table, or all columns of X, find the likelihood, and state the priors.

    Raises:
        DataError: what is wrong with the table.
        ArgumentError: what is wrong with the formula, the likelihood or the priors.
    """
    data, seen = given.data if isinstance(given.data, Prepared) else _prepared(model, given)
    if seen.likelihood.outputs > 1 and data.rows.groups:
        raise ArgumentError(
            f"The {seen.likelihood.name} likelihood has a predictor for each level, and group terms for these are not "
            "there yet: leave the group terms out, or fit level against level with 'response[\"level\"] ~ ...'."
        )
    X, columns = _with_intercept(data, seen)
    exact = residual_of_exact(X, data.rows.offset, seen, data.weights)
    prior = hierarchy(data.design, columns, data.rows.groups, seen, model.prior, exact)
    labels = tuple(str(x) for x in seen.labels.levels[1:]) if seen.likelihood.outputs > 1 else ()  # type: ignore[union-attr]
    mixed = MixedModel(prior, seen.likelihood, data.design.formula, columns, labels)
    said = facts(data) | _said(seen, data.design.response.name, _few_numbers(data)) | {name: EXACT for name in exact}
    return Rows(
        arrays(X, data.rows.offset, data.rows.groups, seen.y),
        data.weights,
        facts=said,
        model=mixed,
        design=data.design,
        labels=seen.labels,
        columns=data.rows.columns,
    )


def _prepared(model: Regression, given: Given) -> Prepared:
    if given.data is None:
        raise DataError(
            "A regression needs data: taut.fit(Regression(formula), frame) or taut.fit(Regression(), (X, y))."
        )
    options = {
        "missing": given.missing,
        "weights": given.sample_weight,
        "columns": ASSUMED if given.columns is None else given.columns,
    }
    if model.formula is None:
        data = prepare_columns(given.data, **options)
    else:
        data = prepare_formula(model.formula, given.data, **options)
    response = data.rows.response
    assert response is not None  # it was learned from
    return Prepared(data, observed(response, model.likelihood, given.positive, data.weights))


def arrays(X: np.ndarray, offset: np.ndarray | None, groups: Any, y: Any) -> dict[str, Any]:
    """Rows as a `MixedModel` takes them; a group that was not there to learn from adds nothing."""
    return {
        "X": X,
        "offset": np.zeros(len(X)) if offset is None else offset,
        "index": tuple(np.maximum(group.index, 0).astype(np.int32) for group in groups),
        "Z": tuple(np.where(group.index[:, None] < 0, 0.0, group.Z) for group in groups),
        "y": y,
    }


def _with_intercept(data: FormulaData, seen: Observed) -> tuple[np.ndarray, tuple[str, ...]]:
    """X and its columns; thresholds need an intercept, which then is minus the first of them."""
    X, names = data.rows.X, data.design.names
    if seen.likelihood.intercept or data.design.intercept:
        return X, names
    return np.column_stack([np.ones(len(X)), X]), (INTERCEPT, *names)


def _few_numbers(data: FormulaData) -> str:
    """What is to be said of columns of few whole numbers, which may be codes of categories; "" for nothing.

    Zeros and ones are the same either way.
    """
    found = []
    for component in data.design.components:
        if component.kind != "numeric" or component.called or component.name not in data.design.names:
            continue
        column = data.rows.X[:, data.design.names.index(component.name)]
        values = np.unique(np.round(component.shift[0] + component.scale[0] * column, 9))
        if 2 < len(values) <= FEW and np.all(values == np.round(values)):
            found.append(component.name)
    if not found:
        return ""
    one = len(found) == 1
    return (
        f"{quoted(found)} {'holds' if one else 'hold'} few whole numbers and {'is' if one else 'are'} taken as "
        f"{'a number' if one else 'numbers'}; C({found[0]}) in the formula makes categories of them."
    )


def _said(seen: Observed, name: str, few: str = "") -> dict[str, str]:
    """The likelihood and what the response holds, in words."""
    found = "" if seen.why == "given" else f", because {seen.why}"
    number = {1: "a number"}.get(len(seen.likelihood.parts), " and ".join(seen.likelihood.parts))
    target = f"'{name}', {number}" if seen.labels is None else f"'{name}': {seen.labels.in_words}"
    said = {"likelihood": f"{seen.likelihood.name}{found}", "target": target}
    remarks = " ".join(filter(None, (seen.remark, few)))
    return said | ({"remarks": remarks} if remarks else {})

"""A table `(X, y)` as the rows of a regression."""

from taut.data.given import Given, Rows, checked_weights
from taut.data.tables.supervised import Supervised, prepare
from taut.errors import ArgumentError, DataError
from taut.models.regression import Regression


def table_rows(model: Regression, given: Given) -> Rows:
    """The design matrix and the target; data that are prepared already pass through.

    Raises:
        DataError: Data that are no pair `(X, y)`, or that `prepare` refuses.
        ArgumentError: Another word for `missing` than "refuse" or "drop".
    """
    table = _prepared(model, given)
    weights = checked_weights(given.sample_weight, table.kept.size)
    weights = None if weights is None else weights[table.kept]
    return Rows((table.X, table.y), weights, table, given.validation, given.transform)


def _prepared(model: Regression, given: Given) -> Supervised:
    data = given.data
    if isinstance(data, Supervised):
        return data
    if not (isinstance(data, (tuple, list)) and len(data) == 2):
        kind = type(data).__name__ if data is not None else "nothing"
        raise DataError(f"The data of a {model.name} are a pair (X, y); received {kind}. Call taut.fit(model, (X, y)).")
    if given.missing not in ("refuse", "drop"):
        raise ArgumentError(f"missing={given.missing!r}: 'refuse' or 'drop'.")
    return prepare(
        *data,
        standardise=model.standardise,
        intercept=model.intercept,
        missing=given.missing,
        positive=given.positive,
        target=model.target,
    )

"""A table `(X, y)` as the rows of a regression."""

from taut.data.given import Given, Rows
from taut.data.tables.choices import ASSUMED
from taut.data.tables.facts import facts
from taut.data.tables.supervised import Supervised, prepare
from taut.data.weights import checked_weights
from taut.errors import DataError
from taut.models.table_regression import TableRegression


def table_rows(model: TableRegression, given: Given) -> Rows:
    """The design matrix and the target; data that are prepared already pass through.

    Raises:
        DataError: Data that are no pair `(X, y)`, or that `prepare` refuses.
        ArgumentError: Another word for `missing` than "refuse", "drop" or "impute"; a column that is not there.
    """
    table = _prepared(model, given)
    weights = table.weights
    if isinstance(given.data, Supervised) and given.sample_weight is not None:
        received = checked_weights(given.sample_weight, table.kept.size)
        weights = None if received is None else received[table.kept]
    table = table._replace(weights=weights)
    return Rows((table.X, table.y), weights, table, given.validation, given.transform, facts(table))


def _prepared(model: TableRegression, given: Given) -> Supervised:
    data = given.data
    if isinstance(data, Supervised):
        return data
    if not (isinstance(data, (tuple, list)) and len(data) == 2):
        kind = type(data).__name__ if data is not None else "nothing"
        raise DataError(f"The data of a {model.name} are a pair (X, y); received {kind}. Call taut.fit(model, (X, y)).")
    return prepare(
        *data,
        standardise=model.standardise,
        intercept=model.intercept,
        missing=given.missing,
        positive=given.positive,
        target=model.target,
        weights=given.sample_weight,
        columns=ASSUMED if given.columns is None else given.columns,
    )

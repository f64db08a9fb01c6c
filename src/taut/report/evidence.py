"""What the page needs of the data, small enough to be saved with the fit."""

import dataclasses
from typing import Any

import numpy as np

from taut.data import Design
from taut.data.weights import checked_weights
from taut.data.wording import quoted, suggestion
from taut.errors import ArgumentError, DataError, SavedFitError
from taut.report.scores import Scores
from taut.results.regression import RegressionFit

BINS = 10
MOST_POINTS = 2000


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Data of a binary regression, reduced to what calibration and surface show.

    Calibration: the rows are binned by their predictive probability p into ten bins of equal width. Surface: a typical
    row to vary two features of, the range of every column, and the data points in the plane of the two features that
    matter most. C is the number of the design matrix's columns without the intercept, on their original scale.

    Attributes:
        count: `[10]`, rows in each bin.
        positive: `[10]`, how many of them have y = 1.
        predicted: `[10]`, their mean p; NaN in an empty bin.
        typical: `[C]`, medians, and for a category the 0/1 code of its most common level.
        low: `[C]`, smallest values.
        high: `[C]`, largest values.
        features: `[2]`, positions of the two features among the table's columns; empty if there is just one column.
        points: `[n, 2]`, their values (0, 1, ... for levels), at most 2,000 rows drawn at random.
        outcome: `[n]`, y of these rows.
        scores: How well the fit predicts, None where it is not known.

    Example:
        >>> import taut
        >>> X, y = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [3.0, 0.0]]), [0, 0, 1, 1]
        >>> result = taut.fit(taut.models.LogisticRegression(), (X, y))
        >>> evidence = Evidence.gather(result, (X, y))
        >>> evidence.typical.tolist(), evidence.count.sum()
        ([1.5, 0.5], np.int64(4))
    """

    count: np.ndarray
    positive: np.ndarray
    predicted: np.ndarray
    typical: np.ndarray
    low: np.ndarray
    high: np.ndarray
    features: np.ndarray
    points: np.ndarray
    outcome: np.ndarray
    scores: Scores | None = None

    @classmethod
    def gather(cls, fit: RegressionFit, data: Any, features: Any = None) -> "Evidence":
        """Reduce the data of a regression.

        Args:
            fit: The fit of a regression that predicts probabilities.
            data: `(X, y)`, as they were given to `taut.fit`, or `(X, y, sample_weight)`.
            features: Names of two columns of X; by default those that matter most, see `strongest`.

        Raises:
            ArgumentError: the fit predicts no probabilities, or has no such columns.
            DataError: data unlike those of the fit.
        """
        if not has_probabilities(fit):
            raise ArgumentError(f"A {fit.model.name} has no predictive probabilities to show; leave data out.")
        if not (isinstance(data, (tuple, list)) and len(data) in (2, 3)):
            received = type(data).__name__
            raise ArgumentError(
                "The data of a report are the pair (X, y) that was fitted, or (X, y, sample_weight); "
                f"received {received}."
            )
        raw, y, weights = _rows(fit, *data)
        columns = list(zip(fit.design.columns, blocks(fit.design), strict=True))
        chosen = strongest(fit) if features is None else named(fit, features)
        matrix = fit.design.standardised(raw)
        prediction = fit.predict_matrix(matrix)
        seen = np.random.default_rng(fit.seed).permutation(len(y))[:MOST_POINTS]
        points = [_values(raw[seen][:, columns[feature][1]]) for feature in chosen]
        return cls(
            **_calibration(prediction.probability, y, weights),
            typical=np.concatenate([_typical(column.measured, raw[:, block], weights) for column, block in columns]),
            low=raw.min(axis=0),
            high=raw.max(axis=0),
            features=np.array(chosen, int),
            points=np.column_stack(points) if points else np.zeros((0, 2)),
            outcome=y[seen] if points else np.zeros(0),
            scores=Scores.gather(fit, matrix, y),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for an `.npz` file."""
        return {name: getattr(self, name) for name in ARRAYS} | ({} if self.scores is None else self.scores.arrays())

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Evidence | None":
        """The evidence whose `arrays()` were saved; None where there are none of them.

        Raises:
            SavedFitError: a field is missing or of another shape.
        """
        if not any(name in arrays for name in ARRAYS):
            return None
        if missing := [name for name in ARRAYS if name not in arrays]:
            raise SavedFitError(f"The saved data summary lacks {', '.join(missing)}: save the fit again.")
        new = cls(**{name: np.asarray(arrays[name]) for name in ARRAYS}, scores=Scores.from_arrays(arrays))
        points = (len(new.outcome), 2)
        shapes = {
            "count": (BINS,),
            "positive": (BINS,),
            "predicted": (BINS,),
            "low": new.typical.shape,
            "high": new.typical.shape,
            "points": points,
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                found = f"{name} of shape {arrays[name].shape} where {shape} is expected"
                raise SavedFitError(f"The saved data summary has {found}: save the fit again.")
        return new


ARRAYS = tuple(field.name for field in dataclasses.fields(Evidence) if field.name != "scores")
"""Names of the fields that are arrays."""


def has_probabilities(fit: RegressionFit) -> bool:
    """Whether a fit predicts for each row the probability of one of two labels, and how sure it is of it."""
    return {"probability", "sd"} <= set(fit.predicted) and fit.labels is not None


def blocks(design: Design) -> list[slice]:
    """For each source column of the table, its columns in the design matrix, the intercept not counted."""
    ends = np.cumsum([len(column.names) for column in design.columns]).tolist()
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]


def _values(block: np.ndarray) -> np.ndarray:
    """A source column `[n]` from its design columns: itself, or the number of the level (the first has no column)."""
    return block[:, 0] if block.shape[1] == 1 else block @ np.arange(1.0, block.shape[1] + 1)


def strongest(fit: RegressionFit) -> list[int]:
    """The two source columns with the largest |mean| / sd of a standardised coefficient.

    Numeric columns come before all others: a surface over "yes" and "no" is two lines. A categorical counts by its
    strongest level.
    """
    table = fit.summary()
    strength = np.abs(table["mean_standardised"] / table["sd_standardised"])[fit.design.intercept :]
    columns = zip(fit.design.columns, blocks(fit.design), strict=True)
    score = [(column.measured, strength[block].max()) for column, block in columns]
    best = sorted(range(len(score)), key=lambda j: score[j], reverse=True)[:2]
    return best if len(best) == 2 else []


def named(fit: RegressionFit, features: Any) -> list[int]:
    """Positions of two named source columns.

    Raises:
        ArgumentError: not two different names of columns.
    """
    names = [column.name for column in fit.design.columns]
    if isinstance(features, str) or len(features) != 2 or features[0] == features[1]:
        raise ArgumentError(
            f"features={features!r}: the surface needs the names of two different columns, e.g. {tuple(names[:2])}."
        )
    if unknown := [name for name in features if name not in names]:
        raise ArgumentError(
            f"features: the fit has no column {quoted(unknown)}.{suggestion(str(unknown[0]), names)} "
            f"It has {quoted(names, 20)}."
        )
    return [names.index(name) for name in features]


def _rows(
    fit: RegressionFit, features: Any, target: Any, sample_weight: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Encoded rows, 0/1 target and weights of the rows that the fit used.

    These are of a weight above zero, and under missing="drop" lack nothing.
    """
    from taut.data.tables.frames import as_series
    from taut.data.tables.rows import as_rows, take

    (rows, _), values = as_rows(features), as_series(target)
    if len(rows) != len(values):
        raise DataError(f"There are {len(rows)} rows of features and {len(values)} of the target: give one for each.")
    weights = checked_weights(sample_weight, len(rows))
    used = np.ones(len(rows), bool) if weights is None else weights > 0
    if fit.design.missing == "drop":
        used &= values.is_not_null().to_numpy()
        used[used] = fit.design.complete_rows(take(rows, used))
    assert fit.labels is not None
    raw = fit.design.encoded(take(rows, used))
    return raw, fit.labels.encode(values.filter(used)), None if weights is None else weights[used]


def _calibration(p: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> dict[str, np.ndarray]:
    bin_of = np.minimum((p * BINS).astype(int), BINS - 1)
    count, positive, total = (
        np.bincount(bin_of, factor if weights is None else factor * weights, BINS) for factor in (np.ones(len(p)), y, p)
    )
    predicted = np.divide(total, count, out=np.full(BINS, np.nan), where=count > 0)
    if weights is None:
        count, positive = count.astype(int), positive.astype(int)
    return {"count": count, "positive": positive, "predicted": predicted}


def _typical(measured: bool, block: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The median of a number; the code of the most common level (false and true are levels 0 and 1)."""
    weights = np.ones(len(block)) if weights is None else weights
    if measured:
        lower, upper = (
            sign * np.quantile(sign * block, 0.5, axis=0, weights=weights, method="inverted_cdf") for sign in (1, -1)
        )
        return (lower + upper) / 2
    counts = np.append(weights.sum() - weights @ block.sum(axis=1), weights @ block)  # the first level has no column
    return np.eye(len(counts))[counts.argmax()][1:]

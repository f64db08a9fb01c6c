"""How a table of features becomes the matrix of a regression, recorded so that new rows go the same way."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from taut.core.schema import FINITE, FLAG, POSITIVE, SCALAR, TEXT, each, entries, one_of, whole
from taut.data.tables.checks import refuse_infinite, refuse_missing
from taut.data.tables.choices import ASSUMED, Columns
from taut.data.tables.columns import Column
from taut.data.tables.frames import as_frame
from taut.data.tables.kinds import Kind
from taut.data.tables.learned import learn, refuse_repeated
from taut.data.tables.rows import as_rows, encode, present, read, take
from taut.data.weights import checked_weights
from taut.data.wording import quoted
from taut.errors import ArgumentError, DataError, SavedFitError

Missing = Literal["refuse", "drop", "impute"]
MOST_SHIFTED = 1e20
"""Largest ratio of a mean to an sd: a column of which it is larger, in fewer than 1e40 rows, is refused as constant."""
COLUMN = entries(
    {"name": TEXT, "kind": one_of(*get_args(Kind)), "levels": each(TEXT)},
    {"decimal": one_of("", ".", ","), "form": TEXT, "origin": FINITE, "fill": SCALAR, "of": TEXT},
)
RECORD = entries(
    {
        "columns": each(COLUMN),
        "shift": each(FINITE),
        "scale": each(POSITIVE),
        "standardise": FLAG,
        "intercept": FLAG,
        "missing": one_of(*get_args(Missing)),
        "dropped": whole(),
        "named": FLAG,
    }
)
"""What `Design.to_json` gives."""


@dataclass(frozen=True)
class Design:
    """The way from a table of features to the matrix X `[n, D]`, learned once and used for every later table.

    A numeric column stays as it is, true/false becomes 1/0, a categorical becomes one 0/1 column for each of
    its levels but the first. Then every column c is standardised with the moments of the rows learned from,

        X[:, c] = (raw[:, c] - shift[c]) / scale[c],   shift = mean,  scale = sd (population: divided by n),

    and a column of ones is put before them for the intercept.

    Attributes:
        columns: the source columns.
        shift: `[D without intercept]`, means; zeros where nothing is standardised.
        scale: `[D without intercept]`, population standard deviations; ones where nothing is standardised.
        standardise: whether columns are standardised.
        intercept: whether column 0 is ones.
        missing: what becomes of a row with a missing value: "refuse", "drop" or "impute".
        dropped: how many rows it was learned from were dropped for that.
        named: whether the columns had names of their own. Without, as in an array, they go by position.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"age": [30, 50], "job": ["clerk", "cook"]})
        >>> design = Design.learn(table)
        >>> design.names
        ('intercept', 'age', 'job=cook')
        >>> design.matrix(table).tolist()
        [[1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]
        >>> design.matrix(pl.DataFrame({"job": ["cook"], "age": [40], "other": ["?"]})).tolist()
        [[1.0, 0.0, 1.0]]
        >>> Design.from_json(design.to_json()) == design
        True
    """

    columns: tuple[Column, ...]
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    standardise: bool = True
    intercept: bool = True
    missing: Missing = "refuse"
    dropped: int = 0
    named: bool = True

    @classmethod
    def learn(
        cls,
        features: Any,
        *,
        standardise: bool = True,
        intercept: bool = True,
        missing: Missing = "refuse",
        weights: Any = None,
        columns: Columns = ASSUMED,
    ) -> "Design":
        """Learn kinds, levels, means and standard deviations.

        Args:
            features: `[n, C]`: a Polars or pandas table, or a 2-D array (without a column of ones). More
                columns than rows are fine: the prior decides what the data cannot.
            standardise: whether to standardise columns.
            intercept: whether to put a column of ones first.
            missing: "refuse" rows with a missing value, "drop" them, or "impute": the mean of the column stands in,
                for a category the most common level, and a 0/1 column says where.
            weights: `[n]`, how often each row counts; a row of weight zero is as good as absent.
            columns: which columns are features, and what they hold.

        Raises:
            ArgumentError: `missing` is something else; a column that is not there.
            DataError: missing values (if refused), infinities, constant columns, columns of one name, dates,
                identifiers, numbers mixed with text; all that is wrong in one message.
        """
        if missing not in get_args(Missing):
            raise ArgumentError(f"missing={missing!r} is none of {quoted(get_args(Missing))}.")
        rows, named = as_rows(features)
        if isinstance(rows, np.ndarray) and (missing == "impute" or columns != ASSUMED):
            rows, _ = as_frame(rows)
        if isinstance(rows, pl.DataFrame):
            rows = columns.features(rows)
        given = checked_weights(weights, len(rows))
        reason = None
        if standardise:
            reason = "standardised they would be 0/0" + ", and the intercept is added for you" * intercept
        elif intercept:
            reason = "they cannot be told from the intercept, which is added for you"
        counts = np.ones(len(rows)) if given is None else given
        learned = learn(rows, named, counts, missing, columns, reason)
        raw = learned.raw
        counts = None if given is None else given[learned.kept]
        shift, scale = moments(raw, counts) if standardise else (np.zeros(raw.shape[1]), np.ones(raw.shape[1]))
        design = cls(
            learned.columns,
            tuple(shift.tolist()),
            tuple(scale.tolist()),
            standardise,
            intercept,
            missing,
            dropped=learned.incomplete,
            named=named,
        )
        refuse_repeated(design.names)
        return design

    @property
    def names(self) -> tuple[str, ...]:
        """Names of X's columns, `D` of them: "intercept", "age", "job=cook"."""
        return ("intercept",) * self.intercept + tuple(name for column in self.columns for name in column.names)

    def matrix(self, features: Any) -> np.ndarray:
        """The matrix of a table, in the way that was learned.

        Args:
            features: as for `learn`. Columns are found by name and others ignored; an array's go by position.

        Returns:
            `[n, D]` float64; under `missing="drop"` only the rows that `complete_rows` names.

        Raises:
            DataError: columns that are missing or of another kind, levels that were not seen, infinities,
                missing values (if refused).
        """
        return self.standardised(self.encoded(features))

    def encoded(self, features: Any) -> np.ndarray:
        """As `matrix`, before standardisation and without the intercept: in the table's own units."""
        rows = read(self.columns, self.named, features)
        there = present(rows)
        if self.missing == "refuse":
            refuse_missing([column.name for column in self.columns], there)
        complete = there.all(axis=1)
        if not complete.any():
            raise DataError("Every row has a missing value: nothing would be left. Fill them in.")
        raw = encode(self.columns, take(rows, complete))
        refuse_infinite(self.names[self.intercept :], raw)
        return raw

    def standardised(self, raw: np.ndarray) -> np.ndarray:
        """The design matrix `[n, D]` of encoded rows `[n, D without intercept]`."""
        X = (raw - np.array(self.shift)) / np.array(self.scale)
        return np.column_stack([np.ones(len(X)), X]) if self.intercept else X

    def complete_rows(self, features: Any) -> np.ndarray:
        """Which rows of a table have no missing value in a column that the design uses: bool `[n]`."""
        return np.all(present(read(self.columns, self.named, features)), axis=1)

    def coefficients(self, z: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        """Draws `[n, D]` of coefficients of the design matrix as named coefficients of the table's own columns."""
        with np.errstate(all="ignore"):  # a fit that has diverged is shown all the same
            return self.names, z @ self.original_scale().T

    def original_scale(self) -> np.ndarray:
        """The matrix A `[D, D]` that takes coefficients to the scale of the table's own units.

        The linear predictor is the same on both scales,

            b0 + sum_c b_c (x_c - shift_c) / scale_c
                = (b0 - sum_c b_c shift_c / scale_c) + sum_c (b_c / scale_c) x_c,

        so beta_original = A @ beta, draws `[..., D]` go by `draws @ A.T`, a covariance by `A @ S @ A.T`.
        Without an intercept nothing can take up the means: the slopes are right, but of x_c - shift_c.

        Example:
            >>> design = Design.learn([[30.0], [50.0]])
            >>> (design.original_scale() @ [1.0, 2.0]).tolist()  # 1 + 2 (age - 40) / 10
            [-7.0, 0.2]
        """
        inverse = 1 / np.array(self.scale)
        if not self.intercept:
            return np.diag(inverse)
        A = np.diag(np.concatenate([[1.0], inverse]))
        A[0, 1:] = -np.array(self.shift) * inverse
        return A

    def with_decimal(self, mark: str) -> "Design":
        """The same for text whose numbers have this decimal mark."""
        return replace(self, columns=tuple(column.with_decimal(mark) for column in self.columns))

    def to_json(self) -> dict:
        """Everything that was learned, as a dict for `json.dumps`; floats survive to the last bit."""
        return asdict(self) | {"columns": tuple(column.to_json() for column in self.columns)}

    @classmethod
    def from_json(cls, saved: dict) -> "Design":
        """Rebuild a design from `to_json`, before or after a file.

        Raises:
            SavedFitError: not what `to_json` gives.
        """
        try:
            RECORD.check(saved)
            columns = tuple(Column(**{**c, "levels": tuple(c["levels"])}) for c in saved["columns"])
            moments = {name: tuple(saved[name]) for name in ("shift", "scale")}
            design = cls(**{**saved, **moments, "columns": columns})
        except (TypeError, ValueError) as problem:
            raise SavedFitError(f"This is not the record of a design matrix ({problem}).") from problem
        if not len(design.names) - design.intercept == len(design.shift) == len(design.scale):
            raise SavedFitError("This record of a design matrix has more columns than moments, or fewer.")
        if any(abs(shift) > MOST_SHIFTED * scale for shift, scale in zip(design.shift, design.scale, strict=True)):
            raise SavedFitError("This record of a design matrix has a mean beside which its sd is rounding: fit again.")
        return design


def moments(raw: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means, and population standard deviations."""
    mean = np.average(raw, axis=0, weights=weights)
    deviation = raw - mean
    unit = np.abs(deviation).max(axis=0)  # so that squares neither overflow nor vanish
    return mean, np.sqrt(np.average((deviation / unit) ** 2, axis=0, weights=weights)) * unit

"""How a table of features becomes the matrix of a regression, recorded so that new rows go the same way."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from taut.core.schema import FINITE, FLAG, POSITIVE, TEXT, each, entries, one_of, whole
from taut.data.tables.checks import refuse_constant, refuse_infinite, refuse_missing
from taut.data.tables.columns import Column, Kind
from taut.data.tables.rows import as_rows, encode, kinds, learn_columns, present, read, take
from taut.data.wording import quoted
from taut.errors import ArgumentError, DataError, SavedFitError

Missing = Literal["refuse", "drop"]
MOST_SHIFTED = 1e20
"""Largest ratio of a mean to an sd: a column of which it is larger, in fewer than 1e40 rows, is refused as constant."""
RECORD = entries(
    {
        "columns": each(entries({"name": TEXT, "kind": one_of(*get_args(Kind)), "levels": each(TEXT)})),
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
        missing: what becomes of a row with a missing value: "refuse" or "drop".
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
        cls, features: Any, *, standardise: bool = True, intercept: bool = True, missing: Missing = "refuse"
    ) -> "Design":
        """Learn kinds, levels, means and standard deviations.

        Args:
            features: `[n, C]`: a Polars or pandas table, or a 2-D array (without a column of ones). More
                columns than rows are fine: the prior decides what the data cannot.
            standardise: whether to standardise columns.
            intercept: whether to put a column of ones first.
            missing: "refuse" rows with a missing value, or "drop" them.

        Raises:
            ArgumentError: `missing` is something else.
            DataError: missing values (if refused), infinities, constant columns, columns of one name, dates,
                identifiers, numbers mixed with text.
        """
        if missing not in ("refuse", "drop"):
            raise ArgumentError(f"missing={missing!r} is neither 'refuse' nor 'drop'.")
        rows, named = as_rows(features)
        found = kinds(rows)  # of all rows, so that messages count the rows that the user sees
        there = present(rows)
        if missing == "refuse":
            refuse_missing([column.name for column in found], there)
        kept = take(rows, _complete(there))
        columns = learn_columns(kept)
        raw = encode(columns, kept)
        names = [name for column in columns for name in column.names]
        refuse_infinite(names, raw)
        if repeated := [name for name, n in Counter(["intercept"] * intercept + names).items() if n > 1]:
            raise DataError(f"More than one column of the design would be called {quoted(repeated)}: rename one.")
        if standardise:
            added = ", and the intercept is added for you" * intercept
            refuse_constant(names, raw, "standardised they would be 0/0" + added)
        elif intercept:
            refuse_constant(names, raw, "they cannot be told from the intercept, which is added for you")
        shift, scale = _moments(raw) if standardise else (np.zeros(raw.shape[1]), np.ones(raw.shape[1]))
        return cls(
            columns,
            tuple(shift.tolist()),
            tuple(scale.tolist()),
            standardise,
            intercept,
            missing,
            dropped=len(there) - len(raw),
            named=named,
        )

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
        raw = encode(self.columns, take(rows, _complete(there)))
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

    def to_json(self) -> dict:
        """Everything that was learned, as a dict for `json.dumps`; floats survive to the last bit."""
        return asdict(self)

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


def _complete(there: np.ndarray) -> np.ndarray:
    complete = np.all(there, axis=1)
    if not complete.any():
        raise DataError("Every row has a missing value: nothing would be left. Fill them in, or drop empty columns.")
    return complete


def _moments(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = raw.mean(axis=0)
    deviation = raw - mean
    unit = np.abs(deviation).max(axis=0)  # so that squares neither overflow nor vanish
    return mean, (deviation / unit).std(axis=0) * unit

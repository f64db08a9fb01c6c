"""How a table of features becomes the matrix of a regression, recorded so that new rows go the same way."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from taut.data.columns import Column, kind_of
from taut.data.frames import as_frame
from taut.data.wording import listing, quoted
from taut.errors import ArgumentError, DataError, SavedFitError

Missing = Literal["refuse", "drop"]

LARGEST = 1e300  # numbers beyond are as good as infinite: their sums are


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
        frame, named = as_frame(features)
        for series in frame:
            kind_of(series)  # before rows are dropped, so that messages count the rows that the user sees
        complete = _complete(frame, missing)
        kept = frame.filter(complete)
        columns = tuple(Column.learn(series) for series in kept)
        raw = _encode(columns, kept)
        names = [name for column in columns for name in column.names]
        if repeated := [name for name, n in Counter(["intercept"] * intercept + names).items() if n > 1]:
            raise DataError(
                f"More than one column of the design would be called {quoted(repeated)}: rename one."
            )
        if standardise or intercept:
            _refuse_constants(raw, names, standardise)
        shift, scale = _moments(raw) if standardise else (np.zeros(raw.shape[1]), np.ones(raw.shape[1]))
        return cls(
            columns,
            tuple(shift.tolist()),
            tuple(scale.tolist()),
            standardise,
            intercept,
            missing,
            dropped=frame.height - kept.height,
            named=named,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of X's columns, `D` of them: "intercept", "age", "job=cook"."""
        return ("intercept",) * self.intercept + tuple(
            name for column in self.columns for name in column.names
        )

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
        frame = self._read(features)
        raw = _encode(self.columns, frame.filter(_complete(frame, self.missing)))
        X = (raw - np.array(self.shift)) / np.array(self.scale)
        return np.column_stack([np.ones(len(X)), X]) if self.intercept else X

    def complete_rows(self, features: Any) -> np.ndarray:
        """Which rows of a table have no missing value in a column that the design uses: bool `[n]`."""
        return _has_all(self._read(features)).to_numpy()

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
            columns = tuple(Column(**{**c, "levels": tuple(c["levels"])}) for c in saved["columns"])
            design = cls(
                **{
                    **saved,
                    "columns": columns,
                    "shift": tuple(saved["shift"]),
                    "scale": tuple(saved["scale"]),
                }
            )
        except (KeyError, TypeError) as problem:
            raise SavedFitError(f"This is not the record of a design matrix ({problem}).") from problem
        if not len(design.names) - design.intercept == len(design.shift) == len(design.scale):
            raise SavedFitError("This record of a design matrix has more columns than moments, or fewer.")
        return design

    def _read(self, features: Any) -> pl.DataFrame:
        frame, named = as_frame(features)
        names = [column.name for column in self.columns]
        if self.named and named:
            if absent := [name for name in names if name not in frame.columns]:
                raise DataError(f"Columns that the fit used are missing: {quoted(absent)}.")
        elif frame.width != len(names):
            raise DataError(
                f"{frame.width} columns were received, and the fit had {len(names)}: {quoted(names)}."
            )
        else:
            frame.columns = names
        return pl.DataFrame([column.read(frame[column.name]) for column in self.columns])


def _has_all(frame: pl.DataFrame) -> pl.Series:
    return frame.select(pl.all_horizontal(pl.all().is_not_null())).to_series()


def _complete(frame: pl.DataFrame, missing: Missing) -> pl.Series:
    complete = _has_all(frame)
    if missing == "refuse" and not complete.all():
        counts = [f"'{series.name}' ({series.null_count()})" for series in frame if series.null_count()]
        raise DataError(
            f"Missing values in {listing(counts)}, in {(~complete).sum()} of {len(complete)} rows: fill them "
            "in, or leave those rows out with missing='drop'."
        )
    if not complete.any():
        raise DataError(
            "Every row has a missing value: nothing would be left. Fill them in, or drop empty columns."
        )
    return complete


def _encode(columns: tuple[Column, ...], frame: pl.DataFrame) -> np.ndarray:
    blocks = [column.encode(column.read(frame[column.name])) for column in columns]
    counts = {
        column.name: (abs(block) > LARGEST).sum() for column, block in zip(columns, blocks, strict=True)
    }
    if any(counts.values()):
        found = listing(f"'{name}' ({count})" for name, count in counts.items() if count)
        raise DataError(
            f"Infinite values (beyond {LARGEST:g}) in {found}: correct them or leave those rows out."
        )
    return np.hstack(blocks)


def _refuse_constants(raw: np.ndarray, names: list[str], standardise: bool) -> None:
    if len(raw) == 1:
        raise DataError("There is a single row, in which every column is constant: at least two are needed.")
    # Constant up to rounding: standardising would blow a spread of a few units in the last place up to sd 1.
    low, high = raw.min(axis=0), raw.max(axis=0)
    constant = np.flatnonzero(high - low <= 8 * np.finfo(float).eps * np.maximum(abs(low), abs(high)))
    if constant.size:
        found = listing(f"'{names[c]}' (always {raw[0, c]:g})" for c in constant)
        reason = "standardised they are 0/0" if standardise else "they cannot be told from the intercept"
        raise DataError(
            f"Constant columns: {found}. Drop them: {reason}; the intercept is added for you where asked for."
        )


def _moments(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = raw.mean(axis=0)
    deviation = raw - mean
    unit = np.abs(deviation).max(axis=0)  # so that squares neither overflow nor vanish
    return mean, (deviation / unit).std(axis=0) * unit

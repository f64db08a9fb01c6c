"""Files become tables, and a table becomes features and a target."""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import polars as pl

from taut.core.arguments import path as as_path
from taut.data.tables.numbers import MARKS
from taut.data.tables.text import stripped, typed
from taut.data.wording import listing, quoted, suggestion
from taut.errors import ArgumentError, DataError

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}
NAMED = {"tab": "\t", "\\t": "\t"}


def read_table(
    path: str | Path, *, separator: str | None = None, decimal: str = ".", text: bool | Collection[str] = ()
) -> pl.DataFrame:
    r"""Read a table from a file; the ending says how: `.csv`, `.csv.gz`, `.tsv` or `.parquet`.

    A text file is UTF-8 with one line of column names. A column's type is the narrowest that holds all its
    values (`taut.data.tables.text.typed`); an empty field or NA, N/A, NaN, null is a missing value; lines with
    nothing in them are skipped. A Parquet file's own types are kept.

    Args:
        path: the file.
        separator: what stands between the columns of a text file; "tab" for a tabulator. The ending says it by default.
        decimal: decimal mark of the numbers in a text file, "." or ",".
        text: names of columns that stay text as it stands in the file; True for all of them, as for new rows, whose
            types are those of the fit (`taut.data.Design` reads text).

    Returns:
        The table; missing values are null.

    Raises:
        DataError: no such file, another ending, nothing but a header, rows of unequal length, columns without
            a name or with the same name, or content that is not what the ending says.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "loans.csv"
        >>> _ = path.write_text("age,job,bad\n31,clerk,no\n57,NA,yes\n")
        >>> read_table(path).to_dict(as_series=False)
        {'age': [31, 57], 'job': ['clerk', None], 'bad': ['no', 'yes']}
    """
    path = as_path("path", path)
    if path.is_dir():
        raise DataError(f"{path} is a folder: give the path of a file in it.")
    if not path.exists():
        raise DataError(f"There is no file {path}: check the path, which is read from the folder {Path.cwd()}.")
    ending = next((e for e in (*SEPARATORS, ".parquet") if path.name.lower().endswith(e)), None)
    if ending is None:
        raise DataError(f"{path} is none of the files that can be read: {listing((*SEPARATORS, '.parquet'))}.")
    between = SEPARATORS.get(ending, "") if separator is None else NAMED.get(separator, separator)
    if decimal not in MARKS:
        raise ArgumentError(f"decimal={decimal!r} is neither '.' nor ','.")
    if separator is not None and (len(between) != 1 or between == '"'):
        raise ArgumentError(f"separator={separator!r}: one character is needed, e.g. ';', or 'tab'.")
    try:
        frame = _read_parquet(path) if ending == ".parquet" else _read_text(path, between)
    except (OSError, EOFError, zlib.error, csv.Error) as problem:  # EOFError, zlib.error: a damaged .gz
        raise DataError(f"{path} cannot be read: {problem}.") from problem
    if frame.height == 0:
        raise DataError(f"{path} has column names but no rows: at least one is needed.")
    if ending == ".parquet":
        return frame
    kept = set(frame.columns if text is True else text or ())
    return pl.DataFrame([stripped(column) if column.name in kept else typed(column, decimal) for column in frame])


def split_target(frame: pl.DataFrame, target: str) -> tuple[pl.DataFrame, pl.Series]:
    """Split a table into its features and the column to be predicted.

    Args:
        frame: the table, `n` rows.
        target: name of the column to be predicted.

    Returns:
        The other columns, and the target's values `[n]`.

    Raises:
        DataError: there is no such column, or no other one.

    Example:
        >>> features, values = split_target(pl.DataFrame({"age": [31, 57], "bad": ["no", "yes"]}), "bad")
        >>> features.columns, values.to_list()
        (['age'], ['no', 'yes'])
    """
    if target not in frame.columns:
        raise DataError(
            f"There is no column '{target}' to take as target.{suggestion(target, frame.columns)} "
            f"The columns are {quoted(frame.columns, 20)}."
        )
    if frame.width == 1:
        raise DataError(f"'{target}' is the only column: there is no feature to predict it from.")
    return frame.drop(target), frame[target]


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as problem:
        raise DataError(f"{path} is not a Parquet file that can be read: {_first_line(problem)}") from problem


def _read_text(path: Path, separator: str) -> pl.DataFrame:
    data = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8 text (byte {problem.start + 1}): save it as CSV UTF-8.") from problem
    if "\0" in text:
        raise DataError(f"{path} is not text but binary: save the table as CSV UTF-8 or Parquet.")
    if not text.strip():
        raise DataError(f"{path} is empty: a line of column names and at least one row are needed.")
    header = _header(path, text, separator)
    try:
        # As text: types are found below, from all rows. Polars renames repeated columns and fills short rows
        # with missing values without a word, so header and fields are looked at here.
        frame = pl.read_csv(io.BytesIO(data), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as problem:
        _refuse_ragged_rows(path, text, separator, len(header))
        raise DataError(f"{path} cannot be parsed: {_first_line(problem)}") from problem
    if frame.width != len(header):
        raise DataError(f"{path} cannot be parsed: its lines do not end as lines of text do; save it again.")
    if frame.to_series(-1).null_count() > 0:  # a short row always lacks its last field
        _refuse_ragged_rows(path, text, separator, len(header))
    frame.columns = header
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))


def _header(path: Path, text: str, separator: str) -> list[str]:
    header = next(row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row)
    header = [name.strip() for name in header]
    if len(header) == 1 and (other := next((s for s in ";\t|," if s in header[0]), None)):
        named = "tab" if other == "\t" else other
        raise DataError(
            f"{path} seems to have {other!r} between its columns, where {separator!r} is expected: say so "
            f"(separator='{named}'), and with a decimal comma decimal=','."
        )
    if "" in header:
        raise DataError(
            f"{path}: column {header.index('') + 1} has no name. Name it, or leave it out if it only numbers "
            "the rows (pandas: to_csv(index=False))."
        )
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{path} has more than one column named {quoted(repeated)}: rename or remove one.")
    return header


def _refuse_ragged_rows(path: Path, text: str, separator: str, width: int) -> None:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for row in rows:
        if row and len(row) != width:
            raise DataError(
                f"{path}, line {rows.line_num}: {len(row)} fields where the header has {width}. "
                "Look for a separator or a quotation mark that is missing or too many."
            )


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]

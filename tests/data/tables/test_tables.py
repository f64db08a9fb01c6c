"""Files in: what is read, and what is refused with which words."""

import gzip

import polars as pl
import pytest

from taut.data import load_bundled, read_table, split_target
from taut.data.tables.text import typed
from taut.errors import ArgumentError, DataError

PLAIN = "age,job,bad\n31,clerk,no\n57,cook,yes\n"


def test_every_ending_reads_the_same_table(tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(PLAIN.encode()))
    (tmp_path / "T.TSV").write_text(PLAIN.replace(",", "\t"))
    expected = read_table(tmp_path / "t.csv")
    expected.write_parquet(tmp_path / "t.parquet")
    assert expected.to_dict(as_series=False) == {
        "age": [31, 57],
        "job": ["clerk", "cook"],
        "bad": ["no", "yes"],
    }
    for name in ("t.csv.gz", "T.TSV", "t.parquet"):
        assert read_table(tmp_path / name).equals(expected), name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ufeffa,b\r\n1,2\r\n", {"a": [1], "b": [2]}),  # as a spreadsheet saves it
        ("\na , b\n 1 , x \n", {"a": [1], "b": ["x"]}),
        ('"a","b, c"\n"1","x\ny"\n', {"a": [1], "b, c": ["x\ny"]}),
        ("a,b\n1,2\n\n3,4\n,\n\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\n1,\n,NA\n3,NaN\n", {"a": [1, None, 3], "b": [None, None, None]}),
        ("a\n1\n2\n", {"a": [1, 2]}),
    ],
)
def test_variants_of_csv(tmp_path, content, expected):
    (tmp_path / "t.csv").write_text(content, newline="")
    assert read_table(tmp_path / "t.csv").to_dict(as_series=False) == expected


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "-2", "+3", ""], pl.Int64),
        (["1", "2.5", "1e-3", "inf"], pl.Float64),
        (["9" * 30, "1"], pl.Float64),
        (["true", "False", "NA"], pl.Boolean),
        (["2020-01-31", "2021-12-01"], pl.Date),
        (["2020-01-31 10:30", "2021-12-01T00:00:00Z"], pl.String),  # a date would lose the time
        (["007", "12"], pl.String),  # a number would lose the zeros
        (["1", "2", "many"], pl.String),
        (["A11", "A12"], pl.String),
        (["yes", "true"], pl.String),
    ],
)
def test_a_column_gets_the_narrowest_type_that_holds_all_of_it(values, dtype):
    assert typed(pl.Series("a", values)).dtype == dtype


# name of the file, its bytes (None: not written), words that the message must contain
BAD_FILES = {
    "no such file": ("absent.csv", None, ["no file", "absent.csv"]),
    "unknown ending": ("t.xlsx", b"x", [".csv", ".csv.gz", ".tsv", ".parquet"]),
    "no ending": ("table", b"a,b\n1,2\n", [".csv", ".parquet"]),
    "empty": ("t.csv", b"", ["empty"]),
    "blank": ("t.csv", b"\n \n", ["empty"]),
    "byte order mark alone": ("t.csv", b"\xef\xbb\xbf", ["empty"]),
    "empty gz": ("t.csv.gz", gzip.compress(b""), ["empty"]),
    "header only": ("t.csv", b"a,b\n", ["no rows"]),
    "header and blank rows": ("t.csv", b"a,b\n,\n\n", ["no rows"]),
    "row too long": ("t.csv", b"a,b\n1,2\n1,2,3\n", ["line 3", "3 fields", "2"]),
    "row too short": ("t.csv", b"a,b\n1,2\n1\n3,4\n", ["line 3", "1 fields", "2"]),
    "quote left open": ("t.csv", b'a,b\n1,2\n"3,4\n5,6\n', ["line", "quotation mark"]),
    "quote inside a field": ("t.csv", b'a,b\nx"y,2\n3,4\n', ["t.csv", "parsed"]),
    "repeated column": ("t.csv", b"age,bad,age\n1,2,3\n", ["more than one", "'age'", "rename"]),
    "repeated but for blanks": ("t.csv", b"age, age\n1,2\n", ["more than one", "'age'"]),
    "row index without a name": ("t.csv", b",a\n0,1\n", ["column 1", "no name", "index=False"]),
    "semicolons": ("t.csv", b"a;b\n1;2\n", ["';'", "','"]),
    "commas in a tsv": ("t.tsv", b"a,b\n1,2\n", ["','", r"'\t'"]),
    "binary": ("t.csv", bytes(range(256)) * 20, ["UTF-8"]),
    "NUL bytes": ("t.csv", b"a,b\n\0,2\n", ["binary"]),
    "latin-1": ("t.csv", "a,b\né,2\n".encode("latin-1"), ["UTF-8", "byte 5"]),
    "UTF-16": ("t.csv", "a,b\n1,2\n".encode("utf-16"), ["UTF-8"]),
    "old Macintosh lines": ("t.csv", b"a,b\r1,2\r", ["lines"]),
    "gz that is none": ("t.csv.gz", b"a,b\n1,2\n", ["t.csv.gz", "cannot be read"]),
    "gz cut short": ("t.csv.gz", gzip.compress(PLAIN.encode() * 99)[:60], ["t.csv.gz", "cannot be read"]),
    "parquet that is none": ("t.parquet", b"a,b\n1,2\n", ["t.parquet", "Parquet"]),
    "empty parquet": ("t.parquet", b"", ["t.parquet", "Parquet"]),
}


@pytest.mark.parametrize(("name", "content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / name)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path / "t.csv")


def test_parquet_without_rows(tmp_path):
    pl.DataFrame({"a": []}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="no rows"):
        read_table(tmp_path / "t.parquet")


def test_split_target():
    frame = pl.DataFrame({"age": [1], "Bad": ["x"]})
    features, values = split_target(frame, "Bad")
    assert features.columns == ["age"]
    assert values.name == "Bad"
    with pytest.raises(DataError, match=r"'bad'.*Did you mean 'Bad'"):
        split_target(frame, "bad")
    with pytest.raises(DataError, match="only column"):
        split_target(frame.select("Bad"), "Bad")


def test_bundled_breast_cancer_is_scikit_learns():
    from sklearn.datasets import load_breast_cancer

    from taut.data import Labels

    frame, target = load_bundled("breast-cancer")
    features, values = split_target(frame, target)
    X, y = load_breast_cancer(return_X_y=True)
    assert (features.to_numpy() == X).all()
    labels = Labels.learn(values)
    assert labels.classes == ("malignant", "benign")
    assert (labels.encode(values) == y).all()
    assert (labels.encode([str(v) for v in values]) == y).all()


def test_unknown_bundled_name():
    with pytest.raises(ArgumentError, match=r"'breast_cancer'.*Did you mean 'breast-cancer'"):
        load_bundled("breast_cancer")

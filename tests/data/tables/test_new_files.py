"""A new file is read by the kinds of columns that the fit saw, whatever its own values look like."""

import json

import numpy as np
import polars as pl
import pytest

from taut.data import Columns, Design, read_table
from taut.errors import DataError

FIT = """code,flag,dose,share,when,price,unit,empty
010,TRUE,1,0.5,15.02.2019,"$1,200.50",1,
10,FALSE,2,0.25,01.03.2019,$12.00,0,
A1,unknown,2.5,1,17.02.2019,$3.00,1,2
B7,TRUE,3,2,15.02.2019,$5.00,0,3
"""
COLUMNS = Columns(dates="number", numeric="price", categorical="unit")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def design(folder):
    """As it is saved and loaded."""
    (folder / "fit.csv").write_text(FIT)
    frame = read_table(folder / "fit.csv", text=["unit"])
    learned = Design.learn(frame, standardise=False, intercept=False, missing="impute", columns=COLUMNS)
    return Design.from_json(json.loads(json.dumps(learned.to_json())))


def matrix(design, folder, *lines):
    (folder / "new.csv").write_text("\n".join([FIT.splitlines()[0], *lines]) + "\n")
    return design.matrix(read_table(folder / "new.csv", text=True))


LINES = FIT.splitlines()[1:]


@pytest.mark.parametrize("line", LINES)
def test_a_row_alone_is_the_row_among_others(design, folder, line):
    np.testing.assert_array_equal(matrix(design, folder, line), matrix(design, folder, *LINES)[[LINES.index(line)]])


def test_kinds(design):
    assert {column.name: column.kind for column in design.columns if not column.of} == {
        "code": "categorical",
        "flag": "categorical",
        "dose": "numeric",
        "share": "numeric",
        "when": "date",
        "price": "numeric",
        "unit": "categorical",
        "empty": "numeric",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("7,TRUE,1,1,15.02.2019,$1,1,", "'code' holds '7'"),
        ("10,yes,1,1,15.02.2019,$1,1,", "'flag' holds 'yes'"),
        ('10,TRUE,"1,5",1,15.02.2019,$1,1,', "'dose' held numbers .*'1,5' in row 1"),
        ("10,TRUE,1,1,02/15/2019,$1,1,", "'when' held dates .*'02/15/2019'"),
        ("10,TRUE,1,1,15.02.2019,€1,1,", "'price' held numbers .*'€1'"),
        ("10,TRUE,1,1,15.02.2019,1 or 2,1,", "'price' held numbers"),
        ("10,TRUE,1,1,15.02.2019,$1,1.0,", "'unit' holds '1.0'"),
        ("10,TRUE,x,1,soon,$1,1,", "2 problems"),
        ("7,yes,1,1,15.02.2019,$1,1,", "2 problems"),
    ],
)
def test_what_is_of_another_kind_is_refused(design, folder, line, words):
    with pytest.raises(DataError, match=words):
        matrix(design, folder, line)


@pytest.mark.parametrize("package", ["polars", "pandas"])
def test_frames_in_memory_are_read_by_the_kinds_too(package):
    library = pytest.importorskip(package)
    learned = pl.DataFrame(
        {
            "code": ["10", "20", "x", "y"],
            "flag": ["TRUE", "FALSE", "?", "?"],
            "yes": [True, False, True, True],
        }
    )
    design = Design.learn(learned, standardise=False, intercept=False)
    assert design.names == ("code=20", "code=x", "code=y", "flag=FALSE", "flag=TRUE", "yes")
    new = {"code": [20, 10], "flag": [True, False], "yes": ["true", "False"]}
    expected = [[1, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0]]
    np.testing.assert_array_equal(design.matrix(library.DataFrame(new)), expected)
    np.testing.assert_array_equal(design.matrix(library.DataFrame(new | {"code": [20.0, 10.0]})), expected)


def test_a_decimal_comma_of_the_fit_is_that_of_new_files(folder):
    (folder / "fit.tsv").write_text("a\tb\n1,5\t2\n2,5\t1.000,5\n4\t3\n")
    frame = read_table(folder / "fit.tsv", decimal=",")
    assert frame.dtypes == [pl.Float64, pl.String]
    design = Design.learn(frame, standardise=False, intercept=False, columns=Columns(decimal=",", numeric="b"))
    np.testing.assert_array_equal(design.matrix(frame), [[1.5, 2], [2.5, 1000.5], [4, 3]])
    (folder / "new.tsv").write_text("a\tb\n1,5\t2.000\n")
    new = read_table(folder / "new.tsv", text=True)
    np.testing.assert_array_equal(Design.from_json(design.to_json()).matrix(new), [[1.5, 2000]])
    plain = Design.learn(pl.DataFrame({"a": [1.5, 2.5], "b": [1.0, 2.0]}), standardise=False, intercept=False)
    np.testing.assert_array_equal(plain.with_decimal(",").matrix(new), [[1.5, 2000]])
    with pytest.raises(DataError, match="'1,5'"):
        plain.matrix(new)


def test_separators(folder):
    (folder / "semi.csv").write_text("a;b\n1,5;2\n")
    assert read_table(folder / "semi.csv", separator=";", decimal=",").to_dict(as_series=False) == {
        "a": [1.5],
        "b": [2],
    }
    (folder / "tab.csv").write_text("a\tb\n1.5\t2\n")
    assert read_table(folder / "tab.csv", separator="tab").columns == ["a", "b"]
    with pytest.raises(DataError, match="separator=';'.*decimal=','"):
        read_table(folder / "semi.csv")

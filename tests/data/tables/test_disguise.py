"""Text and numbers that are something else: refused with the option that overrules it, and read where it is given."""

import datetime

import numpy as np
import polars as pl
import pytest

from taut.data import Columns, Design, prepare
from taut.data.tables.text import typed
from taut.errors import ArgumentError, DataError

ROWS = 200
rng = np.random.default_rng(0)
OTHER = rng.normal(size=ROWS)


def table(values):
    """A table with a column `a` of these values, each at least once, and another one."""
    values = list(values)
    return pl.DataFrame({"a": (values * ROWS)[:ROWS], "b": OTHER}, strict=False)


DAYS = [datetime.date(2019, 1, 1) + datetime.timedelta(7 * i) for i in range(30)]
# Each with the options that overrule the suspicion.
NUMBERS = {
    "a decimal comma": ["1,5", "2", "-0,25"],
    "thousands": ["1,234.5", "12.0", "1,000,000"],
    "thousands with a decimal comma": ["1.234,5", "7,25"],
    "thousands with blanks": ["1 234", "12 345"],
    "thousands with narrow blanks": ["1\u202f234,5", "2\u202f000"],
    "dollars": ["$12.50", "$1,200.00", "-$3.00"],
    "euros": ["€ 3,20", "€ 4"],
    "a code of money": ["EUR 12", "EUR 7"],
    "per cent": ["12%", "7.5 %"],
    "powers of ten": ["1e-3", "2,5e4"],
    "a unit": [f"{w} kg" for w in range(50, 70)],
}
CODES = {
    "leading zeros": ["02139", "10001"],
    "telephone": [f"+1 555 {i:04}" for i in range(ROWS)],
    "hashes": [f"{i * 2654435761 % 2**32:08x}" for i in range(ROWS)],
    "versions": [f"1.{i}.{j}" for i in range(5) for j in range(9)],
    "heights": [f"{feet}'{inches}" for feet in (5, 6) for inches in range(11)],
    "free text": [f"they {word} it" for word in map(str, rng.permutation(ROWS))],
    "names": [f"{a}{b}" for a in "BCDFGHKLMN" for b in "aeiou"],
}
DATES = {
    form: [day.strftime(form) for day in DAYS]
    for form in ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%m/%d/%y", "%d-%b-%Y", "%B %d, %Y", "%Y/%m/%d", "%Y%m%d")
}
DATES |= {"with a time": [f"{day} 06:00:00" for day in DAYS], "by a T": [f"{day}T06:00:00.5Z" for day in DAYS]}
LEGITIMATE = {
    "ages": ["0-4", "5-9", "10-14", "65+"],
    "bins": [f"({10 * i}, {10 * i + 10}]" for i in range(20)],
    "limits": ["<5", "5-10", ">10"],
    "codes": ["010", "10", "A1", "B7", "C2"],
    "diagnoses": [f"I{i}" for i in range(15)],
    "doses": ["5 mg", "10 mg", "20 mg"],
    "decades": ["20s", "30s", "40s", "50s"],
    "ordinals": ["1st", "2nd", "3rd"],
    "quarters": ["2019Q1", "2019Q2", "2020Q1"],
    "seasons": ["2019/20", "2020/21"],
    "scores": ["2-1", "0-0", "1-3"],
    "words": ["yes", "no", "unknown"],
}


@pytest.mark.parametrize("values", (NUMBERS | CODES).values(), ids=NUMBERS | CODES)
def test_numbers_and_codes_in_disguise_are_refused_with_the_options(values):
    with pytest.raises(DataError, match=r"'a'.*columns=Columns\(categorical='a'\)"):
        Design.learn(table(values))


@pytest.mark.parametrize("values", DATES.values(), ids=DATES)
def test_dates_in_disguise_are_refused_with_the_option(values):
    frame = table(values).with_columns(typed(pl.Series("a", table(values)["a"])))  # as they come from a file
    with pytest.raises(DataError, match=r"'a' holds dates.*columns=Columns\(dates='number'\)"):
        Design.learn(frame)
    assert Design.learn(frame, columns=Columns(dates="month-first")).columns[0].kind == "date"


@pytest.mark.parametrize("values", LEGITIMATE.values(), ids=LEGITIMATE)
def test_few_groups_remain_a_category(values):
    (column, _) = Design.learn(table(values)).columns
    assert (column.kind, column.levels) == ("categorical", tuple(sorted(values)))


@pytest.mark.parametrize("values", (NUMBERS | CODES | DATES).values(), ids=NUMBERS | CODES | DATES)
def test_every_suspicion_is_overruled_by_a_category(values):
    design = Design.learn(table(values), columns=Columns(categorical="a"))
    assert design.columns[0].levels == tuple(sorted(set(values)))


@pytest.mark.parametrize(
    ("case", "expected"),
    {
        "a decimal comma": [1.5, 2, -0.25],
        "thousands": [1234.5, 12, 1e6],
        "thousands with a decimal comma": [1234.5, 7.25],
        "thousands with blanks": [1234, 12345],
        "thousands with narrow blanks": [1234.5, 2000],
        "dollars": [12.5, 1200, -3],
        "euros": [3.2, 4],
        "a code of money": [12, 7],
        "per cent": [12, 7.5],
        "powers of ten": [0.001, 25000],
        "a unit": list(range(50, 70)),
    }.items(),
)
def test_numbers_are_read_where_it_is_said_that_they_are(case, expected):
    frame = table(NUMBERS[case])
    design = Design.learn(frame, standardise=False, columns=Columns(numeric="a"))
    found = Design.from_json(design.to_json()).matrix(frame.head(len(expected)))
    np.testing.assert_allclose(found[:, 1], expected)


def test_numbers_are_of_one_unit():
    with pytest.raises(DataError, match=r"cannot be read as numbers: row 3 .*'3 g'"):
        Design.learn(table(["5 kg", "7 kg", "3 g"]), columns=Columns(numeric="a"))
    with pytest.raises(DataError, match="'many'"):
        Design.learn(table(["1,5", "2,5", "many"]), columns=Columns(numeric="a"))


def test_a_decimal_comma_may_be_said_of_the_whole_table():
    frame = table(["1,5", "2", "-0,25"]).with_columns(c=pl.Series(["0,5", "1,5"] * (ROWS // 2)))
    design = Design.learn(frame, standardise=False, columns=Columns(decimal=","))
    assert [column.kind for column in design.columns] == ["numeric"] * 3
    np.testing.assert_allclose(design.matrix(frame.head(2))[:, [1, 3]], [[1.5, 0.5], [2, 1.5]])
    with pytest.raises(DataError, match="'a'"):  # 1.234 is a thousand there, and no number of the kind
        Design.learn(table(["1.234", "2.000"]), columns=Columns(decimal=","))


@pytest.mark.parametrize("form", DATES)
def test_dates_become_days_since_the_first_of_them(form):
    dates = "month-first" if form.startswith("%m/") else "number"
    frame = table(DATES[form])
    design = Design.learn(frame, standardise=False, columns=Columns(dates=dates))
    found = Design.from_json(design.to_json()).matrix(frame.head(30))[:, 1]
    np.testing.assert_allclose(found - found[0], 7 * np.arange(30))
    assert 0 <= found[0] < 1
    assert Design.learn(frame, columns=Columns(dates="drop")).names == ("intercept", "b")


def test_the_types_of_dates_and_times():
    frame = pl.DataFrame({"a": [*DAYS, *DAYS], "b": np.arange(60) ** 2})
    times = frame.with_columns(a=pl.col("a").cast(pl.Datetime) + pl.duration(hours=12))
    design = Design.learn(frame, standardise=False, columns=Columns(dates="number"))
    assert design.matrix(frame)[:3, 1].tolist() == [0, 7, 14]
    assert design.matrix(times)[:3, 1].tolist() == [0.5, 7.5, 14.5]
    assert design.matrix(frame.with_columns(pl.col("a").cast(pl.String)))[:3, 1].tolist() == [0, 7, 14]
    clock = pl.DataFrame({"a": [datetime.time(7, 30), datetime.time(12)], "b": [1, 5]})
    hours = Design.learn(clock, standardise=False, columns=Columns(dates="number"))
    np.testing.assert_allclose(hours.matrix(clock)[:, 1], [7.5, 12])
    np.testing.assert_allclose(hours.matrix(pl.DataFrame({"a": ["6:00 pm"], "b": [1]}))[:, 1], 18)


def test_day_and_month_are_not_guessed():
    frame = table(["03/04/2019", "05/04/2019"])
    with pytest.raises(DataError, match="'03/04/2019'.*day-first.*month-first"):
        Design.learn(frame, columns=Columns(dates="number"))
    for order, days in (("day-first", 2), ("month-first", 61)):
        found = Design.learn(frame, standardise=False, columns=Columns(dates=order)).matrix(frame.head(2))
        assert np.diff(found[:, 1]).tolist() == [days]


def test_a_date_that_is_none_is_named():
    with pytest.raises(DataError, match="row 30 .*'soon'"):
        Design.learn(table([*DATES["%d-%b-%Y"][:29], "soon"]), columns=Columns(dates="number"))


IDENTIFIERS = {
    "from one": range(1, ROWS + 1),
    "from zero": range(ROWS),
    "shuffled": rng.permutation(ROWS),
    "telephone": rng.choice(10**9, ROWS, replace=False) + 5 * 10**9,
}


@pytest.mark.parametrize("values", IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_numbers_that_measure_nothing_are_refused_unless_it_is_said_that_they_do(values):
    frame = pl.DataFrame({"a": list(values), "b": OTHER})
    with pytest.raises(DataError, match=r"'a'.*drop='a'.*numeric='a'"):
        Design.learn(frame)
    assert Design.learn(frame, columns=Columns(numeric="a")).names == ("intercept", "a", "b")
    assert Design.learn(frame, columns=Columns(drop="a")).names == ("intercept", "b")


@pytest.mark.parametrize("name", ["id", "ID", "patient_id", "customerId", "index", "row", "Unnamed: 0", "No"])
def test_different_whole_numbers_of_such_a_name_are_an_identifier(name):
    values = rng.choice(10**5, ROWS, replace=False)
    with pytest.raises(DataError, match="number the rows"):
        Design.learn(pl.DataFrame({name: values, "b": OTHER}))
    repeated = pl.DataFrame({name: values // 1000, "b": OTHER})
    assert Design.learn(repeated).names == ("intercept", name, "b")


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"paid": rng.choice(10**5, ROWS, replace=False)}),
        pl.DataFrame({"salary": rng.integers(10**3, 10**6, ROWS)}),
        pl.DataFrame({"year": np.arange(1900, 1900 + ROWS)}),
        pl.DataFrame({"week": np.arange(1, 13)}),
        np.arange(ROWS)[:, None],
    ],
    ids=["paid", "salary", "year", "few rows", "an array"],
)
def test_other_numbers_that_are_all_different_are_numbers(frame):
    assert len(Design.learn(frame).names) == 2


def test_columns_are_chosen():
    frame = pl.DataFrame({"a": OTHER, "b": OTHER**2, "c": OTHER**3})
    assert Design.learn(frame, columns=Columns(only=["c", "a"])).names == ("intercept", "a", "c")
    assert Design.learn(frame.to_numpy(), columns=Columns(drop="x1")).names == ("intercept", "x0", "x2")
    data = prepare(frame, OTHER > 0, columns=Columns(drop=["a", "b"]))
    assert (data.design.names, data.unused) == (("intercept", "c"), ("a", "b"))
    with pytest.raises(DataError, match="No feature is left"):
        Design.learn(frame, columns=Columns(drop=["a", "b", "c"]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Design.learn(table(["x", "y"]), columns=Columns(drop="A")), "'A'.*Did you mean 'a'"),
        (lambda: Columns(drop=3), "drop=3"),
        (lambda: Columns(dates="guess"), "'guess'.*'day-first'"),
        (lambda: Columns(decimal=";"), "decimal=';'"),
        (lambda: Columns(categorical="a", numeric=["b", "a"]), "'a'.*both"),
    ],
)
def test_choices_that_make_no_sense(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_all_problems_are_told_at_once():
    frame = pl.DataFrame(
        {
            "id": range(ROWS),
            "when": (DAYS * ROWS)[:ROWS],
            "price": ["$1.50", "$2.50"] * (ROWS // 2),
            "age": [None, *OTHER[1:]],
            "flat": [3.0] * ROWS,
            "job": ["cook"] * ROWS,
        }
    )
    with pytest.raises(DataError) as caught:
        prepare(frame, ["no"] * ROWS)
    said = str(caught.value)
    assert "7 problems" in said
    for words in (
        "'id' seems",
        "'when' holds",
        "'price' is",
        "'age' (1)",
        "'flat' (always 3)",
        "'job' is always",
        "'no'",
    ):
        assert words in said, said


def test_missing_values_are_imputed_and_said():
    frame = pl.DataFrame({"a": [1.0, None, 3.0, 5.0], "job": ["x", "x", None, "y"], "c": [1.0, 2.0, 2.0, 9.0]})
    design = Design.from_json(Design.learn(frame, standardise=False, intercept=False, missing="impute").to_json())
    assert design.names == ("a", "a is missing", "job=y", "job is missing", "c")
    expected = [[1, 0, 0, 0, 1], [3, 1, 0, 0, 2], [3, 0, 0, 1, 2], [5, 0, 1, 0, 9]]
    np.testing.assert_array_equal(design.matrix(frame), expected)
    new = pl.DataFrame({"a": [None], "job": [None], "c": [None]})
    np.testing.assert_allclose(design.matrix(new), [[3, 1, 0, 1, 3.5]])
    array = np.array([[1.0, np.nan], [2.0, 4.0], [4.0, 5.0]])
    assert Design.learn(array, missing="impute").names == ("intercept", "x0", "x1", "x1 is missing")
    with pytest.raises(DataError, match="'a'.*no value"):
        Design.learn(pl.DataFrame({"a": [None, None], "b": [1, 2]}), missing="impute")

"""Text becomes numbers, true/false or dates only where all of it does."""

import datetime

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from taut.data.tables.text import MISSING, typed

WORDS = st.text(max_size=8)
BLANKS = st.sampled_from(["", " ", "\t"])
ABSENT = st.sampled_from(["", " ", *MISSING, *(word.upper() for word in MISSING)])


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), BLANKS), min_size=1))
def test_whole_numbers_come_back(given):
    found = typed(pl.Series([f"{blank}{number}{blank}" for number, blank in given]))
    assert found.dtype == pl.Int64
    assert found.to_list() == [number for number, _ in given]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_come_back_to_the_last_bit(numbers):
    found = typed(pl.Series([repr(number) for number in numbers]))
    assert found.dtype == pl.Float64
    assert found.to_list() == numbers


@given(st.lists(st.booleans(), min_size=1), st.sampled_from([str, str.lower, str.upper]))
def test_true_and_false_come_back(values, write):
    assert typed(pl.Series([write(str(value)) for value in values])).to_list() == values


@given(st.lists(st.dates(datetime.date(1000, 1, 1)), min_size=1))
def test_dates_come_back(dates):
    assert typed(pl.Series([date.isoformat() for date in dates])).to_list() == dates


@given(st.lists(WORDS, min_size=1), ABSENT, st.sampled_from(["31", "2.5", "true", "2024-01-02"]))
@example(words=["1", "x"], absent="NA", stray="31")
def test_one_word_keeps_a_column_text_and_nothing_is_lost(words, absent, stray):
    column = pl.Series([*words, absent, stray, "no number"])
    found = typed(column)
    assert found.dtype == pl.String
    for before, after in zip(column.str.strip_chars(), found, strict=True):
        assert after == (None if before.lower() in ("", *MISSING) else before)

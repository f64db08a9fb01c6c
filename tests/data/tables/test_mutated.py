"""Tables with faults are read or refused in Taut's own words: no error of another library, no warning."""

import gzip
import time

import numpy as np
import polars as pl
import pytest

from taut.data import prepare, read_table, split_target
from taut.errors import TautError
from taut.models import LogisticRegression

from ...helpers.mutations import mutated

rng = np.random.default_rng(0)
WHOLE = pl.DataFrame(
    {
        "age": rng.integers(20, 70, 24),
        "income": rng.normal(30, 8, 24).round(2),
        "job": rng.choice(["baker", "clerk", "cook"], 24),
        "owner": rng.choice([True, False], 24),
        "since": [f"20{i:02}" for i in range(24)],
        "bad": ["no", "yes"] * 12,
    }
)


def whole(ending, folder):
    """The table as a file of that ending."""
    path = folder / f"whole{ending}"
    if ending == ".parquet":
        WHOLE.write_parquet(path)
    else:
        text = WHOLE.write_csv(separator="\t" if ending == ".tsv" else ",").encode()
        path.write_bytes(gzip.compress(text, mtime=0) if ending == ".csv.gz" else text)
    return path.read_bytes()


def prepared(path):
    """As `taut fit` reads it, up to the design matrix."""
    features, target = split_target(read_table(path), "bad")
    return prepare(features, target, target=LogisticRegression().target, missing="drop")


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "count"), [(".csv", 8000), (".tsv", 1000), (".csv.gz", 500), (".parquet", 500)])
def test_a_table_with_faults_is_read_or_refused(ending, count, tmp_path):
    content, rng, read = whole(ending, tmp_path), np.random.default_rng(1), 0
    longest, slowest = 0, 0.0
    path = tmp_path / f"table{ending}"
    for _ in range(count):
        path.write_bytes(mutated(content, rng))
        begun = time.perf_counter()
        try:
            table = prepared(path)
        except TautError as error:
            longest = max(longest, len(str(error)))
        else:
            read += 1
            assert np.isfinite(table.X).all()
            assert table.X.size < 24 * 200
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 5  # seconds
    assert longest < 3000  # characters: a long value is not repeated
    assert ending == ".parquet" or read > count / 100

"""Whole commands on files with faults: an answer or a message, never a traceback, and nothing half-written."""

import shutil

import numpy as np
import pytest

from ..helpers.mutations import mutated


@pytest.mark.slow
def test_fits_of_tables_with_faults(quick, loans, tmp_path):
    content, rng, codes = loans.read_bytes(), np.random.default_rng(4), []
    for _ in range(100):
        (tmp_path / "table.csv").write_bytes(mutated(content, rng))
        result = quick("fit", "table.csv", "--target", "bad", "--missing", "drop", "--out", "run")
        codes.append(result.exit_code)
        assert result.exit_code in (0, 2, 3), result.stderr
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert {path.name for path in tmp_path.iterdir()} <= {"table.csv", "run"}
        assert (tmp_path / "run" / "fit.json").exists() == (result.exit_code != 2)
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert min(codes.count(0), codes.count(2)) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fit.json", "arrays.npz"])
def test_predictions_of_saved_fits_with_faults(taut, loans, saved, tmp_path, name):
    rng, run = np.random.default_rng(5), shutil.copytree(saved, tmp_path / "run")
    content, expected = (run / name).read_bytes(), taut("predict", run, loans).stdout
    for _ in range(100):
        (run / name).write_bytes(mutated(content, rng))
        result = taut("predict", run, loans)
        assert result.exit_code in (0, 2), result.stderr
        assert result.stdout == (expected if result.exit_code == 0 else "")
        if result.exit_code == 2:
            assert name in result.stderr or "different fits" in result.stderr

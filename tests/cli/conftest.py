"""Small tables to fit, and the command line without a process, so that JAX compiles once for all tests."""

import numpy as np
import pytest
from typer.testing import CliRunner

import taut as library
from taut.cli.app import app

ROWS = 60


@pytest.fixture(scope="session")
def loans(tmp_path_factory):
    """A table with numbers, a category, true/false and a target "bad" of two labels, yes and no."""
    rng = np.random.default_rng(0)
    age, income = rng.integers(20, 70, ROWS), rng.normal(30, 8, ROWS).round(2)
    job = rng.choice(["baker", "clerk", "cook"], ROWS)
    owner = rng.choice(["true", "false"], ROWS)
    bad = np.where(rng.random(ROWS) < 1 / (1 + np.exp(0.1 * (income - 30))), "yes", "no")
    lines = [
        "age,income,job,owner,bad",
        *(",".join(map(str, row)) for row in zip(age, income, job, owner, bad, strict=True)),
    ]
    path = tmp_path_factory.mktemp("data") / "loans.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def taut(tmp_path, monkeypatch):
    """Run a command line in an empty folder: `taut("fit", path)` gives `exit_code`, `stdout` and `stderr`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")  # so that no message is broken into lines

    def run(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="taut")

    return run


@pytest.fixture
def quick(taut, monkeypatch):
    """The same without the report page, which costs more than the fit."""
    monkeypatch.setattr(library.report, "page", lambda fit, path: path)
    return taut


@pytest.fixture(scope="session")
def saved(loans, tmp_path_factory):
    """Folder of a saved fit of the loans; not to be written to."""
    folder = tmp_path_factory.mktemp("saved") / "loans"
    result = CliRunner().invoke(app, ["fit", str(loans), "--target", "bad", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A .npy file with 60 images of 6 x 6 bytes: grey bars, upright or lying."""
    rng = np.random.default_rng(0)
    bars = np.zeros((60, 6, 6))
    for image, place, upright in zip(bars, rng.integers(0, 6, 60), rng.random(60) < 0.5, strict=True):
        image[(slice(None), place) if upright else place] = 1
    path = tmp_path_factory.mktemp("pictures") / "bars.npy"
    np.save(path, (255 * np.clip(0.8 * bars + 0.1 * rng.random(bars.shape), 0, 1)).round().astype(np.uint8))
    return path


SMALL = ("--hidden", "8", "--latent", "2", "--batch-size", "16", "--steps", "40", "--draws", "5")
"""A network and a training that are over at once."""


@pytest.fixture(scope="session")
def autoencoder(pictures, tmp_path_factory):
    """Folder of a saved autoencoder of the pictures; not to be written to."""
    folder = tmp_path_factory.mktemp("saved") / "bars"
    result = CliRunner().invoke(app, ["vae", str(pictures), *SMALL, "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return folder

"""`taut fit`: what it prints and leaves behind, by every way to end."""

import json
import signal

import numpy as np
import polars as pl
import pytest

import taut as library
from taut.learning.ended import Ended

KEYS = {
    "elbo",
    "expected_log_likelihood",
    "kl",
    "family",
    "gradient",
    "algorithm",
    "ended",
    "iterations",
    "gradient_evaluations",
    "rows",
    "seconds",
    "coefficients",
}
COEFFICIENT = {"name", "mean", "sd", "lower", "upper", "mean_standardised", "sd_standardised"}


def test_prints_the_table_and_writes_a_page(taut, loans, tmp_path):
    result = taut("fit", loans, "--target", "bad")
    assert result.exit_code == 0, result.stderr
    for word in ("income", "job=clerk", "job=cook", "owner", "ELBO", "nats", "ended: by its own"):
        assert word in result.stdout
    assert "taut-report-loans.html" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taut-report-loans.html"]


def test_bundled_data_reach_the_known_optimum(quick):
    result = quick("fit", "breast-cancer", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["elbo"] == pytest.approx(-55.46514, abs=1e-5)


def test_json_is_one_object_with_everything(quick, loans):
    result = quick("fit", loans, "--target", "bad", "--json")
    said = json.loads(result.stdout)
    assert said.keys() >= KEYS
    assert all(row.keys() >= COEFFICIENT for row in said["coefficients"])
    assert [row["name"] for row in said["coefficients"]] == [
        "intercept",
        "age",
        "income",
        "job=clerk",
        "job=cook",
        "owner",
    ]
    assert said["elbo"] == pytest.approx(said["expected_log_likelihood"] - said["kl"])
    assert (said["ended"], said["rows"]) == ("converged", 60)
    assert said["seconds"]["total"] > 0


def test_says_what_the_library_says(quick, loans):
    said = json.loads(quick("fit", loans, "--target", "bad", "--json").stdout)
    frame = pl.read_csv(loans)
    fit = library.fit(library.models.LogisticRegression(), (frame.drop("bad"), frame["bad"]))
    assert said["elbo"] == fit.elbo
    assert said["coefficients"] == fit.to_json()["coefficients"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"family": "full-rank", "gradient": "exact", "algorithm": "natural gradient"}),
        (["--family", "mean-field"], {"family": "mean-field", "algorithm": "natural gradient"}),
        (
            ["--algorithm", "stochastic", "--gradient", "exact", "--steps", "40"],
            {"gradient": "exact", "iterations": 40},
        ),
        (
            ["--gradient", "reparametrization", "--samples", "3", "--steps", "40"],
            {
                "samples": 3,
                "gradient_evaluations": 120 + 8 * 64,
            },  # the second for the verdict, of which a step is measured
        ),
        (
            ["--gradient", "reinforce", "--control", "moving-average", "--steps", "40"],
            {"gradient": "reinforce", "samples": 50},
        ),
        (
            ["--gradient", "measure-valued", "--samples", "2", "--steps", "5", "--family", "mean-field"],
            {"gradient": "measure-valued", "samples": 2},
        ),
        (
            ["--gradient", "reinforce", "--control", "delta", "--samples", "4", "--steps", "5"],
            {"gradient": "reinforce", "samples": 4},
        ),
        (["--family", "low-rank", "--gradient", "reparametrization", "--steps", "40"], {"family": "low-rank"}),
        (["--gradient", "auto", "--steps", "40"], {"gradient": "exact", "algorithm": "stochastic gradient"}),
        (["--batch-size", "20", "--steps", "40"], {"batch_size": 20, "algorithm": "stochastic gradient"}),
        (["--learning-rate", "0.01", "--steps", "40"], {"algorithm": "stochastic gradient", "ended": "budget_spent"}),
        (["--dtype", "float32", "--seed", "7"], {"dtype": "float32", "seed": 7}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_choose_the_sentences(quick, loans, options, expected):
    result = quick("fit", loans, "--target", "bad", "--json", *options)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert {key: said[key] for key in expected} == expected


def test_every_estimator_and_control_has_a_name_here():
    from typing import get_args

    from taut.choosing.names import CONTROLS, GRADIENTS
    from taut.cli import options

    def named(option):
        return set(get_args(get_args(get_args(option)[0])[0]))

    assert named(options.Gradient) == {"auto", *GRADIENTS}
    assert named(options.Control) == set(CONTROLS)


def test_options_choose_model_and_label(quick, loans):
    def means(*options):
        rows = json.loads(quick("fit", loans, "--target", "bad", "--json", *options).stdout)["coefficients"]
        return {row["name"]: row["mean_standardised"] for row in rows}

    plain = means()
    assert means("--positive", "no") == pytest.approx({name: -mean for name, mean in plain.items()}, abs=1e-4)
    assert "intercept" not in means("--no-intercept")
    shrunk = means("--prior-scale", "0.01")
    assert shrunk.keys() == plain.keys()
    assert all(abs(mean) < 0.01 for mean in shrunk.values())
    raw = json.loads(quick("fit", loans, "--target", "bad", "--json", "--no-standardise").stdout)["coefficients"]
    assert [row["name"] for row in raw] == list(plain)
    assert all(row["mean"] == row["mean_standardised"] for row in raw)


def test_missing_values_are_dropped_on_demand(quick, loans, tmp_path):
    path = tmp_path / "holes.csv"
    lines = loans.read_text().splitlines()
    lines[3] = "," + lines[3].split(",", 1)[1]
    path.write_text("\n".join(lines))
    assert quick("fit", path, "--target", "bad").exit_code == 2
    assert json.loads(quick("fit", path, "--target", "bad", "--missing", "drop", "--json").stdout)["rows"] == 59


@pytest.mark.parametrize("ending", [".tsv", ".csv.gz", ".parquet"])
def test_other_files_give_the_same_fit(quick, loans, tmp_path, ending):
    import gzip

    path, frame = tmp_path / f"loans{ending}", pl.read_csv(loans)
    if ending == ".parquet":
        frame.write_parquet(path)
    else:
        text = frame.write_csv(separator="\t" if ending == ".tsv" else ",")
        path.write_bytes(gzip.compress(text.encode()) if ending == ".csv.gz" else text.encode())
    result = quick("fit", path, "--target", "bad", "--json")
    assert (
        json.loads(result.stdout)["elbo"] == json.loads(quick("fit", loans, "--target", "bad", "--json").stdout)["elbo"]
    )
    assert "taut-report-loans.html" in result.stderr


def test_out_keeps_fit_and_page_and_no_checkpoint(taut, loans, tmp_path):
    result = taut("fit", loans, "--target", "bad", "--out", "runs/loans", "--json")
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "runs" / "loans").iterdir()) == [
        "arrays.npz",
        "fit.json",
        "report.html",
    ]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["loans"]  # nothing hidden beside it either
    assert library.load(tmp_path / "runs" / "loans").elbo == json.loads(result.stdout)["elbo"]


def test_diverged_is_said_saved_and_code_3(taut, loans):
    wild = ["--gradient", "reinforce", "--control", "none", "--samples", "1", "--learning-rate", "1e6", "--steps", "50"]
    result = taut("fit", loans, "--target", "bad", "--out", "run", "--json", *wild)
    assert result.exit_code == 3
    said = json.loads(result.stdout)
    assert (said["ended"], said["verdict"]["trust"]["answer"]) == ("diverged", "unusable")
    assert "diverged" in result.stderr
    assert "learning rate" in result.stderr
    assert library.load("run").ended is Ended.DIVERGED


@pytest.fixture
def interrupted(monkeypatch):
    """The next long fit gets a real SIGINT after its first chunks; a later one runs through."""
    from taut.learning import progress

    seen = progress.ProgressBar.__call__
    pending = [True]

    def interrupt(self, made, history):
        seen(self, made, history)
        if made > 40 and pending:
            pending.clear()
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress.ProgressBar, "__call__", interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    yield
    signal.signal(signal.SIGINT, before)


LONG = ["--gradient", "reparametrization", "--samples", "2", "--steps", "300"]


def test_ctrl_c_keeps_the_last_good_state(taut, loans, interrupted):
    result = taut("fit", loans, "--target", "bad", "--json", *LONG)
    assert result.exit_code == 130
    said = json.loads(result.stdout)
    assert said["ended"] == "interrupted"
    assert 40 < said["iterations"] < 300
    assert "interrupted" in result.stderr


def test_an_interrupted_run_goes_on_and_equals_the_unbroken_one(quick, loans, tmp_path, interrupted):
    command = ["fit", loans, "--target", "bad", *LONG, "--json"]
    first = quick(*command, "--out", "run")
    assert first.exit_code == 130
    assert "--resume" in first.stderr
    refused = quick(*command, "--out", "run")
    assert refused.exit_code == 2
    assert "--no-resume" in refused.stderr
    again = quick(*command, "--out", "run", "--resume")
    assert again.exit_code == 0, again.stderr
    assert not (tmp_path / "run" / "checkpoint.npz").exists()
    whole = json.loads(quick(*command).stdout)
    assert json.loads(again.stdout)["coefficients"] == whole["coefficients"]
    np.testing.assert_array_equal(library.load("run").history["elbo"].size, 300)


def test_no_resume_begins_anew(quick, loans, interrupted):
    command = ["fit", loans, "--target", "bad", *LONG, "--json", "--out", "run"]
    assert quick(*command).exit_code == 130
    other = [*command[:-3], "--seed", "5", *command[-3:]]
    resumed = quick(*other, "--resume")
    assert resumed.exit_code == 2
    assert "seed" in resumed.stderr
    anew = quick(*other, "--no-resume")
    assert json.loads(anew.stdout)["iterations"] == 300


def test_ctrl_c_before_the_first_step_leaves_nothing(quick, loans, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "fit", interrupt)
    result = quick("fit", loans, "--target", "bad", "--out", "run", "--json")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())

"""The commands for images: what they print, keep and leave alone."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

import taut as library
from taut.core.array_files import read_arrays
from taut.diagnostics.constraint_checks import sentences

pytestmark = pytest.mark.slow  # each command compiles a training of its own
SMALL = ("--hidden", "8", "--latent", "2", "--batch-size", "16", "--steps", "40", "--draws", "5")
KEYS = {
    "elbo",
    "expected_log_likelihood",
    "kl",
    "log_marginal",
    "active_units",
    "objective",
    "multiplier",
    "violation",
    "ended",
    "images_per_second",
    "seconds",
    "binarisation",
    "seed",
    "split",
    "data",
    "validation",
}


@pytest.fixture
def run(autoencoder, tmp_path):
    """A copy of the saved autoencoder that may be written to."""
    return shutil.copytree(autoencoder, tmp_path / "run")


def test_json_says_everything_and_where_it_is_from(taut, pictures):
    result = taut("vae", pictures, *SMALL, "--seed", "3", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert set(said) >= KEYS
    assert said["elbo"] == pytest.approx(said["expected_log_likelihood"] - said["kl"])
    assert {"value", "standard_error", "effective_sample_size"} <= set(said["log_marginal"])
    assert said["log_marginal"]["draws"] == 5
    assert said["log_marginal"]["value"] >= said["elbo"]  # the log of a mean of weights, the mean of their logs
    assert said["binarisation"] == {"kind": "dynamic", "seed": 3}
    assert (said["split"], said["seed"], said["ended"]) == ("test", 3, "budget_spent")
    sizes = {name: said["data"][name] for name in ("train", "validation", "test")}
    assert sizes == {"train": 49, "validation": 5, "test": 6}  # a tenth, and a tenth of the rest
    assert said["rows"] == 49  # nothing else is trained on
    assert said["images"] == 6
    assert said["multiplier"] is None
    assert "taut-report-bars" in result.stderr


def test_the_table_and_the_folder(taut, autoencoder):
    fit = library.load(autoencoder)
    assert {path.name for path in autoencoder.iterdir()} == {"fit.json", "arrays.npz", "report.html"}
    assert fit.model.decoder.layers[0].weight.shape == (2, 8)
    shown = taut("evaluate", autoencoder, "--draws", "5").stdout
    assert "ELBO" in shown
    assert "log p(x)" in shown
    assert "dynamic, seed 0" in shown


def test_a_constraint_shows_its_multiplier(quick, pictures):
    result = quick("vae", pictures, *SMALL, "--objective", "kl<=1", "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 0
    assert said["objective"] == "kl<=1"
    assert list(said["multiplier"]) == list(said["violation"]) == ["kl<=1"]
    assert said["equivalent_beta"] == pytest.approx(said["multiplier"])  # of a bound on the KL, in float32 and float64
    checks = {check["split"]: check for check in said["constraints"]}
    assert list(checks) == ["training", "validation", "test"]
    assert checks["training"]["violation"] == pytest.approx(said["violation"]["kl<=1"])
    assert checks["validation"]["value"] == pytest.approx(said["validation"]["kl"])
    assert checks["test"]["value"] == pytest.approx(said["kl"])
    assert checks["test"]["met"] == (said["kl"] < 1.0005)


def test_terminal_page_and_text_say_of_a_constraint_the_same(taut, pictures):
    result = taut("vae", pictures, *SMALL, "--objective", "expected_log_likelihood>=-3", "--out", "run")
    assert result.exit_code == 0, result.stderr
    fit = library.load("run")
    (line,) = sentences(fit.constraint_checks)
    assert [check.met for check in fit.constraint_checks] == [False] * 3  # far too few steps
    assert "missed by" in line
    assert " ".join(line.split()) in " ".join(result.stdout.split())
    assert line in str(fit)
    page = html.unescape(re.sub(r"<[^>]*>", "", Path("run/report.html").read_text("utf-8")))
    assert " ".join(line.split()).replace("-", "\N{MINUS SIGN}") in " ".join(page.split())
    assert "is met" not in page
    evaluated = taut("evaluate", "run", "--draws", "5")
    (line,) = sentences(library.load("run").constraint_checks)
    assert " ".join(line.split()) in " ".join(evaluated.stdout.split())


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["--discrete"], "dynamic"),
        (["--convolutional"], "dynamic"),
        (["--likelihood", "gaussian"], "none"),
        (["--likelihood", "relaxed", "--binarize", "none"], "none"),
        (["--binarize", "threshold", "--objective", "iwae=3"], "threshold"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_other_models(quick, pictures, options, kind):
    result = quick("vae", pictures, *SMALL, *options, "--steps", "40", "--out", "run", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["binarisation"]["kind"] == kind
    assert np.isfinite(said["elbo"])
    fit = library.load("run")
    assert fit.elbo == said["validation"]["elbo"]


def test_epochs_are_passes_over_the_training_images(quick, pictures):
    options = ["--hidden", "8", "--latent", "2", "--batch-size", "16", "--draws", "2"]
    said = json.loads(quick("vae", pictures, *options, "--epochs", "4", "--json").stdout)
    assert said["iterations"] == 4 * (49 // 16)


def test_evaluate_keeps_its_figures_with_the_run(taut, run):
    before = library.load(run)
    said = json.loads(taut("evaluate", run, "--draws", "7", "--seed", "1", "--ais", "3", "--json").stdout)
    assert said["draws"] == 7
    assert said["annealed"]["log_marginal"]["images"] == 3
    again = library.load(run)
    assert json.loads(str(again.evidence["record"]))["evaluation"]["elbo"] == said["elbo"]
    x = np.zeros((1, 6, 6))
    assert np.array_equal(again.encode(x)[0], before.encode(x)[0])
    page = run / "report.html"
    page.unlink()
    assert taut("report", run).exit_code == 0
    assert "annealed importance sampling" in page.read_text(encoding="utf-8")


def test_samples_are_a_picture_or_arrays(taut, run, tmp_path):
    from matplotlib import image

    assert taut("sample", run, "-n", "9").exit_code == 0
    picture = image.imread(run / "samples.png")
    assert picture.shape[1] > picture.shape[0]  # 8 columns, 2 rows
    assert taut("sample", run, "-n", "9", "--seed", "4", "--out", "s.npz").exit_code == 0
    with np.load(tmp_path / "s.npz") as drawn:
        assert drawn["x"].shape == (9, 6, 6)
        assert np.array_equal(drawn["z"], library.load(run).sample(9, 4)["z"])


def test_codes_are_in_the_images_own_order(taut, run, pictures, tmp_path):
    import polars as pl

    shown = pl.read_csv(taut("encode", run, pictures).stdout.encode())
    assert shown.columns == ["split", "mean_0", "mean_1", "sd_0", "sd_1"]
    assert shown.height == 60
    assert taut("encode", run, pictures, "--out", "codes.npz").exit_code == 0
    with np.load(tmp_path / "codes.npz") as codes:
        assert np.allclose(codes["mean"][:, 1], shown["mean_1"], atol=1e-5)
    reordered = tmp_path / "reordered.npy"
    images = np.load(pictures)
    images[0], images[59] = 0, 255  # black and white are certain whatever is drawn
    np.save(reordered, images)
    taut("encode", run, reordered, "--out", "codes.csv")
    mean = pl.read_csv(tmp_path / "codes.csv").select("mean_0", "mean_1").to_numpy()
    own = library.load(run).encode(np.stack([np.zeros((6, 6)), np.ones((6, 6))]))[0]
    assert np.allclose(mean[[0, 59]], own, atol=1e-4)


def test_the_curve_is_a_table_and_a_figure(taut, pictures, tmp_path):
    options = ["--hidden", "8", "--latent", "2", "--steps", "20", "--betas", "1,2", "--json"]
    result = taut("rate-distortion", pictures, *options)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert [(line["sweep"], line["given"]) for line in said["curve"][:2]] == [("beta", 1.0), ("beta", 2.0)]
    assert [line["sweep"] for line in said["curve"][2:]] == ["alpha", "alpha"]
    for line in said["curve"]:
        assert line["elbo"] == pytest.approx(-line["distortion"] - line["rate"])
        assert line["beta"] == pytest.approx(1 / line["multiplier"])
    assert said["binarisation"]["kind"] == "dynamic"
    assert (tmp_path / "taut-rate-distortion-bars.npy.svg").read_text().lstrip().startswith("<?xml")


def test_tensorboard_gets_the_course_of_training(quick, pictures, monkeypatch):
    written = []

    class SummaryWriter:
        def __init__(self, folder):
            self.folder = folder

        def add_scalar(self, tag, value, step):
            written.append((tag, value, step))

        def close(self):
            written.append("closed")

    monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=SummaryWriter))
    result = quick("vae", pictures, *SMALL, "--objective", "kl<=1", "--log-dir", "logs", "--json")
    assert result.exit_code == 0, result.stderr
    assert written[-1] == "closed"
    assert {tag for tag, _, _ in written[:-1]} >= {"elbo", "expected_log_likelihood", "kl", "multiplier/0"}
    assert written[-2][2] == 40


def test_an_interrupted_run_is_kept_and_goes_on(quick, pictures, monkeypatch):
    whole = json.loads(quick("vae", pictures, *SMALL, "--out", "whole", "--json").stdout)
    from taut.learning import progress

    seen = progress.ProgressBar.__call__

    def interrupt(self, made, history):
        seen(self, made, history)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(progress.ProgressBar, "__call__", interrupt)
        result = quick("vae", pictures, *SMALL, "--out", "run", "--json")
    assert result.exit_code == 130
    said = json.loads(result.stdout)
    assert (said["ended"], said["elbo"]) == ("interrupted", None)
    assert "--resume" in result.stderr
    again = json.loads(quick("vae", pictures, *SMALL, "--out", "run", "--resume", "--json").stdout)
    assert again["elbo"] == whole["elbo"]
    assert arrays("run") == arrays("whole")


def arrays(folder):
    """What was learned, as bytes."""
    saved = read_arrays(Path(folder) / "arrays.npz")[0]
    return {name: x.tobytes() for name, x in saved.items() if name.startswith(("model", "family", "history"))}


EAGER = """
import taut.learning.checkpoints
taut.learning.checkpoints.Checkpoint.__new__.__defaults__ = (0.0, True)  # saved at every chance
from taut.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["annealed", "kl<=1"])
def test_after_a_kill_the_end_is_the_same_to_the_last_bit(pictures, tmp_path, objective):
    size = ["--hidden", "16", "--latent", "2", "--batch-size", "16", "--steps", "4000", "--draws", "2"]
    command = [sys.executable, "-c", EAGER, "vae", str(pictures), *size, "--objective", objective]
    environment = os.environ | {"TAUT_CACHE_DIR": str(tmp_path / "cache")}

    def start(*options):
        return subprocess.Popen(
            [*command, *options], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    whole = start("--out", "whole")
    said = whole.communicate()[1]
    assert whole.returncode == 0, said
    for attempt in range(3):
        process = start("--out", "run", "--resume")
        while not (tmp_path / "run" / "checkpoint.npz").exists() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.3 * attempt)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = start("--out", "run", "--resume")
    said = last.communicate()[1]
    assert last.returncode == 0, said
    assert arrays(tmp_path / "run") == arrays(tmp_path / "whole")

"""`taut verdict`: what a saved fit says of itself."""

import json
import shutil

import pytest

import taut as library

from ..helpers.saved_fits import changed


def told(text):
    return " ".join(text.split())


def test_two_lines_and_what_was_measured(taut, saved):
    result = taut("verdict", saved)
    assert result.exit_code == 0, result.stderr
    assert told(result.stdout).startswith(told(str(library.load(saved).verdict)))
    for name in ("largest shift", "sd ratio", "effective draws", "k-hat", "half-variance"):
        assert name in result.stdout


def test_json_is_what_the_fit_says(taut, saved):
    result = taut("verdict", saved, "--json")
    said = json.loads(result.stdout)
    assert said == json.loads((saved / "fit.json").read_text())["fit"]["verdict"]
    assert set(said) == {"converged", "trust", "rungs", "words"}
    assert said["converged"]["answer"] == "yes"


def test_fitting_ends_with_it(quick, loans):
    result = quick("fit", loans, "--target", "bad", "--out", "run")
    assert told(str(library.load("run").verdict)) in told(result.stdout)
    said = json.loads(quick("fit", loans, "--target", "bad", "--json").stdout)
    assert said["verdict"]["words"] == str(library.load("run").verdict)


def test_an_autoencoder_has_one(taut, autoencoder):
    result = taut("verdict", autoencoder)
    assert result.exit_code == 0, result.stderr
    assert told(result.stdout).startswith(told(str(library.load(autoencoder).verdict)))
    assert "encoder gap" in result.stdout


def test_a_log_density_needs_no_code(taut, tmp_path):
    import jax.numpy as jnp

    model = library.models.LogDensity(lambda v: -0.5 * jnp.sum(v["x"] ** 2), parameters={"x": library.models.real(2)})
    fit = library.fit(model)
    fit.save(tmp_path / "run")
    assert told(taut("verdict", "run").stdout).startswith(told(str(fit.verdict)))


def test_a_fit_that_diverged_is_unusable_with_code_3(taut, saved, tmp_path):
    run = shutil.copytree(saved, tmp_path / "run")
    change(run, lambda fit: fit.update(ended="diverged", verdict=None))
    result = taut("verdict", run, "--json")
    assert result.exit_code == 3
    said = json.loads(result.stdout)
    assert (said["converged"]["answer"], said["trust"]["answer"]) == ("no", "unusable")
    assert "diverged" in result.stderr


def test_an_older_fit_has_none(taut, saved, tmp_path):
    run = shutil.copytree(saved, tmp_path / "run")
    change(run, lambda fit: fit.pop("verdict"))
    result = taut("verdict", run)
    assert result.exit_code == 2
    assert "Fit again" in result.stderr


def change(run, how):
    changed(run, lambda meta: how(meta["fit"]))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: (run / "fit.json").unlink(),
        lambda run: (run / "fit.json").write_text("{"),
        lambda run: change(run, lambda fit: fit.update(verdict={"converged": {}})),
    ],
    ids=["empty", "cut short", "verdict damaged"],
)
def test_a_bad_folder_is_refused(taut, saved, tmp_path, spoil):
    run = shutil.copytree(saved, tmp_path / "run")
    spoil(run)
    result = taut("verdict", run)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_no_folder_at_all(taut):
    assert taut("verdict", "nowhere").exit_code == 2

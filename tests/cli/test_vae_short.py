"""One training of an autoencoder from the command line, short enough for every `make test`; the others are slow."""

import json

import pytest

import taut as library

SMALL = ("--hidden", "4", "--latent", "2", "--batch-size", "16", "--steps", "5", "--draws", "2")


def test_a_short_training_is_reported_and_saved(quick, pictures):
    result = quick("vae", pictures, *SMALL, "--out", "run", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["elbo"] == pytest.approx(said["expected_log_likelihood"] - said["kl"])
    assert -36 < said["elbo"] < -18  # 36 pixels: a fair coin for each is -25 nats, and 5 steps change little
    assert (said["iterations"], said["ended"]) == (5, "budget_spent")
    assert said["provenance"]["data"] == "bars.npy"
    assert said["provenance"]["fingerprint"].startswith("SHA-256 ")
    assert said["provenance"]["images"] == "60"
    assert said["provenance"]["command"].startswith("taut vae ")
    fit = library.load("run")
    assert fit.provenance == said["provenance"]
    assert fit.elbo == said["validation"]["elbo"]
    assert fit.model.decoder.layers[0].weight.shape == (2, 4)

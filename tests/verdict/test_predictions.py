"""The verdict on predictions, from draws whose weights and chains are made by hand."""

import numpy as np
import pytest
from scipy.stats import norm

import taut
from taut.diagnostics.elbo import Bound
from taut.verdict.convergence import Convergence
from taut.verdict.judge import Judgement
from taut.verdict.predictions import PredictionQuality, quality
from taut.verdict.trust import trust_from_weights
from taut.verdict.verdict import Verdict

N = 4000
Z = norm.ppf((np.random.default_rng(0).permutation(N) + 0.5) / N)[:, None]


def judged(log_weights, converged="yes", weights=None, **how):
    """A judgement of these draws of one unknown."""
    trust, weighing = trust_from_weights(log_weights, Z, ("a",), converged=converged)
    corrected = trust.answer == "corrected"
    weights = weighing.smoothed.weights if corrected else np.full(N, 1 / N)
    verdict = Verdict(Convergence(converged, "", None), trust)
    return Judgement(verdict, Bound(0.0, 0.0, 0.0, 0.0), Z, weights, log_weights, np.zeros(N), **how)


def test_equal_weights_move_no_predictor():
    said = quality(judged(np.zeros(N)), Z @ np.ones((1, 3)))
    assert (said.answer, said.rows) == ("good", 3)
    assert (said.shift, said.ratio) == pytest.approx((0, 0), abs=1e-9)


def test_a_shift_is_applied_where_the_whole_is_corrected():
    """The posterior is N(0.3, 1) and the predictor twice the unknown: its mean moves by 0.3 of its sds."""
    said = quality(judged(norm.logpdf(Z[:, 0], 0.3) - norm.logpdf(Z[:, 0])), 2 * Z)
    assert said.answer == "corrected"
    assert said.shift == pytest.approx(0.3, abs=0.01)
    assert "predict() applies them" in said.reason


def test_a_whole_in_doubt_leaves_predictions_in_doubt():
    said = quality(judged(np.zeros(N), converged="no"), Z)
    assert said.answer == "suspect"
    assert np.isnan(said.shift)
    assert PredictionQuality.from_json(said.to_json()).answer == "suspect"


def test_chains_may_have_settled_on_predictors_and_not_on_an_unknown():
    """Forty chains that each stay at their own value of the unknown, which the predictor does not depend on."""
    whole = judged(np.zeros(N), converged="no", of_q=False, chains=40)
    free, stuck = np.random.default_rng(1).normal(size=(N, 1)), np.repeat(np.arange(40.0), N // 40)[:, None]
    assert quality(whole, free).answer == "corrected"
    said = quality(whole, free + stuck)
    assert (said.answer, said.reason) == ("suspect", "chains have not settled on the predictors")


def test_a_regression_keeps_what_it_says(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 3))
    fit = taut.fit(taut.models.LogisticRegression(), (X, random.random(80) < 1 / (1 + np.exp(-X[:, 0]))))
    assert fit.predictions.answer == "good"
    fit.save(tmp_path / "run")
    loaded = taut.load(tmp_path / "run")
    assert loaded.predictions == fit.predictions
    assert loaded.to_json()["predictions"] == fit.predictions.to_json()

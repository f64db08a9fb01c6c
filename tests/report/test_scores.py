"""Leaving rows out by weights gives what leaving them out by refits gives."""

import dataclasses

import numpy as np
import pytest
from sklearn import metrics

import taut
from taut.report import Evidence, page
from taut.report.scores import Scores, left_out, measures


@pytest.fixture(scope="module")
def small():
    random = np.random.default_rng(0)
    X = random.normal(size=(24, 2))
    return X, (random.uniform(size=24) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(int)


@pytest.fixture(scope="module")
def fitted(small):
    return taut.fit(taut.models.LogisticRegression(standardise=False), small)


def test_rows_left_out_by_weights_are_predicted_as_by_refits(fitted, small):
    X, y = small
    z = fitted.draws_of_answer(4000, 0)[0]
    found, k_hat = left_out(fitted, z, fitted.design.matrix(X), y.astype(float), np.ones(24))
    kept = [np.arange(24) != i for i in range(24)]
    refits = [taut.fit(fitted.model, (X[k], y[k])).predict(X[~k]).probability[0] for k in kept]
    # The standard error of a probability by 4,000 draws is 0.002 on average, and its largest is near 0.01.
    assert np.abs(found - refits).max() < 0.02
    assert np.abs(found - refits).mean() < 0.005
    assert k_hat.max() < 0.7
    plain = fitted.predict(X).probability
    assert np.abs(found - plain).max() > 0.05, "or leaving out would change nothing"


def test_a_row_of_weight_zero_is_predicted_as_a_new_one(fitted, small):
    X, y = small
    z = fitted.draws_of_answer(4000, 0)[0]
    found, _ = left_out(fitted, z, fitted.design.matrix(X), y.astype(float), np.zeros(24))
    assert np.abs(found - fitted.predict(X).probability).max() < 0.02


def test_the_measures_are_those_of_scikit_learn(small):
    y = small[1].astype(float)
    p, weights = np.random.default_rng(1).uniform(size=(2, 24))
    p, weights[::5] = (p * 4).round() / 4, 0.0  # ties, probabilities of 0 and 1, and rows that do not count
    expected = [
        metrics.log_loss(y, p, sample_weight=weights),
        metrics.brier_score_loss(y, p, sample_weight=weights),
        metrics.roc_auc_score(y, p, sample_weight=weights),
        weights @ ((p > 0.5) == y) / weights.sum(),
    ]
    np.testing.assert_allclose(measures(y, p, weights), expected, rtol=1e-12)
    assert len(np.unique(p)) < 6
    assert {0.0, 1.0} < set(p)
    assert np.isnan(measures(np.ones(3), p[:3], np.ones(3))).all()
    assert np.isnan(measures(np.array([0.0, 1.0]), p[:2], np.array([1.0, 0.0]))).all()


def test_a_fit_looks_better_on_the_rows_it_has_seen(fitted, small):
    found = Evidence.gather(fitted, small).scores
    assert found.fitted[0] < found.left_out[0]
    assert found.counts.tolist()[:2] == [24, 24]
    again = Evidence.from_arrays(Evidence.gather(fitted, small).arrays()).scores
    for field in dataclasses.fields(Scores):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(found, field.name))


def test_evidence_of_an_older_fit_has_no_scores(fitted, small):
    arrays = {k: x for k, x in Evidence.gather(fitted, small).arrays().items() if not k.startswith("scores.")}
    assert Evidence.from_arrays(arrays).scores is None


def test_the_page_shows_both_and_where_the_fit_comes_from(fit, loans, tmp_path):
    told = {"file": "loans.csv", "fingerprint": "sha256:0123", "target": "<b>bad</b>"}
    known = dataclasses.replace(fit)
    object.__setattr__(known, "provenance", told)
    text = page(known, tmp_path / "page.html", loans).read_text(encoding="utf-8")
    scores = Evidence.gather(fit, loans).scores
    for value in (*scores.fitted, *scores.left_out):
        assert f"{value:.4f}" in text
    assert "leave-one-out" in text
    assert "sha256:0123" in text
    assert "&lt;b&gt;bad" in text
    assert "job: baker" in text
    assert "Normal(0, 1) on each coefficient of the standardised columns" in text
    age = fit.design.columns[0].name
    scale = fit.summary()["sd"][1] / fit.summary()["sd_standardised"][1]
    assert age == "age"
    assert f"± {scale:.3g}" in text, "the prior for one unit: 1 sd of the prior over the sd of the column"


def test_a_fit_without_provenance_says_what_its_table_says(fit, tmp_path):
    text = page(fit, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "positive label" in text
    assert "&#39;yes&#39;" in text


def test_a_fit_that_keeps_no_origin_has_no_section_on_it(noisy, tmp_path):
    text = page(dataclasses.replace(noisy, provenance={}), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Where it comes from" not in text

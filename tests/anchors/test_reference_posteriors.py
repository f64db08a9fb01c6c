"""Real posteriors with reference values from long Hamiltonian Monte Carlo runs (../shared/data/reference)."""

import json
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

import taut
from taut.learning.ended import Ended


class Case(NamedTuple):
    """A reference, the fit of the same model to the same data, and the two in numbers."""

    reference: dict[str, Any]
    fit: taut.Fit
    X: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


@pytest.fixture(scope="module", params=[("german_credit_numeric", "bad"), ("ionosphere", "good")], ids=lambda p: p[0])
def case(request, shared, design_matrix):
    name, target = request.param
    reference = json.loads((shared / "reference" / f"{name}_logistic.json").read_text())
    file = shared / "classification" / f"{name}.csv"
    columns = file.read_text().splitlines()[0].split(",")
    table = np.loadtxt(file, delimiter=",", skiprows=1)
    # By name: the reference leaves out what is constant. Taut standardises and adds the intercept itself.
    X = table[:, [columns.index(name) for name in reference["names"][1:]]]
    y = table[:, columns.index(target)]
    fit = taut.fit(taut.models.LogisticRegression(), (X, y), family="full-rank")
    with jax.enable_x64(True):
        mean, covariance = np.asarray(fit.posterior.mean), np.asarray(fit.posterior.covariance)
    return Case(reference, fit, design_matrix(X), y, mean, covariance)


def test_the_fit_is_the_optimum_of_its_family(case, quadrature):
    assert case.fit.ended is Ended.CONVERGED
    in_mean, in_covariance = quadrature(case.X, case.y).slopes(case.mean, case.covariance)
    root = np.linalg.cholesky(case.covariance)
    np.testing.assert_allclose(root.T @ in_mean, 0, atol=5e-4)
    np.testing.assert_allclose(root.T @ in_covariance @ root, 0, atol=5e-4)


def test_means_and_sds_are_the_reference(case):
    mean, sd = np.array(case.reference["mean"]), np.array(case.reference["sd"])
    assert np.max(np.abs(case.mean - mean) / sd) < 0.05
    error = np.abs(np.sqrt(np.diag(case.covariance)) / sd - 1)
    # Two coefficients of ionosphere have skewed posteriors, and the Gaussian that is best by KL(q||p) is narrower than
    # they are; that is the family's doing (it is at its optimum, and the next test corrects it), not the algorithm's.
    skewed = {"ionosphere_logistic": {"x1": 0.09, "x28": 0.055}}.get(case.reference["case"], {})
    allowed = [skewed.get(name, 0.05) for name in case.reference["names"]]
    assert np.all(error < allowed), sorted(zip(error, case.reference["names"], strict=True))[-3:]


def test_importance_weights_give_what_the_gaussian_lacks(case):
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(case.covariance)
    noise = rng.standard_normal((24_000, len(case.mean)))
    z = case.mean + noise @ root.T
    log_weight = 0.5 * np.sum(noise**2, 1) - 0.5 * np.sum(z**2, 1) + np.log(np.diag(root)).sum()
    for block in np.array_split(np.arange(len(z)), 20):
        logits = z[block] @ case.X.T
        log_weight[block] += logits @ case.y - np.logaddexp(0, logits).sum(1)
    weight = np.exp(log_weight - log_weight.max())
    share = weight / weight.sum()
    effective = 1 / np.sum(share**2)
    assert effective > 4000
    # The sd of a sample of that size is good to 1/sqrt(2 * 4000) = 1.1 %, the reference's to 0.7 %: 5 % is 3.8 standard
    # errors, which one seed in 150 fails over all coefficients; the seed is fixed.
    corrected = np.sqrt(share @ (z - share @ z) ** 2)
    np.testing.assert_allclose(corrected, case.reference["sd"], rtol=0.05)
    # And they estimate the log evidence, here to 0.014 nats; the reference's bridge estimate is 0.02 away for german
    # credit, more than its stated error.
    assert np.std(weight) / np.mean(weight) / np.sqrt(len(z)) < 0.02
    assert abs(log_weight.max() + np.log(weight.mean()) - case.reference["log_evidence"]) < 0.05


def test_the_elbo_is_below_the_log_evidence_and_not_far(case):
    evidence, error = case.reference["log_evidence"], case.reference["log_evidence_se"]
    assert case.fit.elbo < evidence + 4 * error
    # A Gaussian is a good shape for these posteriors: what is lost is KL(q||posterior).
    assert case.fit.elbo > evidence - 1.5


def test_the_summary_shows_the_corrected_coefficients(case):
    # The verdict corrects both, and with the weights no sd misses by 5 % any more. 4,000 draws are worth about 2,500:
    # paired with the unweighted ones a mean is then good to 0.012 sd, a sd to about 1 %.
    assert case.fit.verdict.converged.answer == "yes"
    assert case.fit.verdict.trust.reliable
    shown = case.fit.summary()
    mean, sd = np.array(case.reference["mean"]), np.array(case.reference["sd"])
    assert np.max(np.abs(np.array(shown["mean_standardised"]) - mean) / sd) < 0.06
    np.testing.assert_allclose(shown["sd_standardised"], sd, rtol=0.06)
    assert shown["name"][0] == case.reference["names"][0] == "intercept"

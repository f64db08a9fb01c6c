"""The scikit-learn estimator: its contract, its exact answers, and what a search over it costs."""

import jax
import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import taut
from taut.algorithms import NaturalGradient
from taut.estimators import BayesianLogisticRegression
from taut.learning.ended import Ended

from ..helpers.compilations import compilations


@pytest.fixture
def small():
    """40 rows of three columns, one of them constant, and labels that are words."""
    random = np.random.default_rng(0)
    X = np.column_stack([random.normal(5.0, 3.0, 40), np.full(40, 7.0), random.normal(0.0, 0.1, 40)])
    y = np.where(X[:, 0] + random.normal(size=40) > 5.0, "tall", "short")
    return X, y


@pytest.mark.slow  # some forty shapes, each a compilation
@parametrize_with_checks([BayesianLogisticRegression(), BayesianLogisticRegression(family="mean-field")])
def test_scikit_learn_contract(estimator, check):
    check(estimator)  # every check is expected to pass


@pytest.mark.parametrize(("family", "elbo"), [("full-rank", -55.46514), ("mean-field", -67.463367)])
def test_elbo_is_the_familys_optimum(breast_cancer, family, elbo):
    model = BayesianLogisticRegression(family=family).fit(*breast_cancer)
    assert model.elbo_ == pytest.approx(elbo, abs=1e-5)
    assert model.result_.ended is Ended.CONVERGED


def test_agrees_with_the_functional_interface(breast_cancer):
    X, y = breast_cancer
    model = BayesianLogisticRegression(prior_scale=2.0, family="full-rank").fit(X, y)
    fit = taut.fit(taut.models.LogisticRegression(taut.models.Normal(0.0, 2.0)), (X, y), family="full-rank")
    assert model.elbo_ == pytest.approx(fit.elbo, abs=1e-6)  # both end within 1e-7 nats of the optimum
    for column in ("mean", "sd"):
        ours, theirs = model.result_.summary()[column].to_numpy(), fit.summary()[column].to_numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-3)  # 1e-7 nats are sqrt(2e-7) = 4e-4 sd of a coefficient
    np.testing.assert_allclose(model.predict_proba(X[:9])[:, 1], model.result_.predict(X[:9]).probability, atol=1e-12)


def test_predictions_integrate_over_the_posterior(small):
    X, y = small
    model = BayesianLogisticRegression().fit(X, y)
    mean, covariance = np.asarray(model.result_.posterior.mean), np.asarray(model.result_.posterior.covariance)
    design = model.result_.design.matrix(X)
    m, sd = design @ mean, np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    exact = [
        quad(lambda t, a=a, b=b: expit(a + b * t) * norm.pdf(t), -10, 10, epsabs=1e-12)[0]
        for a, b in zip(m, sd, strict=True)
    ]
    np.testing.assert_allclose(model.predict_proba(X), np.column_stack([1 - np.array(exact), exact]), atol=1e-8)


def test_coefficients_are_in_the_columns_own_units(small):
    X, y = small
    model = BayesianLogisticRegression().fit(X, y)
    moved = BayesianLogisticRegression().fit(100.0 * X + 3.0, y)
    np.testing.assert_allclose(moved.coef_[0, [0, 2]], model.coef_[0, [0, 2]] / 100.0, rtol=1e-6)
    np.testing.assert_allclose(moved.coef_sd_[0, [0, 2]], model.coef_sd_[0, [0, 2]] / 100.0, rtol=1e-6)
    draws = np.column_stack(list(model.result_.sample(4000).values()))
    error = draws.std(axis=0) / np.sqrt(4000)  # four of these, for four means: a false failure once in 4,000 seeds
    assert np.all(np.abs(draws.mean(axis=0) - np.append(model.intercept_, model.coef_)) < 4 * error)


def test_a_constant_column_keeps_its_prior(small):
    q = BayesianLogisticRegression(prior_scale=1.5).fit(*small).result_.posterior
    assert q.mean[2] == pytest.approx(0.0, abs=1e-9)
    assert np.sqrt(q.covariance[2, 2]) == pytest.approx(1.5, rel=1e-9)


def test_a_correction_leaves_a_constant_column_its_prior(small):
    model = BayesianLogisticRegression(prior_scale=1.5, random_state=2).fit(*small)
    trust = model.result_.verdict.trust
    assert trust.answer == "corrected"
    error = 1.5 / np.sqrt(trust.effective_sample_size)  # five of these, for two numbers: once in a million seeds
    assert abs(model.coef_[0, 1]) < 5 * error
    assert abs(model.coef_sd_[0, 1] - 1.5) < 5 * error


def test_without_an_intercept_zero_means_one_half(small):
    X, y = small
    model = BayesianLogisticRegression(fit_intercept=False).fit(X, y)
    assert model.intercept_ == model.intercept_sd_ == [0.0]
    np.testing.assert_allclose(model.predict_proba(np.zeros((1, 3))), 0.5, atol=1e-12)


@pytest.mark.parametrize("standardise", [True, False])
def test_weights_count_rows(small, standardise):
    X, y = small
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = BayesianLogisticRegression(standardise=standardise).fit(X, y, sample_weight=weights)
    repeated = BayesianLogisticRegression(standardise=standardise).fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert weighted.elbo_ == pytest.approx(repeated.elbo_, abs=1e-9)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8, atol=1e-10)


def test_a_weight_of_zero_is_no_row(small):
    X, y = small
    weights = np.append(np.ones(len(y)), 0.0)
    with_ghost = BayesianLogisticRegression().fit(np.vstack([X, [[1e6, 1e6, 1e6]]]), np.append(y, "ghost"), weights)
    assert with_ghost.classes_.tolist() == ["short", "tall"]
    assert with_ghost.elbo_ == BayesianLogisticRegression().fit(X, y).elbo_


def test_names_come_from_the_table(small):
    X, y = small
    table = pl.DataFrame(X, schema=["height", "seven", "noise"])
    model = BayesianLogisticRegression().fit(table, y)
    assert model.result_.summary()["name"].to_list() == ["intercept", "height", "seven", "noise"]
    assert model.result_.labels.classes == ("short", "tall")
    with pytest.raises(ValueError, match="Two coefficients would have one name"):
        BayesianLogisticRegression().fit(table.rename({"noise": "intercept"}), y)


@pytest.mark.slow
def test_a_search_over_folds_and_scales_compiles_once(breast_cancer):
    jax.clear_caches()
    grid = {"prior_scale": [0.3, 1.0, 3.0, 10.0]}
    # Seven folds of 569 rows are 487 or 488 to learn from and 81 or 82 to score.
    folds = StratifiedKFold(7)
    search = GridSearchCV(BayesianLogisticRegression(), grid, cv=folds, scoring="neg_log_loss", refit=False)
    with compilations() as compiled:
        search.fit(*breast_cancer)
    # One fit, one prediction and the parts of one verdict; the rest is JAX's own small programs.
    assert sum("_run" in name for name in compiled) == 1
    assert sum("_predict" in name for name in compiled) == 1
    assert len(compiled) <= 12, compiled
    assert search.best_params_ == {"prior_scale": 1.0}


@pytest.mark.slow
def test_works_in_pipelines_and_searches_over_families(small):
    X, y = small
    pipeline = make_pipeline(StandardScaler(), BayesianLogisticRegression(standardise=False, random_state=3))
    search = GridSearchCV(pipeline, {"bayesianlogisticregression__family": ["mean-field", "full-rank"]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.8
    assert clone(pipeline)[-1].get_params() == pipeline[-1].get_params()


@pytest.mark.parametrize("arguments", [{"gradient": "reparametrization"}, {"batch_size": 20}])
def test_the_stochastic_algorithm_is_reproducible(small, arguments):
    estimator = BayesianLogisticRegression(family="mean-field", steps=200, **arguments)
    first, second, other = (clone(estimator).set_params(random_state=seed).fit(*small) for seed in (0, 0, 1))
    assert first.result_.algorithm.name == "stochastic gradient"
    np.testing.assert_array_equal(first.coef_, second.coef_)
    assert np.all(first.intercept_ != other.intercept_)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prior_scale": -1.0}, "scale, a standard deviation, positive"),
        ({"prior_scale": "wide"}, "prior_scale='wide' is not known. Names: empirical; or a positive number"),
        ({"family": "meen-field"}, "Did you mean 'mean-field'"),
        ({"gradient": "exakt"}, "Did you mean 'exact'"),
        ({"batch_size": 1000}, "batch_size=1000"),
        ({"family": taut.families.MeanField.around(np.zeros(9))}, "over 9 coordinates and the model has 4"),
    ],
)
def test_wrong_arguments_are_named(small, arguments, message):
    with pytest.raises(taut.errors.ArgumentError, match=message):
        BayesianLogisticRegression(**arguments).fit(*small)


def test_a_fit_cut_short_warns(small):
    with pytest.warns(ConvergenceWarning, match="budget spent"):
        BayesianLogisticRegression(algorithm=NaturalGradient(steps=8)).fit(*small)


class Interrupted(NaturalGradient):
    """Ctrl-C in the first step."""

    def step(self, key, state, batch):
        raise KeyboardInterrupt


def test_an_interrupted_fit_stops_the_search(small):
    with pytest.raises(KeyboardInterrupt):
        BayesianLogisticRegression(algorithm=Interrupted()).fit(*small)

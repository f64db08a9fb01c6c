"""The regressors and the ordinal classifier: scikit-learn's contract, exact answers, weights, offsets, routing."""

import pickle

import numpy as np
import polars as pl
import pytest
import sklearn
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.utils.estimator_checks import parametrize_with_checks

import taut
from taut.errors import DataError
from taut.estimators import (
    BayesianLinearRegression,
    BayesianLogisticRegression,
    BayesianNegativeBinomialRegression,
    BayesianOrdinalRegression,
    BayesianPoissonRegression,
)
from taut.models import Normal, Regression

REGRESSORS = [
    BayesianLinearRegression(),
    BayesianLinearRegression(likelihood="student-t"),
    BayesianPoissonRegression(),
    BayesianNegativeBinomialRegression(),
]


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2)) * [3.0, 0.1] + [5.0, 0.0]
    eta = (X - [5.0, 0.0]) @ [0.2, 3.0]
    return X, eta, random.poisson(np.exp(eta + 1))


@pytest.mark.slow  # some forty shapes, each a compilation
@parametrize_with_checks([REGRESSORS[0], *REGRESSORS[2:], BayesianOrdinalRegression()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)  # every check is expected to pass


def coded(X):
    return np.column_stack([np.ones(len(X)), (X - X.mean(0)) / X.std(0)])


def test_a_linear_regression_is_the_conjugate_answer_over_sigma(table):
    X, eta, _ = table
    y = 40 + 2 * eta + np.random.default_rng(1).normal(size=60)
    model, new = BayesianLinearRegression().fit(X, y), X[:4] + 1.0
    Z, s = coded(X), y.std()
    at_new = np.column_stack([np.ones(4), (new - X.mean(0)) / X.std(0)])
    m0, P0 = np.array([y.mean(), 0, 0]), np.eye(3) / (2.5 * s) ** 2
    sigmas = np.exp(np.linspace(-1.5, 1.5, 400))
    parts = []
    for sigma in sigmas:
        V = np.linalg.inv(P0 + Z.T @ Z / sigma**2)
        m = V @ (P0 @ m0 + Z.T @ y / sigma**2)
        C = sigma**2 * np.eye(60) + Z @ np.linalg.inv(P0) @ Z.T
        away = y - Z @ m0
        evidence = -0.5 * (np.linalg.slogdet(C)[1] + away @ np.linalg.solve(C, away))
        parts.append((evidence + norm.logpdf(sigma, 0, s) + np.log(sigma), m, V))
    log_w, m, V = (np.array(x) for x in zip(*parts, strict=True))
    w = np.exp(log_w - logsumexp(log_w))
    mean = w @ m
    sd = np.sqrt(w @ (np.einsum("cpp->cp", V) + (m - mean) ** 2))
    np.testing.assert_allclose(model.coef_, mean[1:] / X.std(0), atol=0.01 * (sd[1:] / X.std(0)).min())
    np.testing.assert_allclose(model.coef_sd_, sd[1:] / X.std(0), rtol=5e-3)
    expected, spread = model.predict(new, return_std=True)
    np.testing.assert_allclose(expected, at_new @ mean, atol=1e-3 * s)
    eta_c = m @ at_new.T
    variance = w @ (np.einsum("np,cpq,nq->cn", at_new, V, at_new) + (eta_c - at_new @ mean) ** 2 + sigmas[:, None] ** 2)
    np.testing.assert_allclose(spread, np.sqrt(variance), rtol=5e-3)


def test_it_agrees_with_the_functional_interface(table):
    X, _, counts = table
    offset = np.linspace(0, 1, 60)
    model = BayesianPoissonRegression(prior=Normal(0, 1)).fit(X, counts, offset=offset)
    fit = taut.fit(Regression(likelihood="poisson", prior=Normal(0, 1)), (X, counts, offset), progress=False)
    np.testing.assert_allclose(model.coef_, fit.summary()["mean"][1:], rtol=1e-9)
    assert model.elbo_ == pytest.approx(fit.elbo, abs=1e-9)
    ours, theirs = model.predict(X[:5], offset=offset[:5]), fit.predict((X[:5], offset[:5]))
    np.testing.assert_allclose(ours, theirs.mean, atol=5 * theirs.sd.max() / np.sqrt(4000))
    np.testing.assert_allclose(model.predict(X[:5], offset=1.0), np.e * model.predict(X[:5]), rtol=1e-9)


@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_the_spread_of_a_new_response(model, table):
    X, eta, counts = table
    y = counts if "phi" in str(model) or not isinstance(model, BayesianLinearRegression) else eta
    y = y + (np.random.default_rng(2).normal(size=60) if y is eta else 0)
    fitted = clone(model).fit(X, y)
    mean, sd = fitted.predict(X, return_std=True)
    low, high = fitted.predict_interval(X).T
    new_low, new_high = fitted.predict_interval(X, new=True).T
    assert np.all((low < mean) & (mean < high) & (new_low <= low) & (high <= new_high) & (sd > (high - low) / 6))
    draws = fitted.result_.predictor.moments(fitted._rows(X)[0])  # by draws in place of nodes
    np.testing.assert_allclose(draws.mean[:60], mean, atol=5 * (draws.sd / np.sqrt(4000)).max())
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), mean)


@pytest.mark.parametrize("model", [*REGRESSORS[:1], *REGRESSORS[2:3]], ids=str)
def test_weights_repeat_rows(model, table):
    X, _, counts = table
    weights = np.arange(60) % 3
    weighted = clone(model).fit(X, counts, weights)
    repeated = clone(model).fit(X.repeat(weights, 0), counts.repeat(weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6)


@pytest.mark.parametrize("rows", [4, 40])
def test_a_response_that_is_exactly_linear(rows):
    X = np.random.default_rng(0).normal(size=(rows, 1))
    model = BayesianLinearRegression().fit(X, 2 * X[:, 0] + 1)
    np.testing.assert_allclose([model.coef_[0], model.intercept_], [2, 1], atol=1e-3)
    assert model.result_.verdict.trust.answer == "good"
    assert "InverseGamma" in model.result_.provenance["sigma"]


def test_offsets_and_weights_are_routed(table):
    X, _, counts = table
    offset, weights = np.linspace(0, 1, 60), 1.0 + np.arange(60) % 2
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            BayesianPoissonRegression()
            .set_fit_request(offset=True, sample_weight=True)
            .set_score_request(offset=True, sample_weight=True)
        )
        params = {"offset": offset, "sample_weight": weights}
        found = cross_validate(model, X, counts, params=params, cv=2, return_estimator=True, return_indices=True)
    train, test = (found["indices"][part][0] for part in ("train", "test"))
    same = BayesianPoissonRegression().fit(X[train], counts[train], weights[train], offset[train])
    np.testing.assert_allclose(found["estimator"][0].coef_, same.coef_, rtol=1e-9)
    score = same.score(X[test], counts[test], weights[test], offset[test])
    assert found["test_score"][0] == pytest.approx(score, rel=1e-9)


def test_a_search_over_priors(table):
    X, _, counts = table
    search = GridSearchCV(BayesianPoissonRegression(), {"prior": [Normal(0, 0.01), Normal(0, 1), "empirical"]}, cv=2)
    search.fit(X, counts)
    assert search.best_params_["prior"] != Normal(0, 0.01)


def test_names_come_from_the_table(table):
    X, _, counts = table
    model = BayesianPoissonRegression().fit(pl.DataFrame(X, schema=["a", "b c"]), counts)
    assert model.result_.summary()["name"].to_list() == ["Intercept", "a", "b c"]
    with pytest.raises(DataError, match="Two coefficients would have one name"):
        BayesianPoissonRegression().fit(pl.DataFrame(X, schema=["Intercept", "b"]), counts)
    with pytest.raises(DataError, match="counts are 0 or more"):
        BayesianPoissonRegression().fit(X, -counts - 1.0)


def test_without_an_intercept_a_row_of_zeros_has_a_predictor_of_zero(table):
    model = BayesianPoissonRegression(fit_intercept=False).fit(*table[::2])
    assert model.intercept_ == model.intercept_sd_ == 0.0
    np.testing.assert_allclose(model.predict(np.zeros((1, 2))), 1.0)


def test_an_ordinal_regression_by_quadrature():
    random = np.random.default_rng(0)
    x = random.normal(size=50)
    y = np.array(["low", "middle", "high"])[np.digitize(x + random.logistic(size=50), [-0.5, 1.0])]
    model = BayesianOrdinalRegression(levels=["low", "middle", "high"]).fit(x[:, None], y)
    assert model.classes_.tolist() == ["low", "middle", "high"]
    z = (x - x.mean()) / x.std()
    c1, c2, b = np.meshgrid(np.linspace(-3, 2, 90), np.linspace(-1, 4, 90), np.linspace(-1, 4, 90), indexing="ij")
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = np.where(c1 < c2, norm.logpdf(c1, 0, 5) + norm.logpdf(c2, 0, 5) + norm.logpdf(b, 0, 2.5), -np.inf)
        for z_i, y_i in zip(z, y, strict=True):
            below, above = (1 / (1 + np.exp(b * z_i - c)) for c in (c1, c2))
            log_p += np.log({"low": below, "middle": above - below, "high": 1 - above}[y_i])
    p = np.where(c1 < c2, np.exp(log_p - np.nanmax(log_p)), 0.0)
    p /= p.sum()
    mean, square = (p * b).sum(), (p * b**2).sum()
    sd = np.sqrt(square - mean**2)
    assert abs(model.coef_[0] * x.std() - mean) < 0.05 * sd
    assert abs(model.coef_sd_[0] * x.std() / sd - 1) < 0.05
    new = np.array([[0.0], [2.0]])
    z_new = (new - x.mean()) / x.std()
    first = [(p / (1 + np.exp(b * z_i - c1))).sum() for z_i in z_new[:, 0]]
    np.testing.assert_allclose(model.predict_proba(new)[:, 0], first, atol=0.01)
    np.testing.assert_allclose(model.predict_proba(new).sum(1), 1.0)
    with pytest.raises(DataError, match="every label of y is needed"):
        BayesianOrdinalRegression(levels=["low", "high"]).fit(x[:, None], y)


@pytest.mark.parametrize("intercept", [True, False])
def test_three_classes_by_quadrature(intercept):
    random = np.random.default_rng(0)
    x = random.normal(size=40)
    y = np.array(["a", "b", "c"])[np.argmax(np.column_stack([0 * x, x, -x]) + random.gumbel(size=(40, 3)), axis=1)]
    model = BayesianLogisticRegression(fit_intercept=intercept).fit(x[:, None], y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.coef_.shape == (3, 1)
    assert model.intercept_.shape == (3,)
    p = model.predict_proba(x[:, None])
    np.testing.assert_allclose(p.sum(1), 1.0)
    np.testing.assert_array_equal(model.predict(x[:, None]), model.classes_[p.argmax(1)])
    np.testing.assert_allclose(model.decision_function(x[:, None]), np.log(p))
    with pytest.raises(DataError, match="two classes"):
        model.predict_interval(x[:, None])
    if intercept:
        return
    b, c = np.meshgrid(np.linspace(-1, 3, 200), np.linspace(-4, 1, 200), indexing="ij")
    log_p = norm.logpdf(b) + norm.logpdf(c)
    for z, label in zip(x / x.std(), y, strict=True):
        eta = np.stack([0 * b, b * z, c * z])
        log_p += eta["abc".index(label)] - logsumexp(eta, axis=0)
    weights = np.exp(log_p - log_p.max())
    weights /= weights.sum()
    for k, grid in ((1, b), (2, c)):
        mean = (weights * grid).sum()
        sd = np.sqrt((weights * (grid - mean) ** 2).sum())
        assert abs(model.coef_[k, 0] * x.std() - mean) < 0.05 * sd
        assert abs(model.coef_sd_[k, 0] * x.std() / sd - 1) < 0.03

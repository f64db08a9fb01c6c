"""What scikit-learn's users expect of a classifier: scores, intervals, weights, sparse tables, routing, processes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import sklearn
from scipy.special import expit, logit
from sklearn.compose import make_column_transformer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from taut.errors import DataError
from taut.estimators import BayesianLogisticRegression
from taut.estimators import base as estimators_base


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 3))
    return X, np.where(random.random(80) < expit(2 * X[:, 0] - 1), "yes", "no")


@pytest.fixture(scope="module")
def fitted(table):
    return BayesianLogisticRegression().fit(*table)


def test_scores_are_one_answer_in_three_forms(fitted, table):
    p = fitted.predict_proba(table[0])
    np.testing.assert_allclose(fitted.predict_log_proba(table[0]), np.log(p), rtol=1e-12)
    decision = fitted.decision_function(table[0])
    np.testing.assert_allclose(decision, logit(p[:, 1]), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(np.where(decision > 0, "yes", "no"), fitted.predict(table[0]))


def test_a_probability_of_zero_has_no_warning(fitted):
    far = fitted.predict_log_proba([[1e5, 0.0, 0.0], [-1e5, 0.0, 0.0]])
    assert np.all(far <= 0)
    assert not np.isnan(fitted.decision_function([[1e5, 0.0, 0.0]])).any()


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_holds_the_share_of_the_posterior_that_it_says(fitted, table, level):
    X = table[0][:5]
    low, high = fitted.predict_interval(X, level).T
    draws = np.column_stack(list(fitted.result_.sample(20_000).values()))
    p = expit(draws[:, :1] + draws[:, 1:] @ X.T)
    share = np.mean((p > low) & (p < high), axis=0)
    np.testing.assert_allclose(share, level, atol=4 * np.sqrt(0.25 / 20_000) + 0.01)


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array])
def test_a_sparse_table_is_the_dense_one(fitted, table, form):
    X, y = table
    sparse = BayesianLogisticRegression().fit(form(X), y)
    np.testing.assert_allclose(sparse.coef_, fitted.coef_, rtol=1e-12)
    np.testing.assert_allclose(sparse.predict_proba(form(X)), fitted.predict_proba(X), rtol=1e-12)


def test_a_sparse_table_that_is_too_large_is_refused(table, monkeypatch):
    monkeypatch.setattr(estimators_base, "MOST_DENSE", 100)
    with pytest.raises(DataError, match="80 rows and 3 columns.*240 numbers are more than 100"):
        BayesianLogisticRegression().fit(scipy.sparse.csr_array(table[0]), table[1])


@pytest.mark.parametrize(
    ("class_weight", "each"), [({"no": 1, "yes": 3}, (1, 3)), ({"no": 2, "yes": 1}, (2, 1)), (None, (1, 1))]
)
def test_class_weights_repeat_the_rows_of_a_class(table, class_weight, each):
    X, y = table
    of_class = np.where(y == "no", *each)
    weighted = BayesianLogisticRegression(class_weight=class_weight).fit(X, y)
    repeated = BayesianLogisticRegression().fit(X.repeat(of_class, axis=0), y.repeat(of_class))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(weighted.coef_sd_, repeated.coef_sd_, rtol=1e-7)


def test_balanced_classes_count_alike_by_their_weighted_rows(table):
    X, y = table
    rows = np.random.default_rng(1).integers(1, 4, len(y))
    total = {label: rows[y == label].sum() for label in ("no", "yes")}
    own = np.array([rows.sum() / (2 * total[label]) for label in y])
    balanced = BayesianLogisticRegression(class_weight="balanced").fit(X, y, rows)
    by_hand = BayesianLogisticRegression().fit(X, y, rows * own)
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, rtol=1e-7, atol=1e-9)
    weighted_share = (own * rows)[y == "yes"].sum() / (own * rows).sum()
    assert weighted_share == pytest.approx(0.5)


@pytest.mark.parametrize("class_weight", [{"no": 1, "yes": -1}, {"no": 1, "yes": 0}, {"no": np.inf, "yes": 1}])
def test_class_weights_are_positive(table, class_weight):
    with pytest.raises(DataError, match="a positive, finite number for each class"):
        BayesianLogisticRegression(class_weight=class_weight).fit(*table)


def test_sample_weights_are_routed(table):
    X, y = table
    rows = np.random.default_rng(1).integers(1, 4, len(y)).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        model = BayesianLogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        folds = {"cv": 2, "return_estimator": True, "return_indices": True}
        found = cross_validate(
            make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model),
            X,
            y,
            params={"sample_weight": rows},
            **folds,
        )
    train = found["indices"]["train"][0]
    scaled = StandardScaler().fit_transform(X[train])
    expected = BayesianLogisticRegression().fit(scaled, y[train], rows[train])
    np.testing.assert_allclose(found["estimator"][0][-1].coef_, expected.coef_, rtol=1e-9)


def test_the_output_of_a_step_before_it_may_be_a_table(table):
    import polars as pl

    X, y = table
    frame = pl.DataFrame(X, schema=["a", "b", "c"]).with_columns(kind=pl.Series(["u", "v"] * 40))
    encode = make_column_transformer(
        (OneHotEncoder(drop="first", sparse_output=False), ["kind"]), remainder="passthrough"
    ).set_output(transform="polars")
    model = make_pipeline(encode, BayesianLogisticRegression()).fit(frame, y)
    names = model[-1].result_.summary()["name"].to_list()
    assert names == ["intercept", "onehotencoder__kind_v", "remainder__a", "remainder__b", "remainder__c"]


SEARCH = """
import json, jax, numpy as np
hits = {"hits": 0, "misses": 0}
def listen(event, **about):
    for kind in hits:
        hits[kind] += event == "/jax/compilation_cache/cache_" + kind
jax.monitoring.register_event_listener(listen)
jax.numpy.ones(3).sum().block_until_ready()  # what has compiled before does not keep the cache away
from taut.estimators import BayesianLogisticRegression
X = np.random.default_rng(0).normal(size=(40, 2))
model = BayesianLogisticRegression().fit(X, X[:, 0] + 0.5 * X[:, 1] ** 2 > 0.3)
model.predict_proba(X)
print(json.dumps(hits | {"folder": jax.config.values["jax_compilation_cache_dir"]}))
"""


def run_search(**environment):
    kept = {name: x for name, x in os.environ.items() if name not in ("TAUT_CACHE_DIR", "TAUT_NO_CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", SEARCH], capture_output=True, text=True, check=True, env=kept | environment
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_second_process_compiles_nothing_again(tmp_path):
    first, second = (run_search(XDG_CACHE_HOME=str(tmp_path)) for _ in range(2))
    assert first["folder"] == str(tmp_path / "taut" / "jax")
    assert first["misses"] >= 2  # the fit and the prediction
    assert second["misses"] == 0
    assert second["hits"] >= first["misses"]


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"TAUT_NO_CACHE": "1"}, {"TAUT_CACHE_DIR": "/proc/nowhere"}])
def test_without_a_cache_it_fits_all_the_same(environment, tmp_path):
    assert run_search(XDG_CACHE_HOME=str(tmp_path), **environment)["folder"] is None
    assert list(tmp_path.iterdir()) == []

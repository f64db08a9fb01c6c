"""What is kept of the data is what the data say."""

import numpy as np
import polars as pl
import pytest
from scipy import integrate
from scipy.special import expit

import taut
from taut.data.source import padded_size
from taut.errors import ArgumentError, DataError, SavedFitError
from taut.report import Evidence


@pytest.fixture(scope="module")
def evidence(fit, loans):
    return Evidence.gather(fit, loans)


@pytest.fixture(scope="module")
def complete(loans):
    """The rows that lack nothing, as one table."""
    X, y = loans
    return X.with_columns(y).drop_nulls()


def test_probabilities_are_the_integrals_over_the_posterior(fit, complete):
    X = fit.design.matrix(complete.drop("bad"))
    assert padded_size(len(X)) > len(X), "the last rows must lie beside padding"
    p, sd, *_ = fit.predict_matrix(X)
    assert p.shape == sd.shape == (len(X),)
    for row in (0, 1023, 1024, len(X) - 1):
        mean = X[row] @ np.asarray(fit.posterior.mean)
        scale = np.linalg.norm(X[row] @ np.asarray(fit.posterior.factor))
        power = [
            integrate.quad(
                lambda e, k=k, m=mean, s=scale: expit(m + s * e) ** k * np.exp(-0.5 * e * e) / np.sqrt(2 * np.pi),
                -12,
                12,
            )[0]
            for k in (1, 2)
        ]
        assert p[row] == pytest.approx(power[0], abs=1e-7)
        assert sd[row] == pytest.approx(np.sqrt(power[1] - power[0] ** 2), abs=1e-6)


def test_bins_hold_the_rows_that_were_fitted(fit, evidence, complete):
    p = fit.predict(complete.drop("bad")).probability
    y = complete["bad"].to_numpy() == "yes"
    assert evidence.count.sum() == fit.rows == len(p)
    for b in range(10):
        inside = (p >= b / 10) & (p < (b + 1) / 10)
        assert evidence.count[b] == inside.sum()
        assert evidence.positive[b] == y[inside].sum()
        assert evidence.predicted[b] == pytest.approx(p[inside].mean(), nan_ok=True, abs=1e-12)


def test_the_typical_row_is_medians_and_most_common_levels(evidence, complete):
    common = complete["job"].mode()[0]
    expected = [complete["age"].median(), common == "clerk", common == "cook", complete["income"].median(), 0.0]
    np.testing.assert_allclose(evidence.typical, np.array(expected, float), rtol=1e-12)
    np.testing.assert_allclose(evidence.low[[0, 3]], complete.select("age", "income").min().row(0), rtol=1e-12)
    np.testing.assert_allclose(evidence.high[[0, 3]], complete.select("age", "income").max().row(0), rtol=1e-12)


def test_the_strongest_numeric_columns_are_chosen_and_their_points_kept(fit, evidence, complete):
    table = {r["name"]: abs(r["mean_standardised"]) / r["sd_standardised"] for r in fit.summary().to_dicts()}
    first = 0 if table["age"] > table["income"] else 2
    assert evidence.features.tolist() == [first, 2 - first]
    rows = complete.select([complete.columns[j] for j in evidence.features]).to_numpy()
    order = np.lexsort(rows.T)
    kept = np.lexsort(evidence.points.T)
    np.testing.assert_allclose(evidence.points[kept], rows[order], rtol=1e-9)
    np.testing.assert_array_equal(evidence.outcome[kept], (complete["bad"].to_numpy() == "yes")[order])


def test_levels_are_numbered_from_the_one_without_a_column(fit, loans, complete):
    points = Evidence.gather(fit, loans, ("job", "owner")).points
    for number, level in enumerate(["baker", "clerk", "cook"]):
        assert np.sum(points[:, 0] == number) == (complete["job"] == level).sum()
    assert points[:, 1].sum() == complete["owner"].sum()


def test_at_most_two_thousand_points_are_kept():
    random = np.random.default_rng(0)
    X = random.normal(size=(2500, 2))
    y = (random.uniform(size=2500) < expit(X[:, 0])).astype(int)
    result = taut.fit(taut.models.LogisticRegression(), (X, y))
    evidence = Evidence.gather(result, (X, y))
    assert evidence.points.shape == (2000, 2)
    assert evidence.count.sum() == 2500
    where = {tuple(np.round(row, 9)): label for row, label in zip(X[:, evidence.features], y, strict=True)}
    for point, outcome in zip(evidence.points[:50], evidence.outcome, strict=False):
        assert where[tuple(np.round(point, 9))] == outcome


def test_arrays_survive_a_file_without_pickle(evidence, tmp_path):
    np.savez(tmp_path / "arrays.npz", **evidence.arrays())
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as file:
        again = Evidence.from_arrays(dict(file))
    assert again.arrays().keys() == evidence.arrays().keys()
    for name, array in evidence.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ({"low": None}, "low"),
        ({"count": np.zeros(3)}, "count"),
        ({"scores.fitted": np.zeros(3)}, "scores.fitted"),
    ],
)
def test_damaged_arrays_are_refused(evidence, damage, word):
    arrays = {k: v for k, v in {**evidence.arrays(), **damage}.items() if v is not None}
    with pytest.raises(SavedFitError, match=word):
        Evidence.from_arrays(arrays)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (("age", "incme"), "incme.*Did you mean 'income'"),
        (("age", "age"), "two different"),
        (("age",), "two different"),
        ("age", "two different"),
    ],
)
def test_wrong_features_are_refused(fit, loans, features, words):
    with pytest.raises(ArgumentError, match=words):
        Evidence.gather(fit, loans, features)


def test_data_of_another_kind_are_refused(fit, noisy, loans):
    X, y = loans
    with pytest.raises(DataError, match="1200 rows.* 7 "):
        Evidence.gather(fit, (X, y[:7]))
    with pytest.raises(DataError, match="income"):
        Evidence.gather(fit, (X.drop("income"), y))
    with pytest.raises(DataError, match="maybe"):
        Evidence.gather(fit, (X, pl.Series(["maybe"] * 1200)))
    with pytest.raises(ArgumentError, match="pair"):
        Evidence.gather(fit, X)
    with pytest.raises(ArgumentError, match="log density"):
        Evidence.gather(noisy, loans)

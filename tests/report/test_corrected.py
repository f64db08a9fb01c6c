"""Where the verdict is "corrected" the report predicts as `Fit.predict` does, from the corrected answer."""

import numpy as np
import pytest

import taut
from taut.models.prior import Normal
from taut.report import Evidence, page
from taut.report.figures.surface import surface


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(2)
    X = random.normal(size=(6, 3))
    return X, (X[:, 0] + random.normal(size=6) > 0).astype(int)


@pytest.fixture(scope="module")
def corrected(data):
    result = taut.fit(taut.models.LogisticRegression(Normal(0.0, 4.0)), data)
    assert result.verdict.trust.answer == "corrected"
    return result


def test_the_bins_hold_the_corrected_probabilities(corrected, data):
    evidence = Evidence.gather(corrected, data)
    p = corrected.predict(data[0]).probability
    of_q = corrected.model.predict(corrected.posterior, corrected.design.matrix(data[0])).probability
    assert np.abs(p - np.asarray(of_q)).max() > 1e-3, "q itself must predict something else"
    for b in np.flatnonzero(evidence.count):
        inside = np.minimum((p * 10).astype(int), 9) == b
        assert evidence.count[b] == inside.sum()
        assert evidence.predicted[b] == pytest.approx(p[inside].mean(), abs=1e-12)


def test_the_surface_is_the_corrected_prediction(corrected, data):
    evidence = Evidence.gather(corrected, data)
    seen = surface(corrected, evidence, evidence.features.tolist())
    row = evidence.typical.copy()
    row[evidence.features] = seen.x.values[5], seen.y.values[40]
    expected = corrected.predict(row[None])
    assert seen.probability[40, 5] == pytest.approx(float(expected.probability[0]), abs=1e-9)
    assert seen.sd[40, 5] == pytest.approx(float(expected.sd[0]), abs=1e-9)


def test_it_has_a_page(corrected, data, tmp_path):
    assert "corrected" in page(corrected, tmp_path / "page.html", data).read_text(encoding="utf-8")

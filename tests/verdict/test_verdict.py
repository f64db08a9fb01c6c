"""The verdict as a fit gives it: when, in which words, and the same ones after it was saved."""

import json

import numpy as np
import pytest

import taut
from taut.models import LogDensity, real
from taut.report.words import verdict as verdict_words
from taut.verdict.convergence import Convergence
from taut.verdict.trust import trust_from_weights
from taut.verdict.verdict import Verdict


@pytest.fixture(scope="module")
def light():
    """A log density whose Gaussian needs the weights, and whose tails are light: 0.3 x - x^6 / 6."""
    model = LogDensity(lambda v: 0.3 * v["x"] - v["x"] ** 6 / 6, parameters={"x": real()})
    return taut.fit(model, algorithm="score regression")


@pytest.fixture(scope="module")
def regression():
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 2))
    return taut.fit(taut.models.LogisticRegression(), (X, random.random(200) < 1 / (1 + np.exp(-X[:, 0]))))


def given(**options):
    """A verdict on a perfect fit, or the like."""
    trust = trust_from_weights(np.zeros(50), np.linspace(-1, 1, 50)[:, None], ("tau",), **options)[0]
    convergence = Convergence("yes", "less than 0.0001 nats left to gain", 1e-9)
    return Verdict(convergence, trust, ("sinh-arcsinh: ELBO +0.12 nats",))


def test_one_line_of_two_sentences():
    said = str(given())
    assert "\n" not in said
    assert said.startswith("converged: yes (less than 0.0001 nats left to gain).  trust: good - importance weights")
    assert said.endswith(".")


def test_json_and_back():
    verdict = given()
    plain = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert plain["words"] == str(verdict)
    again = Verdict.from_json(plain)
    assert str(again) == str(verdict)
    assert again.rungs == verdict.rungs
    assert again.to_json() == plain


def test_page_and_terminal_use_the_same_words():
    verdict = given()
    parts = verdict_words.lines(verdict.to_json())
    assert "  ".join(f"{question}: {answer} {reason}" for question, answer, reason, _ in parts) == str(verdict)


@pytest.mark.parametrize(
    ("options", "level"), [({}, "fine"), ({"rivals": 0.3}, "doubt"), ({"converged": "no"}, "doubt")]
)
def test_every_answer_has_a_colour(options, level):
    assert verdict_words.lines(given(**options).to_json())[1][3] == level
    assert set(verdict_words.LEVELS) == {"yes", "no", "unknown", "good", "corrected", "suspect", "unusable"}


def test_figures_name_the_unknown_that_is_farthest_off():
    values = np.random.default_rng(0).standard_normal((4000, 3))
    trust = trust_from_weights(0.5 * values[:, 1], values, ("a", "b", "c"))[0]
    verdict = Verdict(Convergence("no", "", None), trust, ("mixture: x",))
    figures = {name: said for name, *said in verdict_words.figures(verdict.to_json())}
    assert "nats left" not in figures
    assert figures["largest shift"][0] == f"{trust.shift[1]:+.2f} sd"
    assert "of b" in figures["largest shift"][1]
    assert figures["tried"] == ["mixture", "x"]
    assert figures["effective draws"][0].endswith("of 4,000")


def test_figures_that_are_not_finite_are_told():
    trust = trust_from_weights(np.full(4000, -np.inf), np.zeros((4000, 1)), ("x",))[0]
    figures = verdict_words.figures(Verdict(Convergence("no", "", None), trust).to_json())
    assert ("k-hat", "not finite") in [(name, value) for name, value, _ in figures]


def test_a_log_density_is_judged_at_once_and_a_regression_when_asked(light, regression):
    assert light.judged is not None
    assert regression.judged is None
    assert "judgement" not in vars(regression)
    assert regression.verdict is regression.verdict
    assert "judgement" in vars(regression)
    assert regression.verdict.converged.answer == "yes"
    assert regression.verdict.trust.reliable
    assert regression.verdict.trust.names == tuple(regression.summary()["name"])


def test_what_is_corrected_is_what_is_returned(light):
    """Truth by quadrature."""
    assert light.verdict.trust.answer == "corrected"
    grid = np.linspace(-4, 4, 4001)
    p = np.exp(0.3 * grid - grid**6 / 6)
    mean = np.sum(p * grid) / p.sum()
    sd = np.sqrt(np.sum(p * (grid - mean) ** 2) / p.sum())
    row = light.summary().row(0, named=True)
    x = light.sample(4000, seed=1)["x"]
    # 16,000 draws of weights that differ little: their standard error is below 0.01 sd, and of the sd 0.7 %
    assert abs(row["mean"] - mean) < 0.05 * sd
    assert row["sd"] == pytest.approx(sd, rel=0.04)
    assert abs(np.sqrt(light.posterior.covariance[0, 0]) / sd - 1) > 0.1  # q itself is not the answer
    assert abs(x.mean() - mean) < 0.1 * sd
    assert x.std() == pytest.approx(sd, rel=0.06)
    assert light.judgement.weights.sum() == pytest.approx(1)


def test_print_ends_with_the_verdict(light):
    assert str(light).endswith(str(light.verdict))


@pytest.mark.parametrize("which", ["light", "regression"])
def test_a_saved_fit_says_the_same(which, request, tmp_path):
    fit = request.getfixturevalue(which)
    again = taut.load(fit.save(tmp_path / "run"))
    assert str(again.verdict) == str(fit.verdict)
    assert again.verdict.to_json() == fit.to_json()["verdict"]

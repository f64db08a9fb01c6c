"""What the fit of a log density says of its unknowns and of the terms of its ELBO, the same on every screen."""

import html
import io
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import taut
from taut.models import (
    LogDensity,
    above,
    below,
    bounded,
    correlation_factor,
    ordered,
    positive,
    positive_ordered,
    real,
    simplex,
    unit_interval,
)

DECLARED = ["zeta", "alpha", "mid[0]", "mid[1]", "b"]


def log_joint(v):
    """Normal, Gamma and logistic unknowns, with a constant that makes the ELBO large and negative."""
    gamma = 30 * jnp.log(v["alpha"]) - 30 * v["alpha"]
    return -50.0 - 0.5 * (v["zeta"] - 1) ** 2 + gamma - 0.5 * jnp.sum(v["mid"] ** 2) - (v["b"] - 1) ** 2


SUPPORTS = {"zeta": real(), "alpha": positive(), "mid": real(2), "b": bounded(0, 2)}


@pytest.fixture(scope="module")
def model():
    return LogDensity(log_joint, parameters=SUPPORTS)


@pytest.fixture(scope="module")
def fit(model):
    return taut.fit(model, family="full-rank", algorithm="score-regression")


@pytest.fixture(scope="module", params=["fitted", "loaded", "loaded with its model", "loaded twice"])
def any_fit(request, fit, model, tmp_path_factory):
    """The fit as it was made, and as it comes back."""
    if request.param == "fitted":
        return fit
    folder = tmp_path_factory.mktemp("run")
    again = taut.load(fit.save(folder / "run"), model=model if "model" in request.param else None)
    return taut.load(again.save(folder / "again")) if "twice" in request.param else again


def printed(fit):
    console = Console(width=200, file=io.StringIO())
    console.print(taut.report.table(fit))
    return console.file.getvalue()


def test_unknowns_come_as_they_were_declared(any_fit):
    names = any_fit.summary()["name"].to_list()
    assert names == DECLARED
    assert [c["name"] for c in any_fit.to_json()["coefficients"]] == DECLARED
    assert list(any_fit.verdict.trust.names) == DECLARED
    assert [re.split(r"[.\[]", name)[0] for name in any_fit.sample(2)] == ["zeta", "alpha", "mid", "b"]
    table = printed(any_fit)
    assert [table.index(f" {name} ") for name in DECLARED] == sorted(table.index(f" {name} ") for name in DECLARED)


def test_the_order_is_no_part_of_the_vector(model):
    """Dictionaries in another order are the same model: what was saved of one loads with the other."""
    turned = LogDensity(log_joint, parameters=dict(reversed(SUPPORTS.items())))
    assert turned.parameters.names == model.parameters.names
    assert turned.order == tuple(reversed(model.order))


def test_nested_dictionaries_keep_their_order_too():
    model = LogDensity(lambda v: 0.0, parameters={"b": {"y": real(), "x": positive()}, "a": real()})
    assert model.order == ("b.y", "b.x", "a")
    assert model.one_signed == {"b.x"}


def test_a_sign_that_the_support_settles_has_no_probability(any_fit):
    by_name = dict(any_fit.summary().select("name", "p_positive").iter_rows())
    assert {name for name, p in by_name.items() if p is None} == {"alpha", "b"}
    assert by_name["zeta"] == pytest.approx(0.84, abs=0.02)
    line = next(line for line in printed(any_fit).splitlines() if line.strip().startswith("alpha"))
    assert len(line.split()) == 5  # name, mean, sd and two ends


@pytest.mark.parametrize(
    ("support", "settled"),
    [
        (real(), False),
        (positive(), True),
        (unit_interval(), True),
        (simplex(3), True),
        (ordered(2), False),
        (bounded(-1, 1), False),
        (bounded(0, 1), True),
        (bounded(2, 3), True),
        (bounded(-3, -2), True),
        (bounded([0, -1], 1), False),
        (bounded(0, lambda v: v["y"]), True),
        (above([0, 1]), True),
        (above(-1), False),
        (above(lambda v: v["y"]), False),
        (below(0), True),
        (positive_ordered(2), True),
        (correlation_factor(2), False),
    ],
)
def test_which_supports_settle_a_sign(support, settled):
    assert bool(LogDensity(lambda v: 0.0, parameters={"x": support}).one_signed) == settled


def test_a_joint_density_has_an_entropy_and_no_kl(any_fit):
    assert any_fit.kl < 0
    said = any_fit.to_json()
    assert (said["kl"], said["expected_log_likelihood"]) == (None, None)
    assert said["elbo"] == pytest.approx(said["expected_log_joint"] + said["entropy"])
    json.dumps(said, allow_nan=False)
    for text in (str(any_fit), printed(any_fit)):
        assert "(expected log density) + " in text or "(expected log density) - " in text
        assert "(entropy)" in text
        assert " on 1 row" not in text
        assert "- -" not in text


def test_the_page_says_it_too(fit, tmp_path):
    page = html.unescape(re.sub(r"<[^>]*>", "", taut.report.page(fit, tmp_path / "page.html").read_text("utf-8")))
    assert "(entropy)" in page
    assert "expected log-likelihood minus" not in page


@pytest.mark.parametrize("normalised", [True, False])
def test_a_prior_without_its_constants_leaves_no_kl(normalised):
    constant = 0.5 * np.log(2 * np.pi) if normalised else 0.0
    model = LogDensity(
        parameters={"m": real()},
        log_likelihood=lambda v, x: -0.5 * (x - v["m"]) ** 2,
        log_prior=lambda v: -0.5 * v["m"] ** 2 - constant,
    )
    fit = taut.fit(model, np.ones(1))
    said = fit.to_json()
    assert "on 1 row\n" in str(fit)
    assert "over 1 unknown," in str(fit)
    assert "- -" not in str(fit)
    if normalised:
        assert said["kl"] == fit.kl > 0
    else:
        assert said["kl"] is None
        assert "expected log prior and entropy" in str(fit)

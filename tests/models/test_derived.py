"""Supports and derived quantities as people write them: answers against quadrature, on every screen, in their order."""

import html
import re

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from scipy import integrate, stats

import taut
from taut.errors import ArgumentError
from taut.models import LogDensity, above, from_numpyro, positive_ordered, real

NAMES = ["b", "a", "wait", "late", "both[0]", "both[1]"]


def moments(density, low=0.0, high=80.0):
    """Mean and sd by quadrature."""
    zero, one, two = (integrate.quad(lambda x, k=k: x**k * density(x), low, high)[0] for k in (0, 1, 2))
    return one / zero, np.sqrt(two / zero - (one / zero) ** 2)


@pytest.fixture(scope="module")
def model():
    """`a` is a Gamma(20, 4) above 4, and `b` comes after `a` by a Gamma(9, 3)."""

    def log_joint(v):
        wait = v["b"] - v["a"]
        return 19 * jnp.log(v["a"]) - 4 * v["a"] + 8 * jnp.log(wait) - 3 * wait

    def derived(v):
        return {"wait": v["b"] - v["a"], "late": v["a"] > 5, "both": jnp.stack([v["a"], v["b"]])}

    return LogDensity(log_joint, parameters={"b": above(lambda v: v["a"]), "a": above(4.0)}, derived=derived)


@pytest.fixture(scope="module")
def fit(model):
    return taut.fit(model)


def test_half_lines_and_dependent_bounds_have_the_exact_answer(fit):
    a = stats.gamma(20, scale=1 / 4)
    mean, sd = moments(a.pdf, 4.0)
    exact = {
        "a": (mean, sd),
        "wait": (3.0, 1.0),
        "b": (mean + 3, np.hypot(sd, 1.0)),
        "late": (a.sf(5) / a.sf(4), np.sqrt(a.sf(5) / a.sf(4) * (1 - a.sf(5) / a.sf(4)))),
    }
    assert fit.verdict.trust.reliable
    for row in fit.summary().to_dicts():
        if row["name"] in exact:
            mean, sd = exact[row["name"]]
            # A few thousand draws, of chains or weighted: 0.02 sd and 2 % of noise, of which this is three times.
            assert abs(row["mean"] - mean) < 0.06 * sd, row
            assert abs(row["sd"] / sd - 1) < 0.06, row


def test_numbers_in_order_have_the_exact_answer():
    model = LogDensity(lambda v: jnp.sum(7 * jnp.log(v["x"]) - v["x"]), parameters={"x": positive_ordered(2)})
    fit, one = taut.fit(model), stats.gamma(8)
    assert fit.verdict.trust.reliable
    for row, other in zip(fit.summary().to_dicts(), (one.sf, one.cdf), strict=True):
        mean, sd = moments(lambda x, other=other: one.pdf(x) * other(x))
        assert abs(row["mean"] - mean) < 0.06 * sd
        assert abs(row["sd"] / sd - 1) < 0.06


def test_derived_quantities_are_spoken_of_everywhere_after_the_unknowns(fit, model, tmp_path):
    loaded = taut.load(fit.save(tmp_path / "run"))
    again = taut.load(tmp_path / "run", model=model)
    for one in (fit, loaded, again):
        assert one.summary()["name"].to_list() == NAMES
        assert one.summary().equals(fit.summary())
        assert [row["name"] for row in one.to_json()["coefficients"]] == NAMES
        assert list(one.verdict.trust.names) == NAMES
        assert [re.split(r"[.\[]", name)[0] for name in one.sample(2)] == ["b", "a", "wait", "late", "both"]
    draws = fit.sample(50)
    np.testing.assert_allclose(draws["wait"], draws["b"] - draws["a"], rtol=1e-12)
    assert set(np.unique(draws["late"])) <= {0.0, 1.0}
    page = html.unescape(taut.report.page(fit, tmp_path / "page.html").read_text("utf-8"))
    assert [page.index(f">{name}<") for name in NAMES] == sorted(page.index(f">{name}<") for name in NAMES)


@pytest.mark.usefixtures("x64")
def test_derived_quantities_leave_the_density_alone(model):
    bare = LogDensity(model.density, parameters={"b": above(lambda v: v["a"]), "a": above(4.0)})
    z = np.array([0.3, -0.2])
    assert bare.log_likelihood(z, None) == model.log_likelihood(z, None)
    assert model.dim(None) == 2


def test_sites_come_in_the_order_of_their_numpyro_model():
    def zoo():
        z = numpyro.sample("zebra", dist.Normal(0, 1))
        numpyro.deterministic("double", 2 * z)
        a = numpyro.sample("ant", dist.HalfNormal(1))
        numpyro.deterministic("both", a + z)

    model = from_numpyro(zoo)
    assert model.parameters.names == ("ant", "zebra")  # the vector, as saved fits have it
    assert model.order == ("zebra", "ant", "double", "both")


@pytest.mark.parametrize(
    ("derived", "words"),
    [
        (3, "is not a function"),
        (lambda v: None, "returns nothing"),
        (lambda v: v["x"] * 2, "by name"),
        (lambda v: {1: v["x"]}, "by name"),
        (lambda v: {"x": v["x"]}, "the name of an unknown"),
        (lambda v: {"q": v["y"]}, "'y'"),
        (lambda v: {"q": "high"}, "'high'"),
        (lambda v: {"q": v["x"] * 1j}, "real numbers"),
        (lambda v: {"q": np.log(v["x"])}, "jnp.log"),
        (lambda v: {"q": 1.0 if v["x"] > 0 else 0.0}, "jnp.where"),
    ],
)
def test_what_is_no_derived_quantity_is_refused(derived, words):
    with pytest.raises(ArgumentError) as refusal:
        LogDensity(lambda v: 0.0, parameters={"x": real()}, derived=derived)
    assert words in str(refusal.value)


def test_derived_quantities_need_unknowns_with_names():
    with pytest.raises(ArgumentError, match="as a dict"):
        LogDensity(lambda v: 0.0, parameters=[real()], derived=lambda v: {})

"""Regressions by formula from the table to the answer."""

import jax
import numpy as np
import polars as pl
import pytest

import taut
from taut.errors import ArgumentError, DataError, PairingError
from taut.models import Normal, Regression
from taut.models.density import Density
from taut.models.stated import Stated


def groups_of(rng, n, levels):
    return [f"g{i}" for i in rng.permutation(np.r_[np.arange(levels), rng.integers(levels, size=n - levels)])]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 60
    x, g = rng.normal(2.0, 3.0, n), groups_of(rng, n, 8)
    eta = 0.4 * (x - 2) / 3 + np.array([0.5 * (int(k[1:]) - 3.5) / 4 for k in g])
    return pl.DataFrame(
        {
            "x": x,
            "kind": np.where(rng.random(n) < 0.5, "a", "b"),
            "g": g,
            "h": [f"h{i % 5}" for i in range(n)],
            "number": eta + rng.normal(0, 0.5, n),
            "count": rng.poisson(np.exp(eta)),
            "yes": rng.random(n) < 1 / (1 + np.exp(-eta)),
            "grade": np.clip(np.round(eta + rng.normal(0, 1, n)), -1, 2).astype(int),
            "cases": rng.binomial(6, 1 / (1 + np.exp(-eta))),
            "days": rng.exponential(np.exp(eta)),
            "seen": rng.random(n) < 0.7,
        }
    )


MODELS = {
    "number ~ x + kind + (1 + x | g)": None,
    "count ~ x + (1 | g) + (1 | h)": "poisson",
    "count ~ x * kind + offset(x / 10) + (1 | g)": "negative-binomial",
    "yes ~ x + (1 | g)": None,
    "grade ~ x + (1 | g)": "ordinal",
    "cases / 6 ~ x + (x || g)": None,
    "number ~ x + (1 | g)": "student-t",
    "censored(days, seen) ~ x + (1 | g)": None,
    "count ~ x": "poisson",
}


@pytest.mark.parametrize(("formula", "likelihood"), MODELS.items())
def test_the_engine_and_the_model_are_one_density(table, formula, likelihood):
    """log p(y, w, t) of the engine at draws is that of the model, which is written apart, to rounding."""
    fit = taut.fit(Regression(formula, likelihood=likelihood), table)
    assert fit.posterior.name == "nested"
    judged = fit.judged
    z = judged.z[:40]
    density = Density(fit.model, fit.parent, np.dtype("float64"))
    z = judged.z[:40]
    np.testing.assert_allclose(judged.log_prob[:40], density(z).value, rtol=1e-9, atol=1e-7)


def test_the_elbo_is_that_of_its_draws(table):
    """The ELBO of q(t) q(w given t), here in closed form, is the mean log-weight of its draws: within five errors."""
    fit = taut.fit(Regression("count ~ x + (1 | g)", likelihood="poisson"), table)
    log_weights = fit.judged.log_prob - fit.judged.log_q
    assert abs(log_weights.mean() - fit.elbo) < 5 * log_weights.std() / np.sqrt(len(log_weights)) + 1e-3


def test_a_gaussian_regression_without_groups_is_exact(table):
    """Given sigma the posterior is conjugate: against quadrature over sigma on a fine grid."""
    fit = taut.fit(Regression("number ~ x"), table)
    y, x = table["number"].to_numpy(), table["x"].to_numpy()
    X = np.column_stack([np.ones(len(y)), (x - x.mean()) / x.std()])
    s, mean0 = y.std(), np.array([y.mean(), 0.0])
    prior = np.eye(2) / (2.5 * s) ** 2
    sigma = np.exp(np.linspace(np.log(0.2 * s), np.log(3 * s), 4001))
    logs, means, seconds = [], [], []
    for one in sigma:
        P = X.T @ X / one**2 + prior
        m = np.linalg.solve(P, X.T @ y / one**2 + prior @ mean0)
        r, d = y - X @ m, m - mean0
        fitted = -len(y) * np.log(one) - 0.5 * r @ r / one**2 - 0.5 * d @ prior @ d
        logs.append(fitted - 0.5 * np.linalg.slogdet(P)[1] - 0.5 * (one / s) ** 2 + np.log(one))
        means.append(m)
        seconds.append(np.diag(np.linalg.inv(P)) + m**2)
    w = np.exp(np.array(logs) - max(logs))
    w /= w.sum()
    mean = w @ np.array(means)
    sd = np.sqrt(w @ np.array(seconds) - mean**2)
    found = fit.summary()
    np.testing.assert_allclose((found["mean_standardised"] - mean) / sd, 0, atol=2e-3)
    np.testing.assert_allclose(found["sd_standardised"] / sd, 1, atol=5e-3)
    variances = fit.variances()
    np.testing.assert_allclose(variances["mean"][0], w @ sigma, rtol=2e-3)


def test_raw_coefficients_predict_as_coded_ones(table):
    """An intercept and a slope on the table's own scale give the predictors of the coded ones."""
    fit = taut.fit(Regression("number ~ x + kind"), table)
    raw = dict(zip(fit.summary()["name"], fit.summary()["mean"], strict=True))
    eta = raw["Intercept"] + raw["x"] * table["x"] + raw["kind[b]"] * (table["kind"] == "b")
    predicted = fit.predict(table)
    np.testing.assert_allclose(predicted.mean, eta, atol=5 * predicted.sd.max() / np.sqrt(4000))


def test_priors_are_found_by_name(table):
    import numpyro.distributions as dist

    priors = {
        "x": Normal(0.5, 1e-4),
        "g": dist.Exponential(2.0),
        "sd(h)": dist.HalfNormal(0.01),
        "phi": dist.Gamma(50.0, 10.0),
    }
    fit = taut.fit(Regression("count ~ x + (1 | g) + (1 | h)", likelihood="negative-binomial", prior=priors), table)
    assert abs(dict(zip(*fit.summary()["name", "mean_standardised"], strict=True))["x"] - 0.5) < 1e-3
    scales = dict(zip(*fit.variances()["name", "mean"], strict=True))
    assert scales["sd(h:Intercept)"] < 0.02
    assert 3.5 < scales["phi"] < 6.5
    assert fit.model.prior.groups[0].sds[0] == Stated("Exponential", (("rate", 2.0),))


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"y": Normal(0, 1)}, "nothing is called 'y'"),
        ({"g": Normal(0, 1)}, "an sd is positive"),
        ({"x": Stated("HalfNormal", (("scale", 1.0),))}, "any real number"),
        ({"cor(g)": -1}, "a positive number is needed"),
        ({"x": 3}, "The prior of 'x' is 3"),
        ("wide", "or priors by name"),
        (3.5, "one Normal for all coefficients"),
    ],
)
def test_priors_that_are_none(table, prior, message):
    with pytest.raises(ArgumentError, match=message):
        taut.fit(Regression("number ~ x + (1 + x | g)", prior=prior), table)


def test_prior_draws_have_the_density_that_is_said(table):
    """E over prior draws of a function under the stated prior: moments of each coordinate against the stated ones.

    6,000 draws; each of 40 comparisons fails once in 16,000 by chance (4 standard errors).
    """
    fit = taut.fit(Regression("grade ~ x + (1 + x | g)", likelihood="ordinal"), table)
    z = np.asarray(fit.model.prior.draw(jax.random.key(0), (6000, fit.model.prior.dim)))
    named = fit.model.named(z)
    sd = named["sd(g:x)"]
    assert abs(sd.mean() - np.sqrt(2 / np.pi)) < 4 * sd.std() / np.sqrt(6000)
    cor = named["cor(g:Intercept,x)"]  # density proportional to 1 - r^2: variance 1/5
    assert abs((cor**2).mean() - 0.2) < 4 * (cor**2).std() / np.sqrt(6000)
    first = named["threshold[1|2]"]
    expected = -5 * 0.8463  # of the least of three standard normal numbers
    assert abs(first.mean() - expected) < 4 * first.std() / np.sqrt(6000)
    u = fit.model.effects(z)[0]
    assert abs((u[:, 1] ** 2).mean() - 1.0) < 4 * (u[:, 1, 0] ** 2).std() / np.sqrt(6000)


def test_other_algorithms_fit_the_same_model(table):
    """A joint Gaussian takes the same formula; it names its verdict, and its coefficients agree to a tenth of an sd."""
    model = Regression("count ~ x + (1 | g)", likelihood="poisson")
    nested, joint = taut.fit(model, table), taut.fit(model, table, family="full-rank")
    assert joint.algorithm.name == "score regression"
    a, b = nested.summary(), joint.summary()
    np.testing.assert_array_less(np.abs(a["mean"] - b["mean"]) / a["sd"], 0.1)
    with pytest.raises(PairingError, match="family of its own"):
        taut.fit(model, table, family="full-rank", algorithm="nested")
    with pytest.raises(PairingError, match="GAUSSIAN|Gaussian given"):
        taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0]], [0, 1]), algorithm="nested")


def test_new_groups(table):
    fit = taut.fit(Regression("number ~ x + (1 | g)"), table)
    new = table.head(3).with_columns(pl.Series("g", ["g0", "new", "new"]))
    with pytest.raises(DataError, match="has not seen"):
        fit.predict(new)
    mean, drawn = fit.predict(new, new_groups="mean"), fit.predict(new, new_groups="sample")
    np.testing.assert_allclose(mean.mean[0], drawn.mean[0], rtol=1e-12)
    sd = fit.variances().filter(pl.col("name") == "sd(g:Intercept)")
    between = np.sqrt(sd["mean"][0] ** 2 + sd["sd"][0] ** 2)  # E of the variance of a new effect
    np.testing.assert_allclose(drawn.sd[1:] ** 2, mean.sd[1:] ** 2 + between**2, rtol=0.15)


def test_few_whole_numbers_are_remarked_upon(table):
    """Codes of categories look like numbers: it is said how they were taken, and how they become categories."""
    coded = table.with_columns(pl.Series("period", np.arange(60) % 4 + 1), pl.Series("flag", np.arange(60) // 7 % 2))

    def remarks(formula):
        return taut.fit(Regression(formula), coded).provenance.get("remarks", "")

    assert "'period' holds few whole numbers and is taken as a number; C(period)" in remarks("number ~ period + flag")
    assert "period" not in remarks("number ~ C(period) + x + flag")

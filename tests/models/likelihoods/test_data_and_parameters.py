"""What a likelihood refuses, its own parameters with their priors, and what it is under a decoder."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from taut.errors import ArgumentError, DataError
from taut.models import LatentVariableModel, LogisticRegression
from taut.models.latent import as_likelihood
from taut.models.likelihoods import (
    LIKELIHOODS,
    REGRESSIONS,
    SHELF,
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Exponential,
    Gamma,
    Gaussian,
    Multinomial,
    NegativeBinomial,
    Ordinal,
    Poisson,
    StudentT,
    Weibull,
)

from ...helpers.likelihoods import TWINS, stacked

nan, inf = np.nan, np.inf


@pytest.mark.parametrize(
    ("likelihood", "y", "said"),
    [
        (Bernoulli(), [0, 1, 2, 1], ["zeros and ones", "e.g. 2 in row 3", "Group the labels"]),
        (Bernoulli(), [0.5, 1], ["e.g. 0.5 in row 1", "50.0% of the data", "Binarise"]),
        (Bernoulli(), [0, nan], ["e.g. nan in row 2"]),
        (Poisson(), [3, 0, -2], ["whole numbers from 0 on", "e.g. -2 in row 3", "'gaussian'"]),
        (Poisson(), [3, 1.5], ["e.g. 1.5 in row 2", "'gamma'"]),
        (Poisson(), [inf], ["e.g. inf in row 1"]),
        (NegativeBinomial(), [3, nan], ["negative-binomial", "e.g. nan in row 2"]),
        (NegativeBinomial(), [-1, 2], ["e.g. -1 in row 1"]),
        (Binomial(), ([3, 5], [4, 4]), ["e.g. 5 in row 2", "trials are fewer than the successes"]),
        (Binomial(), ([0.2, 5], [4, 9]), ["e.g. 0.2 in row 1", "not proportions"]),
        (Binomial(), ([1, 1], [4, 2.5]), ["e.g. 2.5 in row 2", "These are the trials"]),
        (Binomial(), ([-1, 1], [4, 2]), ["e.g. -1 in row 1", "successes"]),
        (Gamma(), [0.0, 1.0], ["positive numbers", "e.g. 0 in row 1", "Leave zeros out"]),
        (Gamma(), [2.0, -1.0, inf], ["e.g. -1 in row 2"]),
        (Beta(), [0.2, 1.0], ["between 0 and 1, without the ends", "e.g. 1 in row 2", "moved inward"]),
        (Beta(), [20.0, 30.0], ["e.g. 20 in row 1", "Divide percentages by 100"]),
        (Gaussian(), [1.0, nan], ["finite numbers", "e.g. nan in row 2"]),
        (StudentT(), [-inf, 0], ["e.g. -inf in row 1"]),
        (Ordinal(3), [0, 1, 3], ["3 ordered levels", "from 0 to 2", "e.g. 3 in row 3"]),
        (Multinomial(3), [0, 1.5], ["from 0 to 2", "e.g. 1.5 in row 2"]),
        (Categorical(4), np.array([[0, 4], [1, 1]]), ["from 0 to 3", "e.g. 4 in row 1"]),
        (Exponential(), ([1.0, -2.0], [1, 0]), ["times of zero or more", "e.g. -2 in row 2", "durations"]),
        (Exponential(), ([1.0, 2.0], [1, 2]), ["e.g. 2 in row 2", "1 where the event was seen"]),
        (Weibull(), ([0.0, 2.0], [1, 1]), ["positive times", "e.g. 0 in row 1", "half of the unit"]),
        (as_likelihood("relaxed"), np.array([[0.5, 3.0]]), ["from 0 to 1", "e.g. 3 in row 1", "divide by 255"]),
        (as_likelihood("continuous-bernoulli"), [-0.1], ["e.g. -0.1 in row 1"]),
    ],
)
def test_data_outside_the_support_are_refused_with_the_first_row_and_the_remedy(likelihood, y, said):
    y = tuple(map(np.array, y)) if isinstance(y, tuple) else np.array(y)
    with pytest.raises(DataError) as refused:
        likelihood.check(y)
    for part in (likelihood.name, *said):
        assert part in str(refused.value)


@pytest.mark.parametrize("name", TWINS)
def test_data_inside_the_support_are_taken(name):
    TWINS[name].make.check(stacked(TWINS[name].ys))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("likelihood", "spread", "priors"),
    [
        (Gaussian(), 3.0, {"sigma": stats.halfnorm(scale=3.0)}),
        (StudentT(), 2.0, {"nu": stats.gamma(2, scale=10), "sigma": stats.halfnorm(scale=2.0)}),
        (NegativeBinomial(), 1.0, {"phi": stats.gamma(2, scale=10)}),
        (Gamma(), 1.0, {"shape": stats.gamma(2, scale=10)}),
        (Beta(), 1.0, {"precision": stats.gamma(2, scale=10)}),
        (Weibull(), 1.0, {"shape": stats.gamma(2, scale=10)}),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_the_stated_priors(likelihood, spread, priors):
    parameters = likelihood.parameters(spread)
    assert [p.name for p in parameters] == list(priors)
    for parameter in parameters:
        assert parameter.support.kind == "positive"
        for value in (0.3, 1.0, 25.0):
            np.testing.assert_allclose(parameter.log_prior(value), priors[parameter.name].logpdf(value), rtol=1e-10)


@pytest.mark.usefixtures("x64")
def test_the_prior_of_thresholds_is_normalised_over_the_ordered_set():
    (parameter,) = Ordinal(3).parameters()
    assert (parameter.support.kind, parameter.support.shape) == ("ordered", (2,))
    assert parameter.names == ("threshold[1|2]", "threshold[2|3]")
    grid = np.arange(-30, 30, 0.5)
    first, second = np.meshgrid(grid, grid)
    pairs = np.stack([first, second], -1)[first < second]
    total = np.sum(np.exp(jax.vmap(parameter.log_prior)(pairs))) * 0.25
    # The diagonal, of which half belongs to the set, is left out by the grid.
    same = np.sum(stats.norm(0, 5).pdf(grid) ** 2) * 0.25
    np.testing.assert_allclose(total + same, 1.0, rtol=1e-6)
    (single,) = Ordinal(2).parameters()
    assert (single.support.kind, single.support.shape) == ("real", (1,))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("likelihood", [Gaussian(), StudentT(), NegativeBinomial(), Ordinal(2)], ids=lambda x: x.name)
def test_the_prior_over_free_numbers_is_a_density(likelihood):
    grid = np.arange(-40, 40, 0.02)
    for parameter in likelihood.parameters(3.0):
        free = grid[:, None] if parameter.support.shape else grid
        total = np.sum(np.exp(jax.vmap(parameter.log_prior_free)(free))) * 0.02
        np.testing.assert_allclose(total, 1.0, rtol=1e-6)
        value = parameter.from_free(jnp.full(parameter.support.shape, 0.7))
        np.testing.assert_allclose(value, np.exp(0.7) if parameter.support.kind == "positive" else 0.7)


@pytest.mark.usefixtures("x64")
def test_free_thresholds_are_in_order():
    (parameter,) = Ordinal(4).parameters()
    free = jnp.array([-1.0, 0.3, -2.0])
    value = parameter.from_free(free)
    assert np.all(np.diff(value) > 0)
    slope = jnp.linalg.slogdet(jax.jacobian(parameter.from_free)(free))[1]
    np.testing.assert_allclose(parameter.log_prior_free(free), parameter.log_prior(value) + slope, rtol=1e-10)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", [name for name, twin in TWINS.items() if twin.values[0]])
def test_parameters_are_put_in_and_read_again(name):
    twin = TWINS[name]
    for values in twin.values:
        there = twin.make.with_parameters(values)
        assert set(there.values) == set(values) == {p.name for p in twin.make.parameters()}
        for key, value in values.items():
            np.testing.assert_allclose(there.values[key], value, rtol=1e-12)
    traced = jax.jit(lambda values: twin.make.with_parameters(values).values)(twin.values[0])
    for key, value in twin.values[0].items():
        np.testing.assert_allclose(traced[key], value, rtol=1e-12)


def test_parameters_that_are_not_its_own_are_refused():
    with pytest.raises(ArgumentError, match="Did you mean 'phi'"):
        NegativeBinomial().with_parameters({"ph": 1.0})
    with pytest.raises(ArgumentError, match="poisson has none"):
        Poisson().with_parameters({"phi": 1.0})


def test_a_learned_sd_put_in_has_no_bound_of_a_decoder():
    there = Gaussian(1.0, learned=True).with_parameters({"sigma": 5000.0})
    np.testing.assert_allclose(there.values["sigma"], 5000.0, rtol=1e-5)
    assert not there.learned


@pytest.mark.parametrize(
    "make",
    [
        lambda: NegativeBinomial(0.0),
        lambda: Gamma(-1.0),
        lambda: Beta(nan),
        lambda: Weibull(inf),
        lambda: StudentT(0.0),
        lambda: StudentT(3.0, -1.0),
        lambda: Gaussian(0.0),
        lambda: Ordinal(),
        lambda: Ordinal(1),
        lambda: Ordinal(thresholds=[1.0, 1.0]),
        lambda: Ordinal(thresholds=[nan]),
    ],
)
def test_impossible_parameters_are_refused(make):
    with pytest.raises(ArgumentError, match="needed|must be"):
        make()


def test_the_shelf_says_who_can_use_what():
    assert set(LIKELIHOODS) == {"bernoulli", "relaxed", "continuous-bernoulli", "gaussian", "categorical", "poisson"}
    wanted = set(TWINS) | {"multinomial", "categorical"}
    assert set(REGRESSIONS) == wanted
    assert {kind.target for kind in REGRESSIONS.values()} == {"labels", "any labels", "ordered labels", "numbers"}
    for kind in SHELF:
        assert kind.link in ("identity", "log", "logit")
        assert len(kind.parts) == (2 if kind in (Binomial, Exponential, Weibull) else 1)


@pytest.mark.parametrize("likelihood", [Binomial(), Exponential(), Weibull()], ids=lambda x: x.name)
def test_a_decoder_refuses_data_of_two_parts(likelihood):
    with pytest.raises(ArgumentError, match="for regressions"):
        LatentVariableModel(lambda z: jnp.zeros(4), likelihood, latent=2)


@pytest.mark.parametrize(
    "likelihood", [NegativeBinomial(2.0), StudentT(5.0), Gamma(2.0), Beta(4.0), Ordinal(4)], ids=lambda x: x.name
)
def test_a_decoder_can_have_the_likelihoods_of_tables(likelihood):
    model = LatentVariableModel(lambda z: jnp.full(4, 0.3), likelihood, latent=2)
    y = np.full((1, 4), 1.0 if likelihood.name != "beta" else 0.3)
    eta = likelihood.predictors(jnp.full(4, 0.3))
    found = model.log_likelihood(jnp.zeros(2), y)
    np.testing.assert_allclose(found, np.sum(likelihood.log_prob(eta, y[0]))[None], rtol=1e-6)
    # Numbers are fixed, so that nothing of the likelihood moves with the decoder.
    assert not likelihood.moves


def test_a_decoders_log_rates_are_bounded_and_a_linear_predictors_are_not():
    assert float(Poisson().mean(Poisson().predictors(jnp.array([1e6]))[0])) == pytest.approx(np.exp(20), rel=1e-5)
    assert float(Poisson().mean(jnp.array(30.0))) == pytest.approx(np.exp(30), rel=1e-5)


def test_a_logistic_regression_is_the_bernoulli_with_a_linear_predictor():
    eta, y, v = jnp.array([-1.0, 0.4]), jnp.array([1.0, 0.0]), jnp.array([0.3, 3.0])
    model, likelihood = LogisticRegression(), Bernoulli()
    assert np.array_equal(model.log_prob(eta, y), likelihood.log_prob(eta, y))
    assert np.array_equal(model.expectation(eta, v, (None, y)), likelihood.expectation(eta, v, y).value)
    key = jax.random.key(3)
    assert np.array_equal(model.draw(key, eta), likelihood.sample(key, eta))
    assert np.array_equal(model.predictive(eta, v, 0.9).probability, likelihood.response(eta, v)[0])
    assert (model.target, model.scale) == (Bernoulli.target, Bernoulli.scale)

"""A fit comes back from its folder as it was, and nothing in the folder is run."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut import objectives
from taut.algorithms import StochasticGradient
from taut.errors import PairingError, SavedFitError
from taut.families.amortized import Amortized
from taut.models.latent import LatentVariableModel
from taut.models.likelihoods import Gaussian
from taut.models.prior import BernoulliPrior, LearnedNormal
from taut.networks import MLP, ConvolutionalDecoder, ConvolutionalEncoder
from taut.results import specs

from ..helpers.saved_fits import changed

X = (np.random.default_rng(0).random((24, 4, 4)) < 0.4).astype(np.float32)


def mlp(latent=2, outputs=4, **model):
    return LatentVariableModel(MLP([latent, 5, 16], seed=1), latent=latent, **model), Amortized(MLP([16, 5, outputs]))


def convolutional():
    model = LatentVariableModel(ConvolutionalDecoder((4, 4), 2, (2, 3), 4), latent=2)
    return model, Amortized(ConvolutionalEncoder((4, 4), 4, (3, 2), 4))


def discrete():
    model, family = mlp(prior=BernoulliPrior(), outputs=2)
    return model, Amortized(family.encoder, "bernoulli")


def fitted(parts, objective="elbo", **options):
    model, family = parts
    return taut.fit(model, X, family=family, objective=objective, steps=10, batch_size=8, **options)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: fitted(mlp()), id="mlp"),
        pytest.param(lambda: fitted(convolutional(), "annealed"), id="convolutional", marks=pytest.mark.slow),
        pytest.param(lambda: fitted(discrete(), "expected_log_likelihood>=-9"), id="discrete", marks=pytest.mark.slow),
        pytest.param(
            lambda: fitted(
                mlp(likelihood=Gaussian(0.5, learned=True), prior=LearnedNormal.standard(2)), "free-bits=0.5"
            ),
            id="learned",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: fitted(mlp(), "iwae=2", algorithm=StochasticGradient(learning_rate=0.01, averaging=None)),
            id="importance",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_autoencoder_comes_back_whole(make, tmp_path):
    fit = make()
    again = taut.load(fit.save(tmp_path / "run"))
    assert type(again) is type(fit)
    assert again.to_json() == fit.to_json()
    assert again.algorithm == fit.algorithm
    assert again.problem.objective == fit.problem.objective
    assert all(np.array_equal(again.history[name], path, equal_nan=True) for name, path in fit.history.items())
    for mine, theirs in zip(again.encode(X[:3]), fit.encode(X[:3]), strict=True):
        assert np.array_equal(mine, theirs)
    assert np.array_equal(again.reconstruct(X[:3]), fit.reconstruct(X[:3]))
    assert np.array_equal(again.sample(4)["x"], fit.sample(4)["x"])


def own_decoder(z):
    return jnp.zeros(16) + z[0]


def own_encoder(x):
    return jnp.zeros(4)


def test_code_of_the_users_own_is_passed_again(tmp_path):
    model, family = LatentVariableModel(own_decoder, "gaussian", 2), Amortized(MLP([16, 4]))
    fit = fitted((model, family))
    path = fit.save(tmp_path / "run")
    with pytest.raises(SavedFitError, match=r"model that has code of your own.*model=\.\.\."):
        taut.load(path)
    again = taut.load(path, model)
    assert np.array_equal(again.reconstruct(X[:3]), fit.reconstruct(X[:3]))
    other = LatentVariableModel(own_decoder, Gaussian(2.0), 2)
    with pytest.raises(SavedFitError, match="not the one that was fitted"):
        taut.load(path, other)


def test_an_encoder_of_the_users_own_is_passed_again(tmp_path):
    fit = fitted((mlp()[0], Amortized(own_encoder)))
    path = fit.save(tmp_path / "run")
    with pytest.raises(SavedFitError, match=r"family=\.\.\."):
        taut.load(path)
    again = taut.load(path, family=Amortized(own_encoder))
    assert np.array_equal(again.sample(4)["x"], fit.sample(4)["x"])


def twice(statistics):
    return 2 * statistics["kl"]


def test_a_constraint_of_the_users_own_is_passed_again(tmp_path):
    own = objectives.Constrained(maximise="expected_log_likelihood", subject_to=objectives.at_most(twice, 3.0))
    fit = fitted(mlp(), own)
    path = fit.save(tmp_path / "run")
    with pytest.raises(SavedFitError, match=r"objective=\.\.\."):
        taut.load(path)
    assert taut.load(path, objective=own).multiplier == fit.multiplier


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta["parts"]["model"].update({"class": "os.system"}),
        lambda meta: meta["parts"]["model"]["fields"].pop("decoder"),
        lambda meta: meta["parts"].pop("family"),
        lambda meta: meta["parts"]["model"]["fields"]["decoder"]["fields"]["activation"].update(activation="system"),
        lambda meta: meta["parts"]["family"]["fields"]["encoder"]["fields"].update(layers={"tuple": []}),
        lambda meta: meta.update(algorithm={"class": "builtins.eval", "fields": {}}),
    ],
    ids=["class", "field", "part", "function", "layers", "algorithm"],
)
def test_a_folder_that_was_tampered_with_is_refused(change, tmp_path):
    path = fitted(mlp()).save(tmp_path / "run")
    with pytest.raises(SavedFitError):
        taut.load(changed(path, change))


def test_a_regression_keeps_how_it_was_fitted(tmp_path):
    data = ([[0.0], [1.0], [2.0], [4.0]], [0, 1, 0, 1])
    prior = taut.models.Normal(0.0, 2.0)
    fit = taut.fit(
        taut.models.LogisticRegression(prior), data, gradient="reinforce", algorithm=StochasticGradient(20, 0.02)
    )
    again = taut.load(fit.save(tmp_path / "run"))
    assert again.algorithm == fit.algorithm
    assert again.problem.gradient == fit.problem.gradient
    assert again.model.prior.scale == 2.0
    assert again.summary().equals(fit.summary())


@pytest.mark.parametrize(
    "part",
    [
        objectives.Weighted(objectives.Cosine(steps=7)),
        objectives.FreeBits(0.3, "example"),
        objectives.Constrained("kl", subject_to=objectives.at_least("elbo", -3.0), rule=objectives.Multiplicative()),
        taut.gradients.Reinforce(4, taut.gradients.MovingAverage()),
        StochasticGradient(steps=3, averaging=None),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_part_is_what_its_spec_says(part):
    said = json.loads(json.dumps(specs.spec(part)))
    assert specs.build(said) == part


@pytest.mark.parametrize("foreign", [own_decoder, object(), objectives.at_most(twice, 1.0), dataclasses.field()])
def test_what_is_not_tauts_own_has_no_spec(foreign):
    assert specs.spec_or_none(foreign) is None


def test_a_regression_refuses_a_family_that_has_no_table():
    family = taut.families.SinhArcsinh.around(np.zeros(2))
    with pytest.raises(PairingError, match="needs a family with closed mean and covariance"):
        taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0], [2.0]], [0, 1, 1]), family=family)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_regression_with_another_prior_keeps_its_gaussian_and_its_columns(seed):
    """Its verdict may doubt the Gaussian, for which richer families have no table of coefficients."""
    import numpyro.distributions as dist

    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(12, 2)), np.arange(12) % 2
    model = taut.models.LogisticRegression(taut.models.Independent(dist.Laplace(0.0, 1.0)))
    fit = taut.fit(model, (X, y))
    assert fit.posterior.name == "full-rank"
    assert fit.verdict.trust.names == ("intercept", "x0", "x1") == tuple(fit.summary()["name"])

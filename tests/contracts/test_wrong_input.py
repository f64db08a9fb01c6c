"""Wrong input to each kind of part of the public API ends in an error of Taut, short and plain, before any work.

The list grows by what people tried. An entry is a name, a call, and words that the message holds.
"""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

import taut
from taut import algorithms, data, families, gradients, models, networks, objectives
from taut.errors import TautError
from taut.families import Amortized
from taut.models import LatentVariableModel, LogDensity, LogisticRegression
from taut.models.supports import bounded, ordered, positive, real, simplex

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = (X[:, 0] + RNG.normal(size=200) > 0) * 1
IMAGES = (RNG.random((60, 4, 4)) < 0.5).astype(np.float32)
LONGEST = 420
"""Most characters of a message: none shows an array, a table or a network."""


def regression(data=(X, Y), **sentences):
    return lambda: taut.fit(LogisticRegression(), data, progress=False, **sentences)


def with_prior(prior):
    return lambda: taut.fit(LogisticRegression(prior=prior), (X, Y), progress=False)


def latent(data=IMAGES, decoder=None, **sentences):
    decoder = networks.MLP([2, 8, 16]) if decoder is None else decoder
    return lambda: taut.fit(LatentVariableModel(decoder, latent=2), data, steps=5, progress=False, **sentences)


def encoder(network):
    return latent(family=Amortized(network))


def density(function, data=None, **parameters):
    return lambda: taut.fit(LogDensity(function, parameters=parameters or {"x": real()}), data, progress=False)


def by_rows(data):
    def log_likelihood(v, rows):
        return -((rows - v["x"]) ** 2)

    model = LogDensity(parameters={"x": real()}, log_likelihood=log_likelihood, log_prior=lambda v: 0.0 * v["x"])
    return lambda: taut.fit(model, data, progress=False)


WRONG = {
    # -- taut.fit: the model and the data
    "swapped": (lambda: taut.fit((X, Y), LogisticRegression()), "swapped"),
    "swapped with a class": (lambda: taut.fit((X, Y), LogisticRegression), "swapped"),
    "a class of models": (lambda: taut.fit(LogisticRegression, (X, Y)), "call it"),
    "the name of a model": (lambda: taut.fit("logistic", (X, Y)), "LogisticRegression()"),
    "a function for a model": (lambda: taut.fit(lambda v: 0.0), "from_numpyro"),
    "a table for a model": (lambda: taut.fit(X, Y), "an array of shape (200, 2)"),
    "no data": (regression(None), "pair (X, y)"),
    "X alone": (regression(X), "pair (X, y)"),
    "a path for a table": (regression("loans.csv"), "pair (X, y)"),
    "three arrays": (regression((X, Y, Y)), "pair (X, y)"),
    "a dictionary of arrays": (regression({"X": X, "y": Y}), "pair (X, y)"),
    "a number for X": (regression((3, Y)), "table or an array"),
    "two columns of y": (regression((X, np.c_[Y, Y])), "ne value a row"),
    "complex X": (regression((X * 1j, Y)), "complex"),
    "words for weights": (regression(sample_weight="w"), "one number for each row"),
    "too few weights": (regression(sample_weight=[1, 2]), "200 rows"),
    # -- taut.fit: the run
    "a word for a seed": (regression(seed="a"), "whole number"),
    "a half seed": (regression(seed=0.5), "whole number"),
    "a word for steps": (regression(steps="10"), "whole number"),
    "half a step": (regression(steps=1e2), "whole number"),
    "no steps": (regression(steps=0), "whole number"),
    "a half batch": (regression(batch_size=8.0), "whole number"),
    "a truth value for a batch": (regression(batch_size=True), "whole number"),
    "half precision": (regression(dtype="float16"), "float64"),
    "a number for a checkpoint": (regression(algorithm="stochastic", checkpoint=3), "path"),
    "a number for a callback": (regression(algorithm="stochastic", callback=3), "function"),
    "a number for a transform": (latent(transform=3), "function"),
    "a word for patience": (latent(patience="3", validation=IMAGES), "whole number"),
    "patience without validation": (latent(patience=3), "validation="),
    "validation of another shape": (latent(patience=3, validation=IMAGES[:, :2]), "[n, 4, 4]"),
    "a word for validation": (latent(validation="x"), "numbers are needed"),
    "grey validation": (latent(validation=IMAGES / 2), "Bernoulli"),
    # -- taut.fit: names, classes and instances of parts
    "an unknown family": (regression(family="fulrank"), "Did you mean 'full-rank'"),
    "a number for a family": (regression(family=3), "mean-field"),
    "an array for a family": (regression(family=np.ones((500, 500))), "an array of shape (500, 500)"),
    "a gradient for a family": (regression(family=gradients.Reinforce()), "Reinforce(...)"),
    "an abstract family": (regression(family=families.Family), "is a class"),
    "a family that does not start by itself": (regression(family=families.Gamma), "is a class"),
    "a family of another size": (regression(family=families.FullRank.around(np.zeros(7))), "7 coordinates"),
    "an encoder for a regression": (regression(family=Amortized(networks.MLP([2, 4]))), "amortised"),
    "an unknown objective": (regression(objective="elbow"), "Forms: elbo"),
    "a number for an objective": (regression(objective=4), "Objective"),
    "an unknown gradient": (regression(gradient="reparam-grad"), "Names: "),
    "an unknown algorithm": (regression(algorithm="adam"), "stochastic"),
    "an optimizer for an algorithm": (regression(algorithm=optax.adam(1e-2)), "Algorithm"),
    # -- priors
    "a number for a prior": (with_prior(1.0), "Normal(0, 1)"),
    "a word for a prior": (with_prior("normal"), "Normal(0, 1)"),
    "a class of priors": (with_prior(models.Normal), "call it"),
    "a prior of positive numbers": (with_prior(dist.Gamma(1.0, 1.0)), "real line"),
    "a prior of zeros and ones": (with_prior(models.BernoulliPrior()), "real numbers"),
    "a prior of another size": (with_prior(models.Normal(np.zeros(9), 1.0)), "3 unknowns"),
    "a joint prior of another size": (with_prior(dist.MultivariateNormal(np.zeros(2), np.eye(2))), "3 unknowns"),
    "a word for a switch": (lambda: LogisticRegression(standardise="yes"), "True or False"),
    # -- latent-variable models
    "no examples": (latent(None), "received nothing"),
    "images with labels": (latent((IMAGES, IMAGES)), "one array of examples"),
    "a list of words": (latent(["a", "b"]), "numbers are needed"),
    "a path for examples": (latent("digits"), "taut.data.load_images"),
    "a dictionary of examples": (latent({"x": IMAGES}), "a dict of 'x'"),
    "a list of nothing": (latent([None]), "rows in front"),
    "one axis": (latent(IMAGES.ravel()), "two axes"),
    "a single number": (latent(3.0), "rows in front"),
    "a function for examples": (latent(lambda: IMAGES), "rows in front"),
    "images that are not binarised": (latent(data.load_images("digits")), "binarise"),
    "no rows": (latent(IMAGES[:0]), "positive number of rows"),
    "objects": (latent(np.array([[object()]] * 5)), "numbers"),
    "ragged lists": (latent([[1.0, 2.0], [1.0]]), "unequal lengths"),
    "complex examples": (latent(IMAGES * 1j), "real numbers"),
    "not finite": (latent(IMAGES * np.nan), "not finite"),
    "a decoder of another size": (latent(decoder=networks.MLP([2, 8, 17])), "16 numbers"),
    "a decoder of another latent": (latent(decoder=networks.MLP([3, 8, 16])), "z of length 2"),
    "a decoder of a pair": (latent(decoder=lambda z: (jnp.zeros(16), jnp.zeros(16))), "a tuple of"),
    "a decoder of a dictionary": (latent(decoder=lambda z: {"mean": jnp.zeros(16)}), "a dict"),
    "a decoder of nothing": (latent(decoder=lambda z: None), "nothing"),
    "a decoder of a number": (latent(decoder=lambda z: 1.0), "a float"),
    "a decoder with a mistake": (latent(decoder=lambda z: z.foo), "AttributeError"),
    "a decoder with an if": (latent(decoder=lambda z: jnp.zeros(16) if z[0] > 0 else z), "`if`"),
    "no decoder": (lambda: LatentVariableModel(None), "None is no network"),
    "a class for a decoder": (lambda: LatentVariableModel(networks.MLP), "the class MLP"),
    "a word for the latent": (lambda: LatentVariableModel(networks.MLP([2, 16]), latent="2"), "whole number"),
    "an unknown likelihood": (lambda: LatentVariableModel(networks.MLP([2, 16]), "bernouli"), "'bernoulli'"),
    "a number for a likelihood": (lambda: LatentVariableModel(networks.MLP([2, 16]), 3), "poisson"),
    "binary units, normal prior": (latent(family=Amortized(networks.MLP([16, 2]), "bernoulli")), "BernoulliPrior()"),
    # -- encoders
    "an encoder of a dictionary": (encoder(lambda x: {"mean": x, "log_sd": x}), "(mean, log_sd)"),
    "an encoder of a distribution": (encoder(lambda x: dist.Normal(jnp.zeros(2), jnp.ones(2))), "(mean, log_sd)"),
    "an encoder of a family": (encoder(lambda x: families.MeanField(jnp.zeros(2), jnp.zeros(2))), "(mean, log_sd)"),
    "an encoder of three": (encoder(lambda x: (jnp.zeros(2), jnp.zeros(2), jnp.zeros(2))), "(mean, log_sd)"),
    "an encoder of an uneven pair": (encoder(lambda x: (jnp.zeros(2), jnp.zeros(3))), "(2,) each"),
    "an encoder of nothing": (encoder(lambda x: None), "nothing"),
    "an encoder of another size": (encoder(networks.MLP([16, 8, 3])), "shape (4,)"),
    "an encoder of a matrix": (encoder(lambda x: jnp.zeros((2, 2))), "shape (2, 2)"),
    "an encoder of other examples": (encoder(networks.MLP([15, 8, 4])), "shape (4, 4)"),
    "an encoder with a mistake": (encoder(lambda x: x.foo), "AttributeError"),
    "a bare network for a family": (latent(family=networks.MLP([16, 8, 4])), "Amortized(network)"),
    "the class of amortised families": (latent(family=Amortized), "Amortized(encoder)"),
    "a family for all rows": (latent(family="mean-field"), "Amortized(encoder)"),
    "an unknown latent": (lambda: Amortized(networks.MLP([16, 4]), "normal"), "gaussian, bernoulli"),
    # -- log densities and supports
    "no function": (lambda: LogDensity("x", parameters={"x": real()}), "not a function"),
    "a word for parameters": (lambda: LogDensity(lambda v: 0.0, parameters="x"), "names no unknown"),
    "a support that is not called": (lambda: LogDensity(lambda v: 0.0, parameters={"x": real}), "called"),
    "an unknown parameter": (density(lambda v: -(v["y"] ** 2)), "'y'"),
    "a vector of log densities": (density(lambda v: -(v["x"] ** 2), x=real(3)), "jnp.sum"),
    "no log density": (density(lambda v: None), "return"),
    "a pair of log densities": (density(lambda v: (-(v["x"] ** 2), 1)), "a tuple"),
    "data of a joint density": (density(lambda v: -(v["x"] ** 2), X), "data inside"),
    "no rows of a density": (by_rows(None), "needs data"),
    "a path for rows": (by_rows("data.csv"), "numbers are needed"),
    "a number for rows": (by_rows(3.0), "rows in front"),
    "words for rows": (by_rows(np.array(["a", "b"])), "numbers are needed"),
    "an empty list of rows": (by_rows([]), "rows in front"),
    "crossed arrays for bounds": (lambda: bounded(np.array([0, 2]), np.array([1, 2])), "lower first"),
    "bounds the wrong way": (lambda: bounded(2, 1), "lower first"),
    "words for bounds": (lambda: bounded("0", 1), "two finite numbers"),
    "a word for a shape": (lambda: real("3"), "whole number"),
    "a negative shape": (lambda: positive(-3), "whole number"),
    "a simplex of one": (lambda: simplex(1), "at least two"),
    "an order of words": (lambda: ordered("a"), "two numbers"),
    # -- families, networks, objectives, gradients, algorithms by themselves
    "shapes of a mean-field": (lambda: families.MeanField(np.zeros(3), np.zeros(2)), "same shape"),
    "words for a mean-field": (lambda: families.MeanField("a", "b"), "same shape"),
    "a negative sd": (lambda: families.MeanField.around(np.zeros(2), -1.0), "positive"),
    "a word for a mean": (lambda: families.FullRank.around("a"), "mean of shape"),
    "shapes of a full rank": (lambda: families.FullRank(np.zeros(3), np.zeros(3), np.eye(2)), "[D, D]"),
    "a negative rank": (lambda: families.LowRank.around(np.zeros(3), rank=-1), "rank=-1"),
    "a network of one layer": (lambda: networks.MLP([3]), "input first"),
    "a number for layers": (lambda: networks.MLP(3), "input first"),
    "a word for an activation": (lambda: networks.MLP([3, 4], activation="relu"), "jax.nn.relu"),
    "a number for an image": (lambda: networks.ConvolutionalEncoder(28, 3), "height"),
    "words in an image": (lambda: networks.ConvolutionalDecoder(("a", "b"), 3), "height"),
    "a word for a weight": (lambda: objectives.Weighted("4"), "at least 0"),
    "a word for free nats": (lambda: objectives.FreeBits("a"), "at least 0"),
    "an unknown statistic": (lambda: objectives.at_least("rate", 1), "expected_log_likelihood"),
    "a word for a bound": (lambda: objectives.at_least("kl", "a"), "finite number"),
    "a word for a constraint": (lambda: objectives.Constrained("kl", subject_to="x"), "at_least"),
    "a word for draws": (lambda: gradients.Reinforce(samples="a"), "whole number"),
    "half a draw": (lambda: gradients.Reparametrization(samples=1.5), "whole number"),
    "an unknown control": (lambda: gradients.Reinforce(control="loo"), "leave-one-out"),
    "a number for a control": (lambda: gradients.Reinforce(control=3), "leave-one-out"),
    "a word for a rate": (lambda: algorithms.StochasticGradient(learning_rate="a"), "positive number"),
    "a word for an average": (lambda: algorithms.StochasticGradient(averaging="a"), "at least 0"),
    "a word for an optimizer": (lambda: algorithms.StochasticGradient(optimizer="adam"), "optax.adam"),
    "a number for an optimizer": (lambda: algorithms.StochasticGradient(optimizer=3), "optax.adam"),
    "a word for iterations": (lambda: algorithms.NaturalGradient(steps="a"), "whole number"),
    # -- data
    "no images": (lambda: data.load_images(None), "[n, h, w]"),
    "a model for images": (lambda: data.load_images(LogisticRegression()), "[n, h, w]"),
    "a dictionary of images": (lambda: data.load_images({"train": IMAGES}), "a dict of 'train'"),
    "a word for a limit": (lambda: data.load_images("digits", limit="3"), "whole number"),
    "an unknown binarisation": (lambda: data.binarise("dinamic", data.load_images("digits")), "'dynamic'"),
    "an array to binarise": (lambda: data.binarise("fixed", IMAGES), "load_images"),
    "binarise swapped": (lambda: data.binarise(data.load_images("digits"), "fixed"), "come second"),
    "an array to split": (lambda: data.split(IMAGES), "load_images"),
    "a word for a share": (lambda: data.split(data.load_images("digits"), "a"), "between 0 and 1"),
    "a number for a table": (lambda: data.read_table(3), "path"),
    "an unknown bundled table": (lambda: data.load_bundled("iris"), "breast-cancer"),
    # -- load, studies and reports
    "load nothing": (lambda: taut.load(None), "path"),
    "load a number": (lambda: taut.load(3), "path"),
    "load a model": (lambda: taut.load(LogisticRegression()), "path"),
    "compare without a model": (lambda: taut.compare_gradients(3), "not a Taut model"),
    "claims without a model": (lambda: taut.gradient_claims(3, 4), "not a Taut model"),
    "a curve without a model": (lambda: taut.rate_distortion(3, 4), "not a Taut model"),
    "a page of nothing": (lambda: taut.report.page(3, "x.html"), "no Fit"),
    "a table of nothing": (lambda: taut.report.table(LogisticRegression()), "no Fit"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_in_plain_words(name):
    call, words = WRONG[name]
    with pytest.raises(TautError) as refusal:
        call()
    message = str(refusal.value)
    assert words in message
    assert len(message) < LONGEST
    assert not [sign for sign in ("Traced", " at 0x", "\n") if sign in message]


@pytest.fixture(scope="module")
def fit():
    return taut.fit(LogisticRegression(), (X, Y), progress=False)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda fit: fit.predict("x"), "table or an array"),
        (lambda fit: fit.predict(X[:, :1]), "1 columns"),
        (lambda fit: fit.predict(X[0]), "reshape"),
        (lambda fit: fit.predict(X, level=95), "between 0 and 1"),
        (lambda fit: fit.predict(X, level="a"), "between 0 and 1"),
        (lambda fit: fit.summary(level=0), "between 0 and 1"),
        (lambda fit: fit.sample("a"), "whole number"),
        (lambda fit: fit.sample(1e3), "whole number"),
        (lambda fit: fit.sample(10, seed="a"), "whole number"),
        (lambda fit: fit.save(None), "path"),
    ],
)
def test_a_wrong_question_to_a_fit_is_refused_in_plain_words(fit, ask, words):
    with pytest.raises(TautError) as refusal:
        ask(fit)
    assert words in str(refusal.value)


def test_a_misspelt_question_names_the_right_one(fit):
    with pytest.raises(AttributeError, match="Did you mean 'summary'"):
        fit.sumary()
    assert not hasattr(fit, "_repr_svg_")


@pytest.mark.parametrize("number", [np.int32(3), np.int64(3), np.uint8(3)])
def test_whole_numbers_of_numpy_are_whole_numbers(number, tmp_path):
    fit = taut.fit(LogisticRegression(), (X, Y), seed=number, steps=number, progress=False)
    assert (fit.seed, fit.algorithm.steps) == (3, 3)
    fit.save(tmp_path / "run")
    assert len(fit.sample(number)["x0"]) == 3


THREE = np.int64(3)
NUMBERS_OF_NUMPY = {
    "samples": lambda n: gradients.Reparametrization(samples=n).samples,
    "draws of a baseline": lambda n: gradients.Reinforce(samples=n).samples,
    "steps": lambda n: algorithms.StochasticGradient(steps=n).steps,
    "steps of Newton": lambda n: algorithms.NaturalGradient(steps=n, memory=n).memory,
    "iterations": lambda n: algorithms.ScoreRegression(steps=n).steps,
    "updates": lambda n: algorithms.BatchAndMatch(steps=n, batch=2 * n).batch // 2,
    "fixed draws": lambda n: algorithms.FixedDraws(steps=n, draws=2 * n).draws // 2,
    "a schedule": lambda n: objectives.Linear(steps=n).steps,
    "a horseshoe": lambda n: models.Horseshoe(df=n).df,
    "a fixed shape": lambda n: families.Weibull(np.ones(2), shape=n).shape,
    "a latent": lambda n: LatentVariableModel(networks.MLP([3, 16]), latent=n).latent,
    "a shape": lambda n: real((n, 2)).shape[0],
    "a size": lambda n: simplex(n, stack=n).shape[0],
    "a bound": lambda n: int(bounded(0, n).bounds[1]),
}


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.int16])
@pytest.mark.parametrize("name", NUMBERS_OF_NUMPY)
def test_a_whole_number_of_numpy_is_kept_as_one_of_python(name, kind):
    number = NUMBERS_OF_NUMPY[name](kind(3))
    assert number == 3
    assert type(number) is int


def test_counts_of_numpy_serve_wherever_something_is_counted():
    assert families.LowRank.around(np.zeros(4), rank=THREE).factor.shape == (4, 3)
    assert data.load_images("digits", limit=THREE).train.shape[0] == 3
    assert data.binarise("fixed", data.load_images("digits", limit=THREE), seed=THREE).binarisation.seed == 3
    fit = taut.fit(LogisticRegression(), (X, Y), algorithm="stochastic", steps=THREE, batch_size=THREE, progress=False)
    assert fit.to_json()["iterations"] == 3


def test_lists_of_numbers_are_arrays():
    model = by_rows([1.0, 2.0, 3.0])
    assert abs(model().summary()["mean"][0] - 2.0) < 1e-3

"""Makes the saved fits in `fits_0_1_0`, and the answers that are expected of them after `taut.load`.

It was run once, with version 0.1.0, and its output is kept as it is: a fit that 0.1.0 saved has to load in later
versions and to give the answers that it gave then. The program shows where the files come from; it is not to be run
again, since what a later version saves belongs into another folder. Between them the fits hold every part that a fit of
0.1.0 can be saved with, in problems that are as small as they can be: nothing is fitted here to be good.

To be small, the fits keep fewer draws than 0.1.0 keeps by itself: 20 of the 4,000 behind a summary, and 30 of the
thousands of weighted ones that are the answer where the verdict is "corrected".

    python make_fits_0_1_0.py          makes the fits, a matter of minutes, and asks them
    python make_fits_0_1_0.py --check  asks the fits as they are, and names what differs in any digit from the answers

The test allows the last digits of what is computed to differ, since other processors round in another order; the check
allows nothing, and is for the machine on which the fits were made.
"""

import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import optax
import polars as pl

import taut
from taut.algorithms import BatchAndMatch, FixedDraws, Recipe, StochasticGradient
from taut.families import (
    Amortized,
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Gamma,
    GammaRate,
    Poisson,
    Weibull,
)
from taut.gradients import (
    DeltaMethod,
    DoubleControl,
    Enumeration,
    LeaveOneOut,
    MeasureValued,
    MovingAverage,
    NoControl,
    OptimalBaseline,
    Reinforce,
    StraightThrough,
)
from taut.models import BernoulliPrior, LatentVariableModel, LearnedNormal, LogDensity, LogisticRegression, Normal, real
from taut.models.likelihoods import Categorical as Levels
from taut.models.likelihoods import Gaussian
from taut.networks import MLP, ConvolutionalDecoder, ConvolutionalEncoder
from taut.objectives import (
    Constrained,
    Cosine,
    Cyclical,
    GradientAscent,
    Linear,
    Multiplicative,
    ProportionalIntegral,
    Weighted,
    at_least,
    at_most,
)

HERE = Path(__file__).parent
FOLDER = HERE / "fits_0_1_0"
ANSWERS = FOLDER / "answers.npz"
DRAWS, WEIGHTED = 20, 30

of_questions = importlib.util.spec_from_file_location("questions_0_1_0", HERE / "questions_0_1_0.py")
asked = importlib.util.module_from_spec(of_questions)
of_questions.loader.exec_module(asked)

MAKERS = {}
"""By name of the fit, what makes it."""


def saved(name):
    """Puts a maker into the list."""

    def put(make):
        MAKERS[name] = make
        return make

    return put


# Regressions.


def arrays(rows=12, columns=2, seed=0):
    """Random columns and a target that hangs on the first."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    return X, (X[:, 0] + rng.normal(size=rows) > 0).astype(int)


def table(rows=30):
    """Numbers with a missing one, a category, and a target of two words."""
    rng = np.random.default_rng(0)
    income = rng.normal(30, 8, rows).round(2)
    X = pl.DataFrame({
        "age": [None if i == 4 else int(a) for i, a in enumerate(rng.integers(20, 70, rows))],
        "income": income,
        "job": rng.choice(["baker", "clerk", "cook"], rows),
    })  # fmt: skip
    return X, pl.Series("bad", np.where(rng.random(rows) < 1 / (1 + np.exp(0.2 * (income - 30))), "yes", "no"))


def regression(data=None, model=None, steps=10, **sentences):
    """By stochastic gradients unless the sentences say otherwise."""
    return taut.fit(model or LogisticRegression(), arrays() if data is None else data, steps=steps, **sentences)


@saved("regression-corrected")
def _():
    return taut.fit(LogisticRegression(Normal(0.0, 4.0)), arrays(6, 3, seed=2))


@saved("regression-reinforce")
def _():
    model = LogisticRegression(Normal(np.array([0.0, 0.5, -0.5]), 2.0), standardise=False)
    return regression(model=model, family="mean-field", objective="beta=4", gradient=Reinforce(8, LeaveOneOut()))


@saved("regression-low-rank")
def _():
    X, y = arrays(16)
    model, algorithm = LogisticRegression(intercept=False), StochasticGradient(optimizer=Recipe(optax.sgd, 1e-2))
    more = {"batch_size": 4, "sample_weight": 1.0 + y, "seed": 3, "dtype": "float32"}
    return regression((X, y), model, family="low-rank", algorithm=algorithm, **more)


@saved("regression-double-control")
def _():
    return regression(family="mean-field", gradient=Reinforce(8, DoubleControl()), objective=Weighted(Cosine(steps=5)))


@saved("regression-laplace")
def _():
    return regression(model=asked.laplace_model(), algorithm=BatchAndMatch())


@saved("regression-diverged")
def _():
    return regression(gradient="reinforce", algorithm=StochasticGradient(learning_rate=1e3, averaging=None))


@saved("regression-table")
def _():
    X, y = table()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        X.with_columns(y).write_csv(path)
        return of_command("fit", path, "--target", "bad", "--positive", "no", "--missing", "drop")


# Log densities.


def density(log_joint, size=None, **sentences):
    """Of real numbers x, one or an array."""
    unknown = real() if size is None else real(size)
    return taut.fit(LogDensity(log_joint, parameters={"x": unknown}), **sentences)


@saved("density-supports")
def _():
    return taut.fit(asked.supports_model())


@saved("density-skewed")
def _():
    return taut.fit(asked.skewed_model())


@saved("density-bimodal")
def _():
    return density(asked.two_modes)


@saved("density-rows")
def _():
    x = np.linspace(-1, 1, 12)[:, None]
    rows = x, np.sin(3 * x[:, 0])
    algorithm = StochasticGradient(steps=10, optimizer="d-adaptation")
    return taut.fit(asked.network_model(), rows, algorithm=algorithm, batch_size=6)


@saved("density-numpyro")
def _():
    return taut.fit(asked.numpyro_model(), family="mean-field", algorithm=FixedDraws(linear_response=True))


# Families of other shapes than a Gaussian's: a cost that is right for their support, and few steps.


def gamma_like(v):
    """Of positive numbers."""
    return jax.numpy.sum(2 * jax.numpy.log(v["x"]) - v["x"])


def beta_like(v):
    """Of numbers between 0 and 1."""
    return jax.numpy.sum(2 * jax.numpy.log(v["x"]) + jax.numpy.log1p(-v["x"]))


def dirichlet_like(v):
    """Of shares."""
    return jax.numpy.sum(jax.numpy.array([1.0, 2.0, 3.0]) * jax.numpy.log(v["x"]))


def coupled(v):
    """Of zeros and ones."""
    return v["x"][0] - 2 * v["x"][1] + v["x"][0] * v["x"][-1]


def poisson_like(v):
    """Of counts."""
    return jax.numpy.sum(v["x"] - jax.scipy.special.gammaln(v["x"] + 1))


def shaped(log_joint, family, gradient, **sentences):
    """Ten steps from a given member of a family."""
    sentences |= {"family": family, "gradient": gradient, "algorithm": StochasticGradient(steps=10)}
    return density(log_joint, family.dim, **sentences)


@saved("family-gamma")
def _():
    family, objective = Gamma.matching(np.array([2.0, 1.0]), 0.7), Weighted(Cyclical(steps=8, cycles=2))
    return shaped(gamma_like, family, Reinforce(8, NoControl()), objective=objective)


@saved("family-gamma-rate")
def _():
    return shaped(gamma_like, GammaRate(np.zeros(2), 2.0), MeasureValued(2))


@saved("family-weibull")
def _():
    return shaped(gamma_like, Weibull(np.zeros(2), 1.5), Reinforce(8, MovingAverage(0.8)))


@saved("family-beta")
def _():
    family, objective = Beta(np.zeros(2), np.full(2, 0.5)), Weighted(Linear(steps=5))
    return shaped(beta_like, family, "reparametrization", objective=objective)


@saved("family-dirichlet")
def _():
    return shaped(dirichlet_like, Dirichlet(np.zeros(3)), Reinforce(8, OptimalBaseline()))


@saved("family-bernoulli")
def _():
    return shaped(coupled, Bernoulli(np.zeros(2)), Enumeration())


@saved("family-categorical")
def _():
    return shaped(coupled, Categorical(np.zeros((2, 2))), StraightThrough(4, 0.7))


@saved("family-poisson")
def _():
    return shaped(poisson_like, Poisson(np.zeros(2)), MeasureValued())


# Autoencoders.


def autoencoder(activations, likelihood="bernoulli", prior=None, data=None, discrete=False, **sentences):
    """Two small networks for 4 x 4 images, with the named activation functions; two latents."""
    of_decoder, of_encoder = (getattr(jax.nn, name) for name in activations.split())
    outputs = likelihood.levels if isinstance(likelihood, Levels) else 1
    model = LatentVariableModel(MLP([2, 3, 16 * outputs], of_decoder, seed=1), likelihood, 2, prior)
    encoder = MLP([16, 3, 2 if discrete else 4], of_encoder, seed=2)
    family = Amortized(encoder, "bernoulli" if discrete else "gaussian")
    return taut.fit(model, images() if data is None else data, family=family, batch_size=8, steps=10, **sentences)


def images(levels=1):
    """24 images with values from 0 to `levels`."""
    rng = np.random.default_rng(0)
    return rng.binomial(levels, np.linspace(0.2, 0.6, 16).reshape(4, 4), (24, 4, 4)).astype(np.float32)


@saved("autoencoder-convolutional")
def _():
    decoder = ConvolutionalDecoder((4, 4), 2, (2, 3), 3, seed=1)
    model = LatentVariableModel(decoder, Gaussian(0.5, learned=True), 2, LearnedNormal.standard(2))
    family = Amortized(ConvolutionalEncoder((4, 4), 4, (2, 2), 3, seed=2))
    return taut.fit(model, images(), family=family, objective="free-bits=0.5", batch_size=8, steps=10)


@saved("autoencoder-iwae")
def _():
    return autoencoder("gelu tanh", "continuous-bernoulli", objective="iwae=2", data=images(4) / 4)


@saved("autoencoder-renyi")
def _():
    return autoencoder("silu silu", "relaxed", Normal(0.0, 2.0), objective="renyi=0.5:2", data=images(4) / 4)


@saved("autoencoder-categorical")
def _():
    constraint = at_least("expected_log_likelihood", -15.0)
    objective = Constrained(minimise="kl", subject_to=constraint, rule=Multiplicative(step=0.02))
    return autoencoder("elu elu", Levels(3), objective=objective, data=images(2), dtype="float64")


@saved("autoencoder-poisson-constrained")
def _():
    constraints = at_least("expected_log_likelihood", -30.0), at_least("elbo", -40.0)
    objective = Constrained(minimise="kl", subject_to=constraints, rule=GradientAscent(step=0.05))
    return autoencoder("selu selu", "poisson", objective=objective, data=images(5))


@saved("autoencoder-rate")
def _():
    rule = ProportionalIntegral(proportional=10.0)
    objective = Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 1.0), rule=rule)
    return autoencoder("softplus softplus", Gaussian(0.7), objective=objective, gradient=Reinforce(4, DeltaMethod()))


@saved("autoencoder-discrete-constrained")
def _():
    sentences = {"objective": "expected_log_likelihood>=-9", "gradient": "disarm"}
    return autoencoder("sigmoid relu", prior=BernoulliPrior(0.3), discrete=True, **sentences)


@saved("autoencoder-own")
def _():
    return taut.fit(data=images(), batch_size=8, steps=10, **asked.own_parts())


@saved("autoencoder-command-line")
def _():
    small = "--hidden", 3, "--latent", 2, "--batch-size", 16, "--steps", 10, "--draws", 3
    return of_command("vae", "digits", *small)


# Making, asking, checking.


def of_command(*arguments):
    """The fit that a command leaves in its folder, with what its page shows of the data."""
    command = [Path(sys.executable).with_name("taut"), *map(str, arguments), "--out", "run"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        return taut.load(Path(folder) / "run")


def smaller(fit):
    """With fewer draws, see above."""
    if isinstance(fit, taut.LatentFit):
        return fit
    judged = fit.judgement
    if judged is not None and judged.corrected:
        fewer = {k: getattr(judged, k)[:WEIGHTED] for k in ("z", "weights", "log_prob", "log_q")}
        fewer["weights"] = fewer["weights"] / fewer["weights"].sum()
        fit = dataclasses.replace(fit, judged=judged._replace(**fewer))
    if fit.design is None:
        fit = dataclasses.replace(fit, draws=asked.leaves(fit.sample(DRAWS, fit.seed)))
    return fit


def ask():
    """The answers of all fits in the folder: what is kept as JSON texts, what is computed as arrays."""
    kept, computed = {}, {}
    for case, name, given in asked.cases(path.name for path in FOLDER.iterdir() if path.is_dir()):
        kept[case], arrays = asked.answers(taut.load(FOLDER / name, **given()))
        computed |= {f"{case}/{question}": x for question, x in arrays.items()}
    return {"kept": np.array(json.dumps(kept).encode())} | computed


def make():
    """All fits, and their answers."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, fitted in MAKERS.items():
        fit = smaller(fitted())
        fit.save(FOLDER / name)
        verdict = "none" if fit.verdict is None else fit.verdict.trust.answer
        print(f"{name}: {fit.ended.word}, {verdict}", flush=True)
    np.savez_compressed(ANSWERS, **ask())


def check():
    """Says which answers are no longer the same to the last digit."""
    with np.load(ANSWERS) as file:
        then, now = dict(file), ask()
    before, today = (json.loads(x.pop("kept").item()) for x in (then, now))
    before, today = ({(case, name): said for case, texts in x.items() for name, said in texts.items()}
                     for x in (before, today))  # fmt: skip
    for key in sorted(before.keys() | today.keys()):
        if before.get(key) != today.get(key):
            print(key, "then", before.get(key), "now", today.get(key), sep="\n")
    for key in sorted(then.keys() | now.keys()):
        if key not in then or key not in now or then[key].tobytes() != now[key].tobytes():
            print(key, "then", then.get(key), "now", now.get(key), sep="\n")
    print(f"{len(before) + len(then)} answers compared")


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else make()

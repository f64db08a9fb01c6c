"""Every combination of the public parts works, or is refused before the first step with the reason and a remedy.

Each that is allowed is traced through a step, which shows that its parts fit; enough are run to cover every part.
"""

import inspect
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import taut.algorithms
import taut.families
import taut.gradients
import taut.models
import taut.objectives
from taut.algorithms import Algorithm, NaturalGradient, StochasticGradient
from taut.algorithms.on_density.base import OnDensity
from taut.core.trees import cast
from taut.data.source import Source
from taut.errors import PairingError
from taut.families import Family, MeanField
from taut.gradients import Exact, Reinforce, Reparametrization
from taut.learning.loop import learn
from taut.models import Independent, LogDensity, LogisticRegression, Model, positive, real
from taut.models.density import Density
from taut.objectives import Constrained, Elbo, FreeBits, ImportanceWeighted, Objective, Renyi, Weighted, at_least
from taut.problem import Problem

rng = np.random.default_rng(14)
X, Y = rng.normal(size=(12, 2)), rng.integers(0, 2, 12).astype(float)


def parts(room, abstract):
    found = [part for _, part in inspect.getmembers(room, inspect.isclass)]
    found = [part for part in found if issubclass(part, abstract) and part is not abstract]
    return [part for part in found if not (inspect.isabstract(part) or getattr(part, "__abstractvars__", ()))]


def log_likelihood(values, rows):
    return -0.5 * (rows[1] - rows[0] @ values["w"]) ** 2


MODELS = {
    "logistic": (LogisticRegression(), (X, Y)),
    "logistic, Laplace prior": (LogisticRegression(Independent(dist.Laplace(0.0, 1.0))), (X, Y)),
    "joint log density": (
        LogDensity(lambda v: -jnp.cosh(v["mu"]) - v["tau"], parameters={"mu": real(), "tau": positive()}),
        np.zeros((1, 0)),
    ),
    "log density by rows": (
        LogDensity(parameters={"w": real(2)}, log_likelihood=log_likelihood, log_prior=lambda v: -jnp.sum(v["w"] ** 2)),
        (X, Y),
    ),
}


OBJECTIVES = [
    Elbo(),
    Weighted(0.5),
    FreeBits(0.1),
    ImportanceWeighted(),
    Renyi(0.5),
    Constrained(minimise="kl", subject_to=at_least("expected_log_likelihood", -20.0)),
]


def gradients():
    """Every public estimator, with every control variate; pairs where three draws are no number for it."""
    yield from taut.gradients.estimators(3)
    yield taut.gradients.Disarm(samples=2)


FOURS = list(
    itertools.product(
        MODELS,
        # A flow is an adapter to a library that may not be installed; tests/families has its tests.
        [family for family in parts(taut.families, Family) if hasattr(family, "around") and family.name != "flow"],
        OBJECTIVES,
        gradients(),
    )
)
ALGORITHMS = parts(taut.algorithms, Algorithm)


def label(part):
    name = getattr(part, "label", getattr(part, "name", str(part)))
    return name.replace(" ", "-")


def built(name, family, objective, gradient):
    model, rows = MODELS[name]
    return Problem(model, family.around(np.zeros(2), 0.5), objective, gradient), rows


def works(problem, algorithm):
    try:
        algorithm.check(problem)
    except PairingError:
        return False
    return True


def test_every_public_model_and_objective_is_here():
    of_one_z = {model for model in parts(taut.models, Model) if not model.local}
    assert {type(model) for model, _ in MODELS.values()} == of_one_z
    assert {type(objective) for objective in OBJECTIVES} == set(parts(taut.objectives, Objective))


ALLOWED, REFUSED = [], []
for four in FOURS:
    problem, _ = built(*four)
    fits = problem.gradient.supports(problem.objective, problem.model, problem.family) is None
    for algorithm in ALGORITHMS:
        (ALLOWED if fits and works(problem, algorithm()) else REFUSED).append((*four, algorithm))
PARTS = ("model", "family", "objective", "gradient", "algorithm")


def changes(combination):
    """In how many sentences a combination differs from logistic regression, mean field, ELBO, reparametrization."""
    model, family, objective, gradient, algorithm = combination
    plain = model == "logistic", family is MeanField, objective.name == "elbo", gradient.name == "reparametrization"
    return 4 - sum(plain) if algorithm is StochasticGradient else 0


RUN = [combination for combination in ALLOWED if changes(combination) <= 1]


@pytest.mark.slow
def test_what_is_allowed_can_be_traced_through_a_step():
    assert len(ALLOWED) > 100
    for model, family, objective, gradient, algorithm in ALLOWED:
        if issubclass(algorithm, OnDensity):
            continue  # linear algebra on the host: nothing to trace
        problem, rows = built(model, family, objective, gradient)
        batch = Source(rows, dtype="float32").parent

        def step(problem, batch, algorithm=algorithm):
            state = algorithm().init(problem, batch.weights.dtype)
            return algorithm().step(jax.random.key(0), state, batch)

        state, info = eqx.filter_eval_shape(step, cast(problem, "float32"), batch)
        assert {"elbo", "expected_log_likelihood", "kl", "bound"} <= info.keys()
        assert jax.tree.structure(state.problem.family) == jax.tree.structure(problem.family)


def test_the_combinations_that_are_run_have_every_part_in_them():
    for place in (0, 1, 4):
        assert {c[place] for c in RUN} == {c[place] for c in ALLOWED}
    for place in (2, 3):
        assert {label(c[place]) for c in RUN} == {label(c[place]) for c in ALLOWED}


@pytest.mark.slow
@pytest.mark.parametrize(PARTS, RUN, ids=label)
def test_what_is_allowed_makes_a_step(model, family, objective, gradient, algorithm):
    problem, rows = built(model, family, objective, gradient)
    if issubclass(algorithm, OnDensity):
        settled = algorithm(steps=2).run(Density(problem.model, Source(rows).parent, np.dtype("float64")), problem, 0)
        assert np.isfinite(settled.history["bound"]).all()
        return
    with jax.enable_x64(True):
        outcome = learn(cast(problem, "float64"), algorithm(steps=1), Source(rows))
    assert int(outcome.state.step) == 1
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(outcome.problem.family))
    assert np.isfinite(outcome.history["bound"][0])


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("algorithm", parts(taut.algorithms, Algorithm), ids=label)
def test_what_is_refused_is_told_why_and_what_to_do(model, algorithm):
    refused = [c for c in REFUSED if c[0] == model and c[4] is algorithm]
    assert refused
    for combination in refused:
        problem, _ = built(*combination[:4])
        with pytest.raises(PairingError) as refusal:
            learn(problem, algorithm(), None)  # no data: nothing has been looked at yet  # pyright: ignore
        words = str(refusal.value)
        others = [g.label for g in gradients() if g.supports(problem.objective, problem.model, problem.family) is None]
        if problem.gradient.supports(problem.objective, problem.model, problem.family) is None:
            assert "StochasticGradient" in words  # the algorithm it is, and that one serves every estimator
        elif others:
            assert any(name in words.split("work here: ")[1] for name in others), words
        else:
            assert "No estimator serves" in words, words


def test_what_is_missing_is_said_in_words():
    problem, _ = built("joint log density", MeanField, Elbo(), Exact())
    with pytest.raises(PairingError) as refusal:
        problem.check()
    words = str(refusal.value)
    assert "E_q[log p(x|z)] in closed form" in words
    assert "LogDensity" in words
    assert "reparametrization" in words.split("work here")[1]
    assert "reinforce" in words.split("work here")[1]


@pytest.mark.parametrize(
    ("name", "gradient", "missing"),
    [
        ("logistic, Laplace prior", Exact(), "closed form"),
        ("logistic", Reparametrization(), "takes no reparametrization gradient"),
        ("logistic", Reinforce(), "takes no reinforce gradient"),
    ],
)
def test_the_natural_gradient_says_what_it_lacks(name, gradient, missing):
    problem, _ = built(name, MeanField, Elbo(), gradient)
    with pytest.raises(PairingError, match=missing.replace("[", r"\[")):
        NaturalGradient().check(problem)


def test_naming_a_gradient_that_the_named_algorithm_refuses():
    with pytest.raises(PairingError, match="StochasticGradient"):
        taut.fit(LogisticRegression(), (X, Y), gradient="reinforce", algorithm="natural")


def test_minibatches_and_the_natural_gradient():
    with pytest.raises(PairingError, match="batch_size"):
        taut.fit(LogisticRegression(), (X, Y), batch_size=4, algorithm="natural")


def test_a_gaussian_prior_is_asked_for_by_the_natural_gradient_alone():
    problem, _ = built("logistic, Laplace prior", MeanField, Elbo(), Reparametrization())
    assert works(problem, StochasticGradient())

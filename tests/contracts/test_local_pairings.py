"""Latent-variable models with every public objective and gradient: a step that is finite, or a refusal before it."""

import jax
import numpy as np
import pytest

import taut
from taut.algorithms import StochasticGradient
from taut.core import precision
from taut.data.source import Source, take
from taut.errors import PairingError
from taut.families import Amortized
from taut.gradients import Disarm, Exact, NoControl, estimators
from taut.learning.ended import Ended
from taut.learning.loop import learn
from taut.models import BernoulliPrior, LatentVariableModel, LearnedNormal, Normal
from taut.networks import MLP
from taut.objectives import Constrained, Elbo, FreeBits, ImportanceWeighted, Renyi, Weighted, at_least, at_most
from taut.problem import Problem

X = (np.random.default_rng(0).random((12, 6)) < 0.4).astype(np.float32)
PRIORS = {"gaussian": [Normal(0.0, 1.0), LearnedNormal.standard(2)], "bernoulli": [BernoulliPrior(0.3)]}
OBJECTIVES = [
    Elbo(),
    Weighted(4.0),
    FreeBits(0.1),
    FreeBits(0.1, "example"),
    ImportanceWeighted(),
    Renyi(0.5),
    Constrained(minimise="kl", subject_to=at_least("expected_log_likelihood", -3.0)),
    Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 1.0)),
]
GRADIENTS = [*estimators(2), Disarm(2)]
CASES = [(latent, prior) for latent, priors in PRIORS.items() for prior in priors]


def problem(latent, prior, objective, gradient):
    decoder, encoder = MLP([2, 5, 6], seed=1), MLP([6, 5, 4 if latent == "gaussian" else 2], seed=2)
    return Problem(LatentVariableModel(decoder, latent=2, prior=prior), Amortized(encoder, latent), objective, gradient)


SERVE = {
    "gaussian": {"measure-valued", "path-derivative", "reinforce", "reparametrization"},
    "bernoulli": {"disarm", "enumeration", "measure-valued", "reinforce", "straight-through"},
}
"""No closed likelihood here, and no differentiable draws of a discrete latent."""


@pytest.mark.parametrize(("latent", "prior"), CASES)
@pytest.mark.parametrize("gradient", GRADIENTS, ids=lambda g: g.label)
def test_who_serves_and_who_is_refused(latent, prior, gradient):
    worked = []
    for objective in OBJECTIVES:
        tried = problem(latent, prior, objective, gradient)
        if gradient.supports(objective, tried.model, tried.family) is None:
            worked.append(objective.name)
            continue
        with pytest.raises(PairingError, match="needs"):
            tried.check()
    assert ("elbo" in worked) == (gradient.name in SERVE[latent])
    assert bool(worked) == (gradient.name in SERVE[latent])


def traced(tried, algorithm, source):
    """One step's shapes: that the parts fit, without compiling."""
    state = algorithm.init(tried, source.dtype)
    batch = take(source.parent, source.plan(0, 1)[0])
    return jax.eval_shape(algorithm.step, jax.random.key(0), state, batch)[1]


@pytest.mark.slow
@pytest.mark.parametrize(("latent", "prior"), CASES)
@pytest.mark.parametrize("gradient", GRADIENTS, ids=lambda g: g.label)
def test_whoever_serves_can_be_traced_through_a_step(latent, prior, gradient):
    for objective in OBJECTIVES:
        tried = problem(latent, prior, objective, gradient)
        if gradient.supports(objective, tried.model, tried.family) is None:
            with precision.context("float32"):
                source = Source(X, batch_size=4, dtype="float32")
                assert traced(tried, StochasticGradient(steps=2), source)["bound"].shape == ()


RUN = [
    (latent, prior, gradient)
    for latent, prior in CASES
    for gradient in GRADIENTS
    if gradient.name in SERVE[latent]
    and (prior is PRIORS[latent][0] or gradient.name == "reparametrization")
    and getattr(gradient, "control", NoControl()).name in ("none", "leave-one-out")
]


@pytest.mark.slow
@pytest.mark.parametrize(("latent", "prior", "gradient"), RUN, ids=lambda x: getattr(x, "label", None))
def test_a_few_steps_are_finite(latent, prior, gradient):
    with precision.context("float32"):
        algorithm, source = StochasticGradient(steps=2), Source(X, batch_size=4, dtype="float32")
        outcome = learn(problem(latent, prior, Elbo(), gradient), algorithm, source)
    assert outcome.ended is Ended.BUDGET_SPENT
    assert np.isfinite(outcome.history["bound"]).all()


@pytest.mark.parametrize(("latent", "name"), [("gaussian", "reparametrization"), ("bernoulli", "reinforce")])
def test_the_latent_decides_the_default_gradient(latent, name):
    start = problem(latent, PRIORS[latent][0], Elbo(), Exact())
    fit = taut.fit(start.model, X, family=start.family, steps=2, batch_size=4)
    assert fit.problem.gradient.name == name

"""Latent-variable models with every public objective and gradient: a step that is finite, or a refusal before it."""

import jax
import numpy as np
import pytest

import taut
from taut import precision
from taut.algorithms import StochasticGradient
from taut.data.source import Source, take
from taut.errors import PairingError
from taut.families import Amortized
from taut.gradients import Exact, NoControl, PathDerivative, Problem, Reinforce, Reparametrization
from taut.learn import Ended, learn
from taut.models import BernoulliPrior, LatentVariableModel, LearnedNormal, Normal
from taut.networks import MLP
from taut.objectives import Constrained, Elbo, FreeBits, ImportanceWeighted, Weighted, at_least, at_most

X = (np.random.default_rng(0).random((12, 6)) < 0.4).astype(np.float32)
PRIORS = {"gaussian": [Normal(0.0, 1.0), LearnedNormal.standard(2)], "bernoulli": [BernoulliPrior(0.3)]}
OBJECTIVES = [
    Elbo(),
    Weighted(4.0),
    FreeBits(0.1),
    FreeBits(0.1, "example"),
    ImportanceWeighted(),
    Constrained(minimise="kl", subject_to=at_least("expected_log_likelihood", -3.0)),
    Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 1.0)),
]
GRADIENTS = [Exact(), Reparametrization(2), PathDerivative(2), Reinforce(3), Reinforce(3, NoControl())]
CASES = [(latent, prior) for latent, priors in PRIORS.items() for prior in priors]


def problem(latent, prior, objective, gradient):
    decoder, encoder = MLP([2, 5, 6], seed=1), MLP([6, 5, 4 if latent == "gaussian" else 2], seed=2)
    return Problem(LatentVariableModel(decoder, latent=2, prior=prior), Amortized(encoder, latent), objective, gradient)


@pytest.mark.parametrize(("latent", "prior"), CASES)
@pytest.mark.parametrize("gradient", GRADIENTS, ids=lambda g: g.name)
def test_a_step_is_finite_or_refused(latent, prior, gradient):
    worked = []
    for objective in OBJECTIVES:
        tried = problem(latent, prior, objective, gradient)
        if gradient.supports(objective, tried.model, tried.family) is not None:
            with pytest.raises(PairingError, match="needs"):
                tried.check()
            continue
        worked.append(objective.name)
        with precision.context("float32"):
            algorithm, source = StochasticGradient(steps=2), Source(X, batch_size=4, dtype="float32")
            if objective.name != "elbo":  # traced, which shows that the parts fit; compiling each would take minutes
                state = algorithm.init(tried, source.dtype)
                batch = take(source.parent, source.plan(0, 1)[0])
                _, info = jax.eval_shape(algorithm.step, jax.random.key(0), state, batch)
                assert info["bound"].shape == ()
                continue
            outcome = learn(tried, algorithm, source)
        assert outcome.ended is Ended.BUDGET_SPENT
        assert np.isfinite(outcome.history["bound"]).all()
    if gradient.name == "exact" or (latent == "bernoulli" and gradient.name != "reinforce"):
        assert not worked  # no closed likelihood here, and no differentiable draws of a discrete latent
    else:
        assert "elbo" in worked


@pytest.mark.parametrize(("latent", "name"), [("gaussian", "reparametrization"), ("bernoulli", "reinforce")])
def test_the_latent_decides_the_default_gradient(latent, name):
    start = problem(latent, PRIORS[latent][0], Elbo(), Exact())
    fit = taut.fit(start.model, X, family=start.family, steps=2, batch_size=4)
    assert fit.problem.gradient.name == name

"""The Bayesian network: minibatches that are unbiased, and an answer worth having."""

import importlib.util

import equinox as eqx
import jax
import numpy as np
import pytest

import taut
from taut.core.batch import Batch
from taut.core.trees import cast
from taut.data.source import Source, take
from taut.gradients import Reparametrization
from taut.problem import Problem, estimate


@pytest.fixture(scope="module")
def example(request):
    path = request.config.rootpath / "examples" / "bayesian_network.py"
    spec = importlib.util.spec_from_file_location("bayesian_network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_batches_of_an_epoch_average_to_the_whole(example, x64):
    """For the same noise the mean over an epoch of the minibatch ELBO, and of its gradient, is that of all rows."""
    rows = jax.tree.map(lambda a: a[:512], example.digits()[0])
    model = taut.models.LogDensity(
        log_likelihood=example.log_likelihood, log_prior=example.log_prior, parameters=example.network()
    )
    family = taut.families.MeanField.around(model.start(rows), example.START_SD)
    problem = cast(Problem(model, family, taut.objectives.Elbo(), Reparametrization(samples=2)), "float64")
    source = Source(rows, batch_size=128, dtype="float64")

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def elbo(family: taut.families.MeanField, batch: Batch):
        moved = eqx.tree_at(lambda p: p.family, problem, family)
        statistics, _ = estimate(moved, jax.random.key(0), batch, ())
        return moved.objective.value(statistics, (), 0)

    plan = source.plan(0, source.steps_per_epoch)
    assert sorted(plan.ravel()) == list(range(512))
    parts = [elbo(problem.family, take(jax.device_put(source.parent), order)) for order in plan]
    whole, slope = elbo(problem.family, source.parent)
    values = np.array([value for value, _ in parts])
    assert values.std() > 1.0  # the batches differ by nats, and still
    np.testing.assert_allclose(values.mean(), whole, rtol=1e-12)
    for name in ("mean", "log_sd"):
        average = np.mean([getattr(gradient, name) for _, gradient in parts], axis=0)
        np.testing.assert_allclose(average, getattr(slope, name), atol=1e-5)


@pytest.mark.slow
def test_the_posterior_predicts_digits(example):
    rows, (X, y) = example.digits()
    fit = example.fit_posterior(rows, steps=1000)
    each = example.posterior_probabilities(fit, X, draws=100)
    average, single = example.score(each.mean(axis=0), y), example.score(each[0], y)
    # 450 rows: the standard error of the accuracy is 0.009, that of the log-likelihood 0.02.
    assert average.accuracy >= 0.95
    assert average.log_likelihood > -0.20
    assert average.log_likelihood > single.log_likelihood
    assert fit.ended is taut.Ended.BUDGET_SPENT
    assert fit.dtype == np.float32


@pytest.mark.slow  # half a minute
def test_the_posterior_is_better_than_maximum_likelihood(example):
    rows, (X, y) = example.digits()
    posterior = example.score(example.posterior_probabilities(example.fit_posterior(rows), X).mean(axis=0), y)
    plain = example.score(np.asarray(example.probabilities(example.fit_maximum_likelihood(rows), X)), y)
    assert posterior.accuracy >= 0.95
    assert posterior.log_likelihood > plain.log_likelihood
    assert posterior.calibration_error < plain.calibration_error + 0.01  # its own noise with 450 rows


def test_scores_are_those_of_the_definition(example):
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    scores = example.score(p, np.array([0, 1, 1]))
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.log_likelihood == pytest.approx(np.log([0.9, 0.2, 0.7]).mean())
    assert scores.calibration_error == pytest.approx((0.1 + 0.8 + 0.3) / 3)  # bins .9, .8 and .7, one row in each

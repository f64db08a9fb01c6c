"""What a fit says that it cost is how often its density was evaluated, counted by the density itself."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import taut
from taut.core.cost import CHAINS, LEARNING, PREPARING, RICHER_FAMILIES, VERDICT, Cost, Spent
from taut.families import FullRank
from taut.models import LogDensity, real
from taut.models import density as densities
from taut.verdict import fallbacks
from taut.verdict.hamiltonian import hamiltonian_draws


class Counted:
    """A log density that counts its own evaluations."""

    def __init__(self, log_density):
        self.log_density, self.count = log_density, 0

    def one_more(self, _):
        self.count += 1

    def __call__(self, v):
        jax.debug.callback(self.one_more, v["x"][0])  # of the point, so that each of a batch calls
        return self.log_density(v)

    @property
    def counted(self):
        jax.effects_barrier()
        return self.count


def gaussian(v):
    return -0.5 * jnp.sum(v["x"] ** 2)


def banana(v):
    return -0.5 * v["x"][0] ** 2 - 0.5 * jnp.sum((v["x"][1:] - v["x"][0] ** 2) ** 2)


@pytest.fixture
def one_by_one(monkeypatch):
    """Points are computed one by one: blocks that are filled up would be evaluated more often than asked for."""
    monkeypatch.setattr(densities, "BLOCK", 1)


def test_a_density_is_evaluated_as_often_as_the_fit_says(one_by_one):
    counted = Counted(gaussian)
    fit = taut.fit(LogDensity(counted, parameters={"x": real(2)}))
    assert fit.verdict.trust.answer == "good"
    seen = counted.counted
    # What is left is the look at the model before the fit, which evaluates it at its start.
    before = Counted(gaussian)
    LogDensity(before, parameters={"x": real(2)}).check_data(np.zeros((1, 0)), np.dtype(float))
    assert fit.cost.gradients + fit.cost.log_densities == seen - before.counted
    assert set(fit.cost.stages) == {PREPARING, LEARNING, VERDICT, RICHER_FAMILIES}
    assert fit.cost.stages[RICHER_FAMILIES][:2] == (0, 0)
    assert fit.gradient_evaluations == fit.cost.gradients > fit.cost.stages[LEARNING].gradients > 0


def test_gradients_of_chains_are_counted_as_they_are_made():
    counted = Counted(gaussian)
    model = LogDensity(counted, parameters={"x": real(2)})
    batch = taut.Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))
    drawn = hamiltonian_draws(
        model, batch, FullRank.around(np.zeros(2), 1.0), 0, np.dtype(float), chains=3, transitions=6, leapfrogs=4
    )
    assert drawn.evaluations == counted.counted > 3 * 7


@pytest.fixture
def by_chains(monkeypatch):
    """The chains of every verdict that is reached by them, few and short."""
    made = []

    def few(*arguments, **options):
        made.append(hamiltonian_draws(*arguments, **options, transitions=20))
        return made[-1]

    monkeypatch.setattr("taut.verdict.by_chains.hamiltonian_draws", few)
    monkeypatch.setattr(fallbacks, "MANY_CHAINS", 8)
    monkeypatch.setattr(fallbacks, "warp", functools.partial(pytest.fail, "not asked for"))
    monkeypatch.setattr(fallbacks, "_warped", lambda model, density, gaussian, solution, best, common, rng: best)
    return made


def test_chains_are_in_the_total(by_chains):
    fit = taut.fit(LogDensity(banana, parameters={"x": real(4)}))
    assert fit.cost.stages[CHAINS].gradients >= sum(chains.evaluations for chains in by_chains) > 0
    others = sum(fit.cost.stages[name].gradients for name in (LEARNING, VERDICT, RICHER_FAMILIES))
    assert fit.gradient_evaluations == others + fit.cost.stages[CHAINS].gradients


def test_the_cost_is_saved_and_said(tmp_path, by_chains):
    fit = taut.fit(LogDensity(banana, parameters={"x": real(4)}))
    again = taut.load(fit.save(tmp_path / "fit"))
    assert again.cost == fit.cost
    said = again.to_json()
    assert Cost.from_json(said["cost"]) == fit.cost
    assert said["cost"]["gradients"] == said["gradient_evaluations"] == fit.gradient_evaluations
    assert said["seconds"]["total"] == pytest.approx(sum(s.seconds for s in fit.cost.stages.values()))
    page = taut.report.page(fit, tmp_path / "page.html").read_text("utf-8")
    assert f"{fit.cost.stages[CHAINS].gradients:,.6g}" in page
    screen = Console(width=200, file=io.StringIO())
    screen.print(taut.report.table(fit))
    assert str(fit.cost) in screen.file.getvalue()


@pytest.fixture(scope="module")
def labels():
    X = np.random.default_rng(0).normal(size=(60, 2))
    return X, (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)


def test_a_verdict_that_is_given_later_is_counted_then(labels):
    fit = taut.fit(taut.models.LogisticRegression(), labels)
    assert fit.cost.stages[VERDICT][:2] == (0, 0)
    alone = fit.cost
    assert fit.verdict is not None
    assert fit.cost.gradients == alone.gradients == fit.cost.stages[LEARNING].gradients
    assert fit.cost.log_densities == len(fit.judgement.log_prob) > 0
    assert fit.cost.seconds > alone.seconds
    other = fit.replaced(provenance={})
    assert other.judgement is fit.judgement
    assert other.cost == fit.cost


def test_a_scale_that_is_looked_for_is_paid_for(labels):
    fit = taut.fit(taut.models.LogisticRegression(prior="empirical"), labels)
    assert fit.cost.stages[PREPARING].gradients > fit.cost.stages[LEARNING].gradients > 0


def test_minibatches_and_looks_count_their_share():
    images = (np.random.default_rng(0).uniform(size=(60, 4)) > 0.5).astype(float)
    model = taut.models.LatentVariableModel(taut.networks.MLP([1, 4, 4]), latent=1)
    fit = taut.fit(model, images[:40], validation=images[40:], steps=400, batch_size=10, patience=2, seed=0)
    assert fit.cost.stages[LEARNING].gradients == fit.iterations * 10 / 40
    looks = len(fit.evidence["validation.scores"])
    assert fit.cost.stages[LEARNING].log_densities == looks * 100 * 20 / 40  # 2,000 draws over 20 examples
    # The final ELBO on the examples that were held out; and, since it is below the first steps', start and answer anew.
    ending = fit.cost.stages[VERDICT].log_densities
    assert ending == 20 / 40 + 2 * 16 * 10 / 40
    assert fit.verdict is not None
    assert fit.cost.stages[VERDICT].log_densities == ending + 50 * 20 / 40


def test_costs_are_added_stage_by_stage():
    one = Cost({LEARNING: Spent(10, 0, 1.0), VERDICT: Spent(0, 5, 0.5)})
    both = one + Cost({VERDICT: Spent(1, 2, 0.25), CHAINS: Spent(100, 0, 2.0)})
    assert both.stages == {LEARNING: (10, 0, 1.0), VERDICT: (1, 7, 0.75), CHAINS: (100, 0, 2.0)}
    assert (both.gradients, both.log_densities, both.seconds) == (111, 7, 3.75)
    assert Cost.from_json(both.to_json()) == both

"""The verdict names the cause whose figures it is given."""

import jax.numpy as jnp
import numpy as np
import pytest

from taut.diagnostics.collapse import diagnose, without_codes
from taut.gradients import Reparametrization
from taut.models.latent import LatentVariableModel
from taut.models.likelihoods import Bernoulli, Gaussian
from taut.objectives import Elbo
from taut.objectives.constrained import Constrained
from taut.objectives.constraints import at_least, at_most
from taut.objectives.schedules import Linear
from taut.objectives.weighted import Weighted
from taut.problem import Problem

rng = np.random.default_rng(0)
BINARY = (rng.random((400, 12)) < rng.uniform(0.2, 0.8, 12)).astype(float)
REAL = rng.normal(size=(400, 1)) * np.linspace(0.2, 1.0, 6) + 0.3 * rng.normal(size=(400, 6))
BEST = -float(np.sum([-(p * np.log(p) + (1 - p) * np.log(1 - p)) for p in BINARY.mean(0)]))


def verdict(still, images=BINARY, likelihood="bernoulli", objective=None, active=0, kl=0.01, ell=None, step=None):
    model = LatentVariableModel(lambda z: jnp.zeros(images.shape[1]), likelihood, 3)
    problem = Problem(model, still([0.0] * 3, [0.0] * 3), objective or Elbo(), Reparametrization())
    ell = without_codes(problem, images) if ell is None else ell
    return diagnose(problem, images, active=active, kl=kl, expected_log_likelihood=ell, step=step)


class Forgetful(Bernoulli):
    """Averages over pixels, the most reported bug of all."""

    def log_prob(self, output, x):
        return super().log_prob(output, x) / x.size


@pytest.mark.parametrize(
    ("cause", "case"),
    [
        ("annealing", {"objective": Weighted(Linear(steps=100)), "step": 50}),
        ("encoder", {"kl": 4.0}),
        ("scaling", {"likelihood": Forgetful(), "ell": BEST / 12}),
        ("scaling", {"images": REAL, "likelihood": Gaussian(5.0)}),
        ("strong decoder", {"ell": 0.5 * BEST}),
        ("learned variance", {"images": REAL, "likelihood": Gaussian(float(REAL.std(0).mean()), learned=True)}),
        ("constraint", {"objective": Constrained("kl", subject_to=at_least("expected_log_likelihood", BEST - 1))}),
        ("constraint", {"objective": Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 0.1))}),
        ("beta", {"objective": Weighted(20.0)}),
        ("beta", {"objective": Weighted(Linear(steps=100, end=9.0)), "step": 100}),
        ("training", {}),
        ("training", {"objective": Weighted(0.5)}),
        ("training", {"images": REAL, "likelihood": Gaussian(0.3)}),
        ("training", {"objective": Constrained("kl", subject_to=at_least("expected_log_likelihood", BEST + 1))}),
    ],
)
def test_a_collapse_has_its_cause(cause, case, still):
    seen = verdict(still, **case)
    assert (seen.verdict, seen.cause) == ("collapsed", cause)
    assert seen.reason.startswith("No latent unit")
    assert seen.reason.count(".") >= 2  # a remedy follows


def test_inactive_units_alone_are_no_collapse(still):
    seen = verdict(still, active=2)
    assert (seen.verdict, seen.cause) == ("pruned", None)
    assert "2 of 3" in seen.reason
    assert verdict(still, active=2, objective=Weighted(4.0)).cause == "beta"


def test_all_units_active(still):
    assert verdict(still, active=3)[:2] == ("none", None)


def test_the_best_likelihood_without_codes(still):
    """Closed forms: independent coins, and one normal density for each pixel."""

    def of(likelihood, x):
        return without_codes(
            Problem(LatentVariableModel(lambda z: z, likelihood, 1), still([0.0], [0.0]), Elbo(), Reparametrization()),
            x,
        )

    coins = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert of("bernoulli", coins) == pytest.approx(-np.log(2), abs=1e-9)
    centred = REAL - REAL.mean(0)

    def density(sd):
        return (-0.5 * (centred / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)).sum(1).mean()

    assert of(Gaussian(1.0), REAL) == pytest.approx(density(1.0))
    best = max(density(sd) for sd in np.linspace(0.3, 2, 500))
    assert of(Gaussian(1.0, learned=True), REAL) == pytest.approx(best, abs=1e-3)
    assert of("poisson", np.array([[3.0], [5.0]])) is None

"""On real data: train at beta, ask for the reconstruction that it reached, and the learned multiplier is 1 / beta."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import taut
from taut.diagnostics.saddle import saddles
from taut.families.amortized import Amortized
from taut.models.latent import LatentVariableModel
from taut.networks import MLP
from taut.objectives import Constrained, Weighted, at_least


def trained(objective, steps=3000):
    digits = (load_digits().data > 8).astype(np.float32)
    model = LatentVariableModel(MLP([8, 64, 64], seed=1), "bernoulli", latent=8)
    family = Amortized(MLP([64, 64, 16], seed=2))
    return taut.fit(model, digits, family=family, objective=objective, steps=steps, batch_size=128).history


@pytest.mark.slow
@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_the_multiplier_is_the_inverse_of_beta(beta):
    reached = float(trained(Weighted(beta))["expected_log_likelihood"][-300:].mean())
    objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", reached))
    (found,) = saddles(objective, trained(objective))
    assert found.state == "settled"
    assert abs(found.violation) < 0.03 * abs(reached)
    assert found.equivalent_beta == pytest.approx(beta, rel=0.1)

"""Quantiles of new responses against the whole mixture of all draws."""

import jax
import numpy as np
import pytest

from taut.models.likelihoods import REGRESSIONS
from taut.results.mixture_quantiles import mixture_quantiles

KINDS = {kind.name: kind for kind in REGRESSIONS.values() if kind.target == "numbers"}
# 300 draws stand for 2,000: the parameters, which differ by a fifth, leave an error of 0.006 of the mass.
ENDS = (0.025, 0.25, 0.975)


@pytest.mark.parametrize("spread", [0.05, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_mass_below_is_that_of_the_whole_mixture(name, weighted, spread):
    rng = np.random.default_rng(0)
    S, n = 2000, 6
    likelihood = KINDS[name]()
    eta = np.linspace(-1, 2, n) + spread * rng.standard_normal((S, n))
    values = {k: np.exp(rng.normal(0.5, 0.2, S)) for k in likelihood.values}
    weights = rng.exponential(size=S) if weighted else np.ones(S)
    weights = weights / weights.sum()
    known = np.arange(1.0, n + 1) * 5 if "trials" in likelihood.parts else None
    with jax.enable_x64(True):
        found = mixture_quantiles(likelihood, values, eta, weights, known, ENDS)
        whole = likelihood.with_parameters({k: v[:, None] for k, v in values.items()})

        def mass(y):
            return weights @ whole.cdf(eta, whole.observed(y, known))

        for p, y in zip(ENDS, found, strict=True):
            if likelihood.discrete:
                assert np.all(y == np.floor(y))
                assert np.all((mass(y - 1) < p + 0.02) & (mass(y) > p - 0.02))
            else:
                near = 1e-8 * np.abs(y)  # a beta distribution has mass between the last number below 1 and 1
                assert np.all((mass(y - near) < p + 0.02) & (mass(y + near) > p - 0.02))

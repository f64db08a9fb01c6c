"""The one-dimensional studies: closed-form variances against quadratures over our own surrogates' noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.errors import ArgumentError
from taut.gradients import MeasureValued, MovingAverage, NoControl, Reinforce, Reparametrization
from taut.models.target import Target
from taut.studies.toys import ESTIMATORS, RANGES, Toy

pytestmark = pytest.mark.usefixtures("x64")
KS = {"square": (-3.0, -1.0, 0.0, 1.0, 2.5, 3.0), "exp": (0.1, 1.0, 10.0), "cos": (0.5, 1.0, 2.0, 5.0)}
SETTINGS = [(cost, k) for cost, ks in KS.items() for k in ks]
PARAMETERS = ("mean", "sd")

# Published values at mean 1, sd 1 for the mean: the gradient, and the four variances in the order of ESTIMATORS.
PUBLISHED = {
    ("exp", 0.1): (-0.13998, 0.56353, 0.040468, 0.01629, 0.0025091),
    ("exp", 1.0): (-0.27579, 0.17575, 0.072222, 0.21172, 0.012568),
    ("exp", 10.0): (-0.12909, 0.076966, 0.060222, 0.94351, 0.020656),
    ("cos", 0.5): (-0.21155, 0.45525, 0.11786, 0.039285, 0.0082755),
    ("cos", 1.0): (-0.51038, 0.32399, 0.32399, 0.26767, 0.028004),
    ("cos", 2.0): (-0.24612, 0.44107, 0.41252, 1.9399, 0.22408),
    ("cos", 5.0): (0.00002, 0.5, 0.5, 12.5, 0.29572),
}


@pytest.mark.parametrize("setting", PUBLISHED)
def test_the_published_values(setting):
    toy = Toy(*setting)
    found = [toy.gradient("mean"), *(toy.closed_form_variance(e, "mean") for e in ESTIMATORS)]
    np.testing.assert_allclose(found, PUBLISHED[setting], rtol=0.005, atol=5e-6)


@pytest.mark.parametrize("k", KS["square"])
def test_the_formulas_of_the_square(k):
    d, toy = 1 - k, Toy("square", k)
    of_mean = d**4 + 14 * d**2 + 15, 8 * d**2 + 6, 4, (16 / np.pi - 4) * d**2
    of_sd = 2 * d**4 + 60 * d**2 + 74, 40 * d**2 + 24, 4 * d**2 + 8, 4 * d**2 + 4
    np.testing.assert_allclose([toy.closed_form_variance(e, "mean") for e in ESTIMATORS], of_mean, atol=1e-12)
    np.testing.assert_allclose([toy.closed_form_variance(e, "sd") for e in ESTIMATORS], of_sd, rtol=1e-12)
    np.testing.assert_allclose([toy.best_baseline(p) for p in PARAMETERS], [d**2 + 3, d**2 + 5], rtol=1e-12)


# Quadrature over the noise by the trapezoid rule: a normal e, and for the measure-valued gradient a Rayleigh w too.
E = np.linspace(-8.5, 8.5, 1601)
E_SHARE = np.exp(-0.5 * E**2) / np.exp(-0.5 * E**2).sum()
W = (np.arange(400) + 0.5) * 8.5 / 400
W_SHARE = W * np.exp(-0.5 * W**2) / (W * np.exp(-0.5 * W**2)).sum()
COARSE = np.linspace(-8.5, 8.5, 800)  # an even number: no node on the cut at zero
COARSE_SHARE = np.exp(-0.5 * COARSE**2) / np.exp(-0.5 * COARSE**2).sum()


def noise_of(estimator):
    if estimator != "measure-valued":
        return E.reshape(-1, 1, 1), E_SHARE
    e, w = (a.reshape(-1, 1, 1) for a in np.meshgrid(COARSE, W, indexing="ij"))
    return (e, w), np.outer(COARSE_SHARE, W_SHARE).ravel()


def gradient_of(estimator):
    if estimator == "reparametrization":
        return Reparametrization(samples=1)
    if estimator == "measure-valued":
        return MeasureValued(samples=1)
    return Reinforce(samples=1, control=NoControl() if "none" in estimator else MovingAverage())


_COMPILED = {}


def measured(toy, estimator):
    """Mean and variance of our surrogate's derivative in mean and sd, by quadrature; k, place and baseline traced."""
    key = toy.cost, estimator
    if key not in _COMPILED:
        gradient, objective = gradient_of(estimator), toy.objective
        noise, share = noise_of(estimator)

        def moments(k, q, baseline):
            target = Target(_with(toy.cost, k), np.zeros((1, 0)), np.ones(1), np.asarray(1.0))
            average = {"expected_log_likelihood": baseline, "kl": jnp.zeros(())}
            memory = (average, jnp.ones(())) if "best" in estimator else ()

            def value(q, noise):
                return objective.value(gradient.surrogate(noise, objective, target, q, frozenset(), memory)[0], (), 0)

            slopes = jax.vmap(jax.grad(value), (None, 0))(q, noise)
            per_sd = slopes.log_sd[:, 0] / jnp.exp(q.log_sd[0])
            both = jnp.stack([slopes.mean[:, 0], per_sd])
            mean = both @ share
            return mean, (both - mean[:, None]) ** 2 @ share

        _COMPILED[key] = jax.jit(moments)
    run = _COMPILED[key]
    baselines = [toy.best_baseline(p) for p in PARAMETERS] if "best" in estimator else [0.0, 0.0]
    found = [run(toy.k, toy.family, np.asarray(b)) for b in baselines]
    return [(found[i][0][i], found[i][1][i]) for i in range(2)]


def _with(cost, k):
    """The toy's model with a traced k."""
    from taut.models import LogDensity, real

    costs = {
        "square": lambda v: (v["x"][0] - k) ** 2,
        "exp": lambda v: jnp.exp(-k * v["x"][0] ** 2),
        "cos": lambda v: jnp.cos(k * v["x"][0]),
    }
    return LogDensity(costs[cost], parameters={"x": real(1)})


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("cost", RANGES)
def test_our_surrogates_have_the_closed_form_variance(cost, estimator):
    for k in KS[cost]:
        for mean, sd in ((1.0, 1.0), (0.4, 0.7)):
            toy = Toy(cost, k, mean, sd)
            for (found_mean, found_variance), parameter in zip(measured(toy, estimator), PARAMETERS, strict=True):
                closed = toy.closed_form_variance(estimator, parameter)
                np.testing.assert_allclose(found_mean, toy.gradient(parameter), rtol=1e-3, atol=1e-4)
                np.testing.assert_allclose(found_variance, closed, rtol=0.05, atol=1e-9)
                if estimator != "measure-valued":  # whose rule is coarser
                    np.testing.assert_allclose(found_variance, closed, rtol=1e-6, atol=1e-9)


def test_the_toy_model_is_the_cost():
    for cost, k in SETTINGS:
        x = np.array([0.37])
        toy = Toy(cost, k)
        np.testing.assert_allclose(toy.model.log_likelihood(x, None), _with(cost, k).log_likelihood(x, None))


@pytest.mark.parametrize(("cost", "k"), [("cos", 2.0), ("cos", 5.0), ("exp", 10.0)])
def test_reinforce_beats_reparametrization_here(cost, k):
    (score, _), (path, _) = (measured(Toy(cost, k), e) for e in ("reinforce (none)", "reparametrization"))
    assert score[1] < path[1] / 4


@pytest.mark.parametrize(("cost", "k"), [("square", -3.0), ("exp", 0.1), ("cos", 0.5)])
def test_and_here_the_usual_order_holds(cost, k):
    (score, _), (path, _) = (measured(Toy(cost, k), e) for e in ("reinforce (none)", "reparametrization"))
    assert path[1] < score[1] / 4


def test_a_mean_baseline_can_hurt_where_the_best_cannot():
    toy = Toy("exp", 10.0)
    run_mean = _COMPILED.get(("exp", "reinforce (best baseline)"))
    if run_mean is None:
        measured(toy, "reinforce (best baseline)")
        run_mean = _COMPILED["exp", "reinforce (best baseline)"]
    expected_cost = float(np.exp(-10 * (1 + E) ** 2) @ E_SHARE)
    with_mean = run_mean(10.0, toy.family, np.asarray(expected_cost))[1][1]
    best, none = (toy.closed_form_variance(f"reinforce ({b})", "sd") for b in ("best baseline", "none"))
    assert best < none < with_mean / 4


@pytest.mark.parametrize("arguments", [("line", 1.0), ("exp", 0.0), ("cos", np.inf), ("square", 0.0, 1.0, 0.0)])
def test_senseless_toys_are_refused(arguments):
    with pytest.raises(ArgumentError):
        Toy(*arguments)


def test_unknown_names_are_refused():
    with pytest.raises(ArgumentError, match="'mean' or 'sd'"):
        Toy("cos", 1.0).gradient("variance")
    with pytest.raises(ArgumentError, match="measure-valued"):
        Toy("cos", 1.0).closed_form_variance("exact", "mean")

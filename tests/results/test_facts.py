"""What a fit says of how it was made is true of what was done."""

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.models import LogDensity, LogisticRegression, real

X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] > 0).astype(int)


def density():
    return LogDensity(lambda v: -0.5 * jnp.sum((v["x"] - 3) ** 2), parameters={"x": real(2)})


@pytest.mark.parametrize(
    ("algorithm", "family"),
    [("score regression", "full-rank"), ("fixed draws", "mean-field"), ("batch and match", "full-rank")],
)
def test_an_algorithm_that_takes_scores_names_no_gradient(algorithm, family):
    fit = taut.fit(density(), algorithm=algorithm, family=family)
    said = fit.to_json()
    assert fit.gradient is None
    assert said["gradient"] is None
    assert said["samples"] is None
    assert "gradient" not in str(fit).splitlines()[0]


def test_exact_expectations_draw_nothing():
    said = taut.fit(LogisticRegression(), (X, Y)).to_json()
    assert said["gradient"] == "exact"
    assert said["samples"] is None


def test_a_sampled_gradient_is_named_with_its_draws():
    said = taut.fit(density(), gradient=taut.gradients.Reparametrization(samples=7), steps=3).to_json()
    assert (said["gradient"], said["samples"]) == ("reparametrization", 7)


def test_the_reason_of_a_richer_family_is_that_of_its_rung():
    skewed = LogDensity(lambda v: jnp.sum(2 * v["x"] - jnp.exp(v["x"])), parameters={"x": real(1)})
    fit = taut.fit(skewed)
    assert fit.posterior.name == "bent coordinates"
    assert "full covariance" not in fit.reasons["family"]
    assert "full-rank Gaussian could not be trusted" in fit.reasons["family"]
    plain = taut.fit(skewed, family="full-rank")
    assert plain.reasons["family"] == "given"


@pytest.mark.parametrize("name", ["validation", "patience"])
@pytest.mark.parametrize("algorithm", ["natural", "stochastic", "score regression"])
@pytest.mark.parametrize("model", [LogisticRegression(), density()], ids=lambda m: m.name)
def test_held_out_examples_are_refused_where_nothing_would_look_at_them(model, algorithm, name):
    value = {"validation": (X, Y), "patience": 3}[name]
    data = None if model.kind == "density" else (X, Y)
    with pytest.raises(taut.errors.ArgumentError, match=f"{name}= is for latent-variable models"):
        taut.fit(model, data, algorithm=algorithm, **{name: value})


def test_the_natural_gradient_keeps_a_checkpoint(tmp_path):
    fit = taut.fit(LogisticRegression(), (X, Y), algorithm="natural", checkpoint=tmp_path)
    assert any(tmp_path.iterdir())
    again = taut.fit(LogisticRegression(), (X, Y), algorithm="natural", checkpoint=tmp_path)
    assert again.elbo == fit.elbo


def test_an_algorithm_on_the_log_density_refuses_one(tmp_path):
    with pytest.raises(taut.errors.ArgumentError, match="saves nothing on the way"):
        taut.fit(density(), checkpoint=tmp_path)

"""Every public number of a fit, of every kind, is the same after saving and loading."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import taut
from taut.algorithms import StochasticGradient
from taut.errors import AbsentError, SavedFitError
from taut.families import Amortized
from taut.models import LatentVariableModel, LogDensity, LogisticRegression, positive, real
from taut.networks import MLP
from taut.report import LatentEvidence
from taut.report.evidence import Evidence
from taut.results import density, posterior

LEVELS = (0.5, 0.95, 0.99)
NEAR = 1e-12
rng = np.random.default_rng(0)
TABLE = pl.DataFrame({"age": rng.integers(20, 70, 40), "income": rng.normal(30, 8, 40).round(2),
                      "job": rng.choice(["baker", "clerk", "cook"], 40)})  # fmt: skip
BAD = np.where(rng.random(40) < 1 / (1 + np.exp(0.2 * (TABLE["income"].to_numpy() - 30))), "yes", "no")
X = (rng.random((24, 16)) < 0.4).astype(np.float32)


def two_normals(v):
    """Declared in an order that is not the alphabet's; ten numbers and more, whose names have an order of their own."""
    return -0.5 * jnp.sum((v["zeta"] - jnp.arange(11.0)) ** 2) / 2 - 0.5 * (v["alpha"] - 4.482) ** 2


def log_gamma(v):
    first, second = v["x"]
    return first - jnp.exp(first) + second + 0.5 * first - jnp.exp(second + 0.5 * first)


def two_modes(v):
    near, far = (-0.5 * jnp.sum((v["x"] - m) ** 2) for m in (0.0, 10.0))
    return jnp.logaddexp(near + jnp.log(0.7), far + jnp.log(0.3))


def student(v):
    return jnp.sum(-4.0 * jnp.log1p(v["x"] ** 2 / 7))


def log_normal(v):
    return -0.5 * (jnp.log(v["s"]) - 1.0) ** 2 - jnp.log(v["s"])


def of_rows(v, rows):
    return -0.5 * (rows - v["mean"]) ** 2


MODELS = {
    "good": LogDensity(two_normals, parameters={"zeta": real(11), "alpha": real()}),
    "positive": LogDensity(log_normal, parameters={"s": positive()}),
    "chains": LogDensity(log_gamma, parameters={"x": real(2)}),
    "mixture": LogDensity(two_modes, parameters={"x": real()}),
    "tails": LogDensity(student, parameters={"x": real(2)}),
    "rows": LogDensity(log_likelihood=of_rows, log_prior=lambda v: -0.5 * v["mean"] ** 2, parameters={"mean": real()}),
}


def of_density(name, **arguments):
    data = rng.normal(size=20) if name == "rows" else None
    return taut.fit(MODELS[name], data, **arguments)


def regression(**arguments):
    return taut.fit(LogisticRegression(), (TABLE, BAD), positive="no", **arguments)


def few_rows():
    """A posterior that a Gaussian misses, so that the weighted draws are the answer."""
    few = np.random.default_rng(2)
    data = few.normal(size=(6, 1)), [0, 1, 0, 1, 1, 1]
    fit = taut.fit(LogisticRegression(taut.models.Normal(0.0, 8.0)), data)
    assert fit.verdict.trust.answer == "corrected"
    return fit


def latent(objective="elbo"):
    model, family = LatentVariableModel(MLP([2, 5, 16], seed=1), latent=2), Amortized(MLP([16, 5, 4]))
    return taut.fit(model, X, family=family, objective=objective, steps=12, batch_size=8)


FITS = {
    "regression": regression,
    "regression, mean-field": lambda: regression(family="mean-field"),
    "regression, corrected": few_rows,
    "regression, diverged": lambda: regression(
        gradient="reinforce", algorithm=StochasticGradient(steps=30, learning_rate=1e4)
    ),
    "density": lambda: of_density("good"),
    "density in float32": lambda: of_density("good", dtype="float32"),
    "density of a positive unknown": lambda: of_density("positive"),
    "density of rows": lambda: of_density("rows", seed=7),
    "latent": latent,
}
SLOW = {
    "regression, low-rank in float32": lambda: regression(
        family="low-rank", gradient="reparametrization", steps=20, dtype="float32"
    ),
    "density, mean-field": lambda: of_density("good", family="mean-field"),
    "density by steps": lambda: of_density("good", algorithm="stochastic", steps=30),
    "latent, constrained": lambda: latent("expected_log_likelihood>=-9"),
    "mixture": lambda: of_density("mixture"),
    "chains": lambda: of_density("chains"),
    "tails": lambda: of_density("tails"),
}
WITHOUT_CODE = [name for name in (*FITS, *SLOW) if "regression" not in name and "latent" not in name]
MODEL_OF = {name: next((m for m in MODELS if m in name), "good") for name in WITHOUT_CODE}


def cases(names):
    return [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in names]


@functools.cache
def fitted(name):
    return (FITS | SLOW)[name]()


def answers(fit):
    """All that a user can ask of a fit and that needs no data, by name."""
    fields = ("elbo", "expected_log_likelihood", "kl", "bound", "ended", "reason", "reasons", "iterations", "rows",
              "gradient_evaluations", "batch_size", "seed", "dtype", "seconds", "steps_per_second", "history",
              "evidence")  # fmt: skip
    found = {name: getattr(fit, name) for name in fields}
    found |= {"str": str(fit), "json": fit.to_json(), "verdict": str(fit.verdict)}
    if isinstance(fit, taut.LatentFit):
        found |= {"encode": fit.encode(X[:3]), "reconstruct": fit.reconstruct(X[:3]), "sample": fit.sample(5, seed=3),
                  "multiplier": fit.multiplier, "violation": fit.violation}  # fmt: skip
        return found | {"evidence of the page": LatentEvidence.gather(fit, X).arrays()}
    found |= {f"summary at {level}": fit.summary(level).to_dict(as_series=False) for level in LEVELS}
    found["types"] = [str(kind) for kind in fit.summary().dtypes]
    if isinstance(fit, taut.RegressionFit):
        new = TABLE[:5] if fit.design.named else [[0.5], [3.0]]
        found |= {f"predict at {level}": fit.predict(new, level) for level in LEVELS}
        found |= {"design": fit.design.to_json(), "labels": fit.labels.to_json()}
        if fit.design.named:
            found["evidence of the page"] = Evidence.gather(fit, (TABLE, BAD)).arrays()
    if hasattr(fit, "draws"):
        return found
    return found | {f"sample by {seed}": fit.sample(50, seed) for seed in (0, 3)}


def assert_equal(mine, theirs, place=""):
    """Texts and whole numbers the same, other numbers to 1e-12 of their size."""
    if dataclasses.is_dataclass(mine) or hasattr(mine, "_asdict"):
        mine, theirs = (x._asdict() if hasattr(x, "_asdict") else dataclasses.asdict(x) for x in (mine, theirs))
    if isinstance(mine, dict):
        assert list(mine) == list(theirs), place
        for name in mine:
            assert_equal(mine[name], theirs[name], f"{place}/{name}")
    elif isinstance(mine, (list, tuple)):
        assert len(mine) == len(theirs), place
        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            assert_equal(a, b, f"{place}[{i}]")
    elif isinstance(mine, np.ndarray) and mine.dtype.kind == "f":
        assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype), place
        np.testing.assert_allclose(theirs, mine, rtol=NEAR, err_msg=place)
    elif isinstance(mine, float):
        np.testing.assert_allclose(theirs, mine, rtol=NEAR, err_msg=place)
    else:
        assert np.array_equal(mine, theirs), place


@pytest.mark.parametrize("name", cases([*FITS, *SLOW]))
def test_a_loaded_fit_answers_as_the_fit(name, tmp_path):
    fit = fitted(name)
    given = MODELS[MODEL_OF[name]] if name in WITHOUT_CODE else None
    again = taut.load(fit.save(tmp_path / "run"), given)
    assert type(again) is type(fit)
    assert_equal(answers(fit), answers(again))
    assert_equal(answers(fit), answers(taut.load(again.save(tmp_path / "again"), given)))


@pytest.mark.parametrize("name", cases(WITHOUT_CODE))
def test_a_density_without_its_code_answers_as_the_fit(name, tmp_path):
    fit = fitted(name)
    again = taut.load(fit.save(tmp_path / "run"))
    expected = {name: x for name, x in answers(fit).items() if not name.startswith("sample")}
    expected["str"] = expected["str"].replace(fit.model.name, again.model.name)
    assert_equal(expected, answers(again))
    assert_equal(expected, answers(taut.load(again.save(tmp_path / "again"))))


@pytest.mark.parametrize("name", cases(WITHOUT_CODE))
def test_draws_without_the_code_are_those_of_the_answer_and_of_the_seed(name, tmp_path):
    fit = fitted(name)
    again = taut.load(fit.save(tmp_path / "run"))
    if fit.corrected is not None:  # draws of the weighted draws, as before
        assert_equal(fit.sample(50, 3), again.sample(50, 3))
    (first, same, other) = (again.sample(500, seed) for seed in (1, 1, 2))
    assert_equal(first, same)
    table = {row["name"]: row for row in fit.summary().to_dicts()}
    for unknown, drawn in first.items():
        assert not np.array_equal(drawn, other[unknown])
        for place in np.ndindex(drawn.shape[1:]):
            column = unknown + (f"[{', '.join(map(str, place))}]" if place else "")
            mean, sd = drawn[(slice(None), *place)].mean(), table[column]["sd"]
            assert abs(mean - table[column]["mean"]) < 5 * sd / np.sqrt(500)
    with pytest.raises(SavedFitError, match="without its model's code"):
        (taut.load(tmp_path / "run") if fit.corrected is None else _without_draws(again)).sample(10**6)


def _without_draws(fit):
    return dataclasses.replace(fit, draws={})


@pytest.mark.parametrize("most", [10_000, 100])
def test_where_the_draws_are_too_many_the_reported_summary_is_kept(most, tmp_path, monkeypatch):
    monkeypatch.setattr(density, "MOST_SAVED_NUMBERS", most)
    fit = fitted("density")
    again = taut.load(fit.save(tmp_path / "run"))
    assert sum(x.size for x in again.draws.values()) <= most
    for loaded in (again, taut.load(again.save(tmp_path / "again"))):
        assert_equal(fit.summary().to_dict(as_series=False), loaded.summary().to_dict(as_series=False))
        assert_equal(fit.to_json(), loaded.to_json())
        if most == 100:
            with pytest.raises(SavedFitError, match=r"level 0.95 alone.*model="):
                loaded.summary(0.9)
        else:
            rough = loaded.summary(0.9)
            assert_equal(fit.summary()["mean"].to_list(), rough["mean"].to_list())
            assert (rough["upper"] - fit.summary(0.9)["upper"]).abs().max() < 0.5


def test_weighted_draws_are_the_answer_however_many_they_are(tmp_path, monkeypatch):
    for module in (density, posterior):
        monkeypatch.setattr(module, "MOST_SAVED_NUMBERS", 100)
    fit = fitted("regression, corrected")
    assert_equal(answers(fit), answers(taut.load(fit.save(tmp_path / "run"))))


def test_what_only_the_code_can_do_is_said(tmp_path):
    again = taut.load(fitted("density").save(tmp_path / "run"))
    with pytest.raises(AbsentError, match="no prediction"):
        again.predict([[1.0]])

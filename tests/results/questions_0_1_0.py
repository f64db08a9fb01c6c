"""What is asked of each fit that version 0.1.0 saved, and the code of the users' own that some of them need.

`make_fits_0_1_0.py` has asked version 0.1.0 and has kept its answers; `test_fits_of_0_1_0.py` asks again. Both load
this file by its path and call it `questions_0_1_0`: a saved fit knows a user's function by the name of its module, too.
"""

import dataclasses
import json
import zlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import polars as pl

import taut
from taut.core.plain import plain
from taut.families import Amortized
from taut.models import (
    Independent,
    LatentVariableModel,
    LogDensity,
    LogisticRegression,
    bounded,
    from_numpyro,
    ordered,
    positive,
    real,
    simplex,
    unit_interval,
)
from taut.networks import MLP
from taut.objectives import Constrained, at_most

TABLE = {"age": [25, 41, 66], "income": [21.5, 30.0, 47.25], "job": ["cook", "baker", "clerk"]}
"""New rows for regressions that were fitted to a table."""
ROWS = np.array([[0.5, -1.0, 0.25], [2.0, 0.0, -0.75], [-1.5, 3.0, 1.0]])
"""And for those that were fitted to an array; as many columns are taken as it had."""
CODES = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
"""Codes to decode, possible ones for binary latents, too."""


def examples(size: int) -> np.ndarray:
    """Three examples of `size` zeros and ones, which every likelihood can have made."""
    return (np.arange(3 * size).reshape(3, size) * 7 % 5 < 2).astype(np.float32)


# Log densities and models of the users' own.


def of_many_supports(v):
    """A joint density over a value of each support, a vector among them."""
    heights = -0.5 * jnp.sum((v["height"] - jnp.array([1.0, -2.0])) ** 2) / 0.09
    scale = 30 * jnp.log(v["scale"]) - 20 * v["scale"]
    share = 12 * jnp.log(v["share"]) + 8 * jnp.log1p(-v["share"])
    angle = -0.5 * (v["angle"] - 0.2) ** 2 / 0.01
    parts = jnp.sum(jnp.array([20.0, 30.0]) * jnp.log(v["parts"]))
    cuts = -0.5 * jnp.sum((v["cuts"] - jnp.array([-1.0, 1.5])) ** 2) / 0.04
    return heights + scale + share + angle + parts + cuts


def log_gamma(v):
    """Logarithms of exponential variables: skewed, and the second depends on the first."""
    first, second = v["x"]
    return first - jnp.exp(first) + second + 0.5 * first - jnp.exp(second + 0.5 * first)


def two_modes(v):
    """Two separated modes."""
    near, far = (-0.5 * jnp.sum((v["x"] - m) ** 2) for m in (0.0, 10.0))
    return jnp.logaddexp(near + jnp.log(0.7), far + jnp.log(0.3))


def log_likelihood(v, rows):
    """Of each row of a regression by a small network, whose weights are the unknown."""
    x, y = rows
    return jax.scipy.stats.norm.logpdf(y, jax.vmap(v["network"])(x)[:, 0], v["sd"])


def log_prior(v):
    """Standard normal weights and a standard exponential sd."""
    weights = jax.tree.leaves(v["network"].layers)
    return sum(-0.5 * jnp.sum(w**2) for w in weights) - v["sd"]


def coin(tosses):
    """A NumPyro model of a coin."""
    p = numpyro.sample("p", dist.Beta(2, 2))
    numpyro.deterministic("odds", p / (1 - p))
    numpyro.sample("tosses", dist.Bernoulli(p).expand(tosses.shape), obs=tosses)


class Decoder(eqx.Module):
    """A decoder of the user's own: a learned picture, made lighter or darker by z."""

    picture: jax.Array

    def __call__(self, z):
        """Logits."""
        return self.picture * (z[0] - z[1])


class Encoder(eqx.Module):
    """An encoder of the user's own: learned sums of the pixels, one sd for all."""

    sums: jax.Array

    def __call__(self, x):
        """Means and log sds."""
        return jnp.concatenate([self.sums @ x.ravel(), -jnp.ones(2)])


def twice_the_rate(statistics):
    """A constrained function of the user's own."""
    return 2 * statistics["kl"]


def skewed_model():
    """Two unknowns whose posterior is skewed."""
    return LogDensity(log_gamma, parameters={"x": real(2)})


def supports_model():
    """Six unknowns in all kinds of sets."""
    supports = {"height": real(2), "scale": positive(), "share": unit_interval(), "angle": bounded(-1, 1),
                "parts": simplex(2), "cuts": ordered(2)}  # fmt: skip
    return LogDensity(of_many_supports, parameters=supports)


def network_model():
    """A density by rows; the weights of a network are the unknown."""
    unknowns = {"network": MLP([1, 1, 1], jax.nn.tanh, seed=3), "sd": positive()}
    return LogDensity(log_likelihood=log_likelihood, log_prior=log_prior, parameters=unknowns)


def numpyro_model():
    """Ten tosses of a coin."""
    return from_numpyro(coin, np.array([1.0, 0, 1, 1, 0, 1, 1, 1, 0, 1]))


def laplace_model():
    """A regression with a prior from NumPyro, which a saved fit does not keep."""
    return LogisticRegression(Independent(dist.Laplace(0.0, 1.0)))


def own_parts():
    """Everything that a saved autoencoder does not keep: decoder, encoder and constraint of the user's own."""
    return {
        "model": LatentVariableModel(Decoder(np.linspace(-1, 1, 16, dtype=np.float32)), "bernoulli", 2),
        "family": Amortized(Encoder(np.linspace(-0.1, 0.1, 32, dtype=np.float32).reshape(2, 16))),
        "objective": Constrained(maximise="expected_log_likelihood", subject_to=at_most(twice_the_rate, 3.0)),
    }


LOADED_WITH = {
    "density-supports": lambda: {"model": supports_model()},
    "density-skewed": lambda: {"model": skewed_model()},
    "density-bimodal": lambda: {"model": LogDensity(two_modes, parameters={"x": real()})},
    "density-rows": lambda: {"model": network_model()},
    "density-numpyro": lambda: {"model": numpyro_model()},
    "regression-laplace": lambda: {"model": laplace_model()},
    "autoencoder-own": own_parts,
}
"""For fits with code of the user's own, what `taut.load` is given."""
NEEDS_CODE = ("autoencoder-own", "regression-laplace")
"""Of these, the fits of which nothing can be asked without."""


def cases(names):
    """(name of the case, name of the fit, what `taut.load` is given) for each way in which each fit is loaded."""
    for name in sorted(names):
        if name not in NEEDS_CODE:
            yield name, name, dict
        if name in LOADED_WITH:
            yield f"{name} with its code", name, LOADED_WITH[name]


# The questions.


def answers(fit):
    """What a fit says of itself, as JSON by name, and what it computes, as arrays by name."""
    computed = _of_autoencoder(fit) if isinstance(fit, taut.LatentFit) else _of_posterior(fit)
    return _kept(fit), {name: np.asarray(x) for name, x in computed.items()}


def _kept(fit):
    """Everything that only has to be read: numbers and texts in full, arrays by their checksums."""
    said = fit.to_json()
    said.pop("coefficients", None)  # they are computed, so they are among the arrays
    found = {
        "to_json": said,
        "verdict": str(fit.verdict),
        "elbo": [fit.elbo, fit.expected_log_likelihood, fit.kl, fit.bound.standard_error],
        "ended": [fit.ended.name, fit.reason],
        "run": [fit.iterations, fit.gradient_evaluations, fit.rows, fit.batch_size, fit.seed, str(fit.dtype)],
        "speed": [fit.seconds, fit.steps_per_second],
        "family": _parts(fit.posterior),
        "objective": _parts(fit.problem.objective),
        "gradient": _parts(fit.problem.gradient),
        "algorithm": _parts(fit.algorithm),
        "history": _parts(fit.history),
        "evidence": _parts(fit.evidence),
    }
    if isinstance(fit.model, (LogisticRegression, LogDensity, LatentVariableModel)):
        found["model"] = _parts(fit.model)
    else:  # a log density without its code: a stand-in, and the draws that were saved
        found["draws"] = _parts(leaves(fit.draws))
    if isinstance(fit.model, LogisticRegression):
        found |= {"design": fit.design.to_json(), "labels": fit.labels.to_json()}
    if not isinstance(fit, taut.LatentFit) and fit.judgement is not None:
        judged = fit.judgement
        found["weighted"] = [_parts(x) for x in (judged.z, judged.weights, judged.log_prob, judged.log_q)]
    return {name: json.dumps(value) for name, value in found.items()}


def _of_posterior(fit):
    """Table, draws, and for a regression predictions."""
    table = fit.summary()
    assert json.dumps(fit.to_json()["coefficients"]) == json.dumps(plain(table.to_dicts()))
    found = {"table": table.drop("name", "trust").to_numpy(), "table names": table["name"].to_numpy().astype(str)}
    if np.isfinite(fit.elbo):
        # Without its code 0.1.0 gave the first saved draws, whatever the seed; now the seed decides which.
        drawn = {name: x[:5] for name, x in fit.draws.items()} if hasattr(fit, "draws") else fit.sample(5, seed=1)
        found |= {f"sample {name}": x for name, x in leaves(drawn).items()}
    if isinstance(fit.model, LogisticRegression):
        X = pl.DataFrame(TABLE) if fit.design.named else ROWS[:, : len(fit.design.columns)]
        found["predict"] = np.stack(fit.predict(X, level=0.9))
    return found


def leaves(drawn):
    """The arrays of a pytree of draws by path."""
    found = jax.tree_util.tree_leaves_with_path(drawn)
    paths = [(jax.tree_util.keystr(path, simple=True, separator="."), x) for path, x in found]
    return {path: x for path, x in paths if isinstance(x, np.ndarray)}


def _of_autoencoder(fit):
    """Codes, images, and new examples."""
    decoded, drawn = fit.decode(CODES), fit.sample(3, seed=1)
    pixels = decoded.shape[1]
    x = examples(pixels).reshape(3, round(pixels**0.5), -1)
    return {"encode": np.stack(fit.encode(x)), "decode": decoded, "reconstruct": fit.reconstruct(x),
            "sample z": drawn["z"], "sample x": drawn["x"]}  # fmt: skip


def _parts(value):
    """A part as plain JSON: classes by their own names, arrays by dtype, shape and checksum."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, np.floating):
        return [str(value.dtype), float(value)]
    if isinstance(value, (np.ndarray, jax.Array)):
        value = np.asarray(value)
        return [str(value.dtype), list(value.shape), zlib.crc32(np.ascontiguousarray(value).tobytes())]
    if isinstance(value, dict):
        return {name: _parts(x) for name, x in value.items()}
    if isinstance(value, (tuple, list)):
        return [_parts(x) for x in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.metadata.get("fingerprint", True)]
        return {type(value).__name__: {name: _parts(getattr(value, name)) for name in fields}}
    return getattr(value, "__name__", type(value).__name__)

"""A fit as ArviZ knows posteriors: named, shaped, constrained draws with log p and log q of each, and the verdict."""

import json
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from taut.errors import ArgumentError
from taut.models.density import Density
from taut.verdict.judge import draws_of, named_values
from taut.verdict.trust import resample

if TYPE_CHECKING:
    from taut.results.fit import Fit


def to_arviz(fit: "Fit", draws: int = 1000, seed: int = 0) -> Any:
    """The answer of `fit` for ArviZ: a DataTree where ArviZ 1 is installed, an InferenceData before.

    The group `posterior` holds the draws that `fit.sample()` gives, in one chain: of q, or, where the verdict says
    "corrected", the corrected ones (then weigh them no further). The group `sample_stats` holds `lp`
    = log p(x, z) and `lq` = log q(z) of each draw, both in nats over the unconstrained coordinates, so that `lp - lq`
    is its log-weight; a fit that was loaded without its model's code has neither. The attributes hold the verdict in
    words (`verdict`) and everything that the fit says of itself as JSON (`taut`).

    Args:
        fit: of a posterior over model variables.
        draws: independent draws.
        seed: of them.

    Raises:
        ArgumentError: ArviZ is not installed; a latent-variable model, which has a posterior for each example.
    """
    if fit.model.local:
        raise ArgumentError(
            f"A {fit.model.name} has a posterior for each example, not one to hand to ArviZ; use fit.encode(...)."
        )
    if not isinstance(draws, int) or draws < 1:
        raise ArgumentError(f"draws={draws!r}: a positive whole number is needed.")
    if fit.draws is not None:  # loaded without its model's code
        values, statistics = fit.sample(draws), {}
    else:
        z, log_p, log_q = _answer(fit, draws, seed)
        statistics = {"lp": log_p, "lq": log_q} if log_p is not None else {"lq": log_q}
        if fit.design is not None:
            values = dict(zip(fit.design.names, (z @ fit.design.original_scale().T).T, strict=True))
        else:
            values = named_values(fit.model, z, fit.dtype)
    leaves = jax.tree_util.tree_leaves_with_path(values)
    posterior = {
        jax.tree_util.keystr(path, simple=True, separator="."): x[None]
        for path, x in leaves
        if isinstance(x, np.ndarray)
    }
    groups = {"posterior": posterior}
    if statistics:
        groups["sample_stats"] = {name: x[None] for name, x in statistics.items()}
    return _made(groups, _attributes(fit))


def _answer(fit: "Fit", n: int, seed: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """`n` draws of z with their log p(x, z), if the data are at hand, and log q(z); the verdict's own where they do."""
    judged = fit.judgement
    if judged is not None and judged.corrected:
        places = resample(judged.weights, n, np.random.default_rng(seed))
        return judged.z[places], judged.log_prob[places], judged.log_q[places]
    z, log_q = draws_of(fit.posterior, n, seed, fit.dtype)
    if fit.parent is None:
        return z, None, log_q
    return z, Density(fit.model, fit.parent, fit.dtype)(z).value, log_q


def _attributes(fit: "Fit") -> dict[str, str]:
    from taut import __version__

    said = {k: v for k, v in fit.to_json().items() if k != "coefficients"}
    verdict = fit.verdict
    return {
        "inference_library": "taut",
        "inference_library_version": __version__,
        "verdict": "" if verdict is None else str(verdict),
        "taut": json.dumps(said),
    }


def _made(groups: dict[str, Any], attributes: dict[str, str]) -> Any:
    """An InferenceData of ArviZ before 1, a DataTree since."""
    try:
        import arviz  # pyright: ignore[reportMissingImports]

        if int(arviz.__version__.split(".")[0]) < 1:
            return arviz.from_dict(**groups, attrs=attributes)
    except ImportError:
        pass
    try:
        from arviz_base import from_dict  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ArgumentError("to_arviz needs ArviZ: pip install 'taut[arviz]'.") from error
    return from_dict(groups, attrs={"/": attributes})

"""A fit as ArviZ knows posteriors: named, shaped, constrained draws with log p and log q of each, and the verdict."""

import json
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from taut.errors import ArgumentError

if TYPE_CHECKING:
    from taut.results.posterior import PosteriorFit


def to_arviz(fit: "PosteriorFit", draws: int = 1000, seed: int = 0) -> Any:
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
        ArgumentError: ArviZ is not installed.
    """
    if not isinstance(draws, int) or draws < 1:
        raise ArgumentError(f"draws={draws!r}: a positive whole number is needed.")
    values, statistics = fit.drawn(draws, seed)
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


def _attributes(fit: "PosteriorFit") -> dict[str, str]:
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

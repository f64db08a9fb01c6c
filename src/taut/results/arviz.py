"""Draws as ArviZ knows posteriors."""

from typing import Any

import jax
import numpy as np

from taut.errors import ArgumentError


def arviz_data(
    values: Any,
    statistics: dict[str, np.ndarray],
    rows: dict[str, dict[str, np.ndarray]],
    attributes: dict[str, str],
) -> Any:
    """Draws for ArviZ: a DataTree where ArviZ 1 is installed, an InferenceData before.

    Args:
        values: The draws by name, each `[n, ...]`: the group `posterior`, as one chain.
        statistics: What is known of each draw, `[n]` by name: the group `sample_stats`.
        rows: Groups about the rows of the data by name: each `[n, ...]`, but what was observed.
        attributes: Texts that go with the whole.

    Raises:
        ArgumentError: ArviZ is not installed.
    """
    leaves = jax.tree_util.tree_leaves_with_path(values)
    posterior = {
        jax.tree_util.keystr(path, simple=True, separator="."): x[None]
        for path, x in leaves
        if isinstance(x, np.ndarray)
    }
    groups = {"posterior": posterior}
    if statistics:
        groups["sample_stats"] = {name: x[None] for name, x in statistics.items()}
    for group, found in rows.items():
        groups[group] = found if group == "observed_data" else {name: x[None] for name, x in found.items()}
    return _made(groups, attributes)


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

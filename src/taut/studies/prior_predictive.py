"""What a regression by formula expects before it has seen a response: rows drawn under its priors."""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from taut.core import precision
from taut.core.arguments import instance, whole
from taut.data.given import Given
from taut.diagnostics.predictive.replicated import replicate
from taut.errors import ArgumentError
from taut.models import Regression
from taut.models.mixed import MixedModel
from taut.results.formula import FormulaFit
from taut.results.own_rows import own_values

if TYPE_CHECKING:
    import polars as pl

    from taut.data import Columns


def prior_predictive(
    model: Regression,
    data: Any,
    draws: int = 100,
    *,
    seed: int = 0,
    missing: str = "refuse",
    positive: Any = None,
    columns: "Columns | None" = None,
) -> "pl.DataFrame":
    """Responses of the given rows, drawn under the priors: whether these are sane, before anything is fitted.

    The likelihood, the levels and the scale of the priors are those that `taut.fit` would take from the same table. The
    response enters by nothing else.

    Args:
        model: the regression, with its priors.
        data: the table, with the response, as `taut.fit` takes it.
        draws: how many data sets.
        seed: of the draws.
        missing: "refuse" rows with a missing value, or "drop" them.
        positive: the label that counts as 1.
        columns: what columns hold where that has to be said.

    Returns:
        A line for each draw and row: `draw` and `row` from 1 on, and the response under its own name, as labels where
        it holds labels. An amount that is too large for a count is infinite.

    Raises:
        ArgumentError: no regression by formula, or a prior that the data are to choose.
        DataError: what is wrong with the table.

    Example:
        >>> import polars as pl
        >>> from taut.models import Regression
        >>> table = pl.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [1, 2, 3, 4]})
        >>> found = prior_predictive(Regression("y ~ x"), table, draws=50)
        >>> found.columns, found.height
        (['draw', 'row', 'y'], 200)
    """
    import polars as pl

    instance("model", model, Regression, "give a taut.models.Regression")
    draws, seed = whole("draws", draws, 1), whole("seed", seed, 0, 2**32 - 1)
    rows = FormulaFit.read(model, Given(data, None, missing, positive, columns))
    mixed = rows.model
    if mixed.prior.empirical:
        raise ArgumentError(
            "prior='empirical' leaves the scale of the coefficients to the data: there is no prior to draw from before "
            "the fit. Give a prior with a scale, such as Normal(0, 1)."
        )
    drawn = _drawn(mixed, rows.rows, draws, seed)
    n = drawn.shape[1]
    return pl.DataFrame(
        {
            "draw": np.repeat(np.arange(1, draws + 1), n),
            "row": np.tile(np.arange(1, n + 1), draws),
            rows.design.response.plain_name: _as_response(drawn.ravel(), rows.labels),
        }
    )


def _drawn(model: MixedModel, data: Any, draws: int, seed: int) -> np.ndarray:
    """Responses `[draws, n]`, as the likelihood has them."""
    of_unknowns, of_rows = np.random.SeedSequence(seed).generate_state(2)
    with precision.context(np.dtype("float64")):
        z = np.asarray(model.prior.draw(jax.random.key(of_unknowns), (draws, model.prior.dim)), float)
        eta = model.predictors(z, data)
        return replicate(model.likelihood, own_values(model, z), eta, data["y"], int(of_rows)).rows


def _as_response(values: np.ndarray, labels: Any) -> Any:
    """Numbers as they are; labels in place of their numbers."""
    names = getattr(labels, "classes", None) or getattr(labels, "levels", None)
    return values if names is None else [names[int(k)] for k in values]

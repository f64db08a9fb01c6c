"""Average marginal effects of a regression by formula: what a change of a column does to the expected response."""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.core.arguments import probability
from taut.diagnostics.predictive.marginal import OF_LEVELS, average_response, average_slope
from taut.results.formula_parts import some_rows
from taut.results.marginals import WeightedDraws
from taut.results.own_rows import own_values

if TYPE_CHECKING:
    import polars as pl

    from taut.data.formulas.changing import Parts

NUMBERS, AT_ONCE = 1_500_000, 1_000_000
"""Draws times rows of one change, and of those the ones that are held at once."""
FEWEST, MOST = 100, 4000
"""Fewest and most draws."""


class Effects(NamedTuple):
    """Effects at draws of the answer.

    Attributes:
        names: `[M]`, of the columns, with the level of a contrast.
        against: `[M]`, the level that it is against; None of a slope.
        levels: `[M]`, the level of the response whose probability changes; None where its mean does.
        draws: `[S, M]`.
    """

    names: list[str]
    against: list[str | None]
    levels: list[str | None]
    draws: Float[np.ndarray, "S M"]


class MarginalEffects:
    """A fit that keeps the columns that its terms are made of, and draws of its answer."""

    data: dict[str, Any]
    source: Mapping[str, np.ndarray]
    weights: Any
    model: Any
    design: Any
    predictor: Any
    _some_draws: Callable[[int], np.ndarray]

    def effects(self, level: float = 0.95) -> "pl.DataFrame":
        r"""Average marginal effects: how the expected response changes with a column, averaged over the fitted rows.

        Of a column of numbers it is the mean over rows of \(dE[y|x]/dx\), for one unit of the column, through whatever
        functions and interactions it stands in; of categories the mean of E[y] if all rows had a level, less that if
        all had the first. Rows keep their groups and all else. E[y] is a probability for labels and for successes
        among trials, and that of each level (`level`) for more than two. A column that stands in a function with jumps,
        such as `I(x > 3)`, or in an offset alone has none.

        Args:
            level: probability of the interval.
        """
        import polars as pl

        found = self._effects_at_draws
        marginals = WeightedDraws(found.draws, np.full(len(found.draws), 1 / len(found.draws)))
        names = {"name": found.names, "against": found.against, "level": found.levels}
        columns = marginals.columns(probability("level", level))
        texts = dict.fromkeys(names, pl.String)
        return pl.DataFrame({**names, **columns, "p_positive": marginals.p_positive()}, schema_overrides=texts)

    @functools.cached_property
    def _effects_at_draws(self) -> Effects:
        from taut.data.formulas.changing import Contrast, Slope, changes  # formulae and pandas are loaded when needed

        several = self.model.likelihood.target in OF_LEVELS
        levels = list(self.predictor.levels) if several else [None]
        z = self._some_draws(int(np.clip(NUMBERS // (len(self.data["X"]) * len(levels)), FEWEST, MOST)))
        found: list[tuple[Slope | Contrast, np.ndarray]] = []
        firsts: dict[str, np.ndarray] = {}  # of each column of categories, with all rows at its first level
        with precision.context(np.dtype("float64")):
            average = functools.partial(self._averaged, z, own_values(self.model, z))
            for change in changes(self.design, self.source) if self.source else ():
                if isinstance(change, Slope):
                    draws = average(average_slope, self._rows, self._with(change.parts))
                else:
                    if change.column not in firsts:
                        firsts[change.column] = average(average_response, self._with(change.others, 1.0))
                    draws = average(average_response, self._with(change.parts, 1.0)) - firsts[change.column]
                found.append((change, draws.reshape(len(z), -1)))
        each = [(change, level) for change, _ in found for level in levels]
        return Effects(
            [change.name for change, _ in each],
            [change.against if isinstance(change, Contrast) else None for change, _ in each],
            [level for _, level in each],
            np.hstack([np.zeros((len(z), 0)), *(draws for _, draws in found)]),
        )

    def _averaged(self, z: np.ndarray, values: dict[str, Any], average: Callable[..., Any], *rows: Any) -> np.ndarray:
        """An average over all rows at each draw, `[S]` or `[S, K]`, from blocks of rows."""
        likelihood, n = self.model.likelihood, len(self.data["X"])
        weights = np.ones(n) if self.weights is None else np.asarray(self.weights, float)
        size = max(1, AT_ONCE // (len(z) * max(1, likelihood.outputs)))
        total: Any = 0.0
        for at in range(0, n, size):
            some = np.arange(at, min(at + size, n))
            eta = [self.model.predictors(z, some_rows(part, some)) for part in rows]
            total = total + average(likelihood, values, *eta, weights[some]) * weights[some].sum()
        return total / weights.sum()

    @property
    def _rows(self) -> dict[str, Any]:
        return {name: part for name, part in self.data.items() if name != "y"}

    def _with(self, parts: "Parts", constant: float = 0.0) -> dict[str, Any]:
        """The rows with other columns; the column of an intercept that thresholds stand for is constant."""
        X, Z, offset = parts
        extra = len(self.model.columns) - X.shape[1]
        X = np.column_stack([np.full((len(X), extra), constant), X])
        return self._rows | {"X": X, "Z": Z, "offset": offset}

"""The fit of a regression by formula: coefficients, scales, group effects, and predictions of new rows."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from taut.algorithms.nested.family import NestedGaussian
from taut.core.arguments import probability
from taut.errors import ArgumentError, SavedFitError
from taut.results.formula_parts import Coefficients, coefficients
from taut.results.marginal_effects import MarginalEffects
from taut.results.marginals import Marginals, NormalMixtures, WeightedDraws
from taut.results.node_moments import Moments, moments_at_nodes
from taut.results.own_rows import OwnRows
from taut.results.posterior import ComputedFit, weighted_from
from taut.results.predictions import framed, in_place, index_of
from taut.results.predictive import Predictor
from taut.results.saved_rows import columns_from, columns_to_save, rows_from, rows_to_save
from taut.results.scales import Scales
from taut.results.tabular import Tabular
from taut.verdict.draws import plain_draws
from taut.verdict.predictions import PredictionQuality

if TYPE_CHECKING:
    import polars as pl

    from taut.algorithms.nested.solution import Solution
    from taut.data import FormulaDesign, FormulaRows, Labels
    from taut.data.formulas.groups import NewGroups
    from taut.data.tables.levels import Levels
    from taut.models.mixed import MixedModel

DRAWS = 4000
"""Draws behind what is not exact."""


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class FormulaFit(OwnRows, Scales, MarginalEffects, Tabular, ComputedFit):
    """A fitted regression by formula.

    Attributes:
        design: what the formula learned of the table.
        labels: what the numbers of the response stand for; None where it holds numbers.
        data: the rows that were fitted to, as the model takes them.
        source: the columns of the table that the terms are made of, by name.
        weights: `[n]`, how often each row counts; None for once each.
        solution: q at all nodes, in memory; None for a saved fit and for other algorithms.
        said_of_predictions: what a saved fit said of its predictions.
    """

    kind = "formula"
    takes_any_family = True

    design: "FormulaDesign"
    labels: "Labels | Levels | None" = None
    data: dict[str, Any]
    source: Mapping[str, np.ndarray]
    weights: np.ndarray | None = None
    solution: "Solution | None" = None
    said_of_predictions: PredictionQuality | None = None

    def __getstate__(self):
        """In another process it is as a saved fit: q at all nodes stays behind, with the compiled rows it is of."""
        return self.__dict__ | {"solution": None}

    @staticmethod
    def read(model, given):
        """The formula and its table."""
        from taut.data.formulas.reading import formula_rows

        return formula_rows(model, given)

    @staticmethod
    def check_problem(problem, rows):
        """Everything was checked with the rows and the pairing of the parts."""

    @staticmethod
    def kept(rows, source, seed, left_open):
        """What was learned of the table, its rows, and what a verdict needs that is still to be given."""
        own = {"design": rows.design, "labels": rows.labels, "data": rows.rows, "weights": rows.weights}
        own |= {"source": rows.columns or {}}
        return own | ComputedFit.kept(rows, source, seed, left_open)

    def to_save(self):
        """The design, the labels and the rows, and the weighted draws where they are the answer."""
        labels = None if self.labels is None else self.labels.to_json()
        rows = rows_to_save(self.data, self.weights) | columns_to_save(self.source)
        return {"design": self.design.to_json(), "labels": labels}, rows | self.weighted_arrays()

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """The fit that was saved."""
        from taut.data import FormulaDesign, Labels
        from taut.data.tables.levels import Levels

        said = meta["labels"]
        labels = None if said is None else (Labels if "classes" in said else Levels).from_json(said)
        data, weights = rows_from(arrays)
        if data["X"].shape[1] != len(fields["problem"].model.columns):
            raise SavedFitError("The saved rows are of another formula than the saved model: fit again.")
        design = FormulaDesign.from_json(meta["design"])
        source = columns_from(arrays, design, len(data["X"]))
        own = {"design": design, "labels": labels, "data": data, "weights": weights, "source": source}
        said_of = PredictionQuality.of_saved(meta)
        return cls(**fields, **own, judged=weighted_from(arrays, fields), said_of_predictions=said_of)

    @property
    def model(self) -> "MixedModel":
        """The regression on its data."""
        model: Any = self.problem.model
        return model

    def named(self, z):
        """Coefficients on the coded scale, own parameters, scales, and effects of each group term `[n, G, q]`."""
        found = self.model.named(z)
        for group, u in zip(self.model.prior.groups, self.model.effects(z), strict=True):
            name = f"u({group.name})"
            found[name if name not in found else f"u({group.name}:{group.terms[0]})"] = u.swapaxes(1, 2)
        return found

    def columns(self, z):
        """The scalar unknowns."""
        return self.model.to_columns(z)

    @functools.cached_property
    def drawn_answer(self) -> tuple[Float[np.ndarray, "S D"], Float[np.ndarray, " S"]]:
        """Draws of z with their weights, which everything that is not exact is made of."""
        weighted = self.corrected
        if weighted is not None:
            return weighted.z, weighted.weights
        nodes = self.nodes
        z = plain_draws(self.posterior, DRAWS, self.seed, self.dtype) if nodes is None else np.asarray(nodes.draws)
        return z, np.full(len(z), 1 / len(z))

    @property
    def nodes(self) -> NestedGaussian | None:
        """The mixture over nodes, where it is the answer: then moments of single unknowns are exact."""
        family = self.posterior
        return family if isinstance(family, NestedGaussian) and self.corrected is None else None

    @functools.cached_property
    def coefficients(self) -> Coefficients:
        """The coefficients as linear functions of beta, on the coded scale and on that of the table."""
        return coefficients(self.model, self.design)

    def table(self, level):
        """Coefficients and thresholds, for one unit of the table's columns and on the coded scale."""
        raw, coded = self.marginals(raw=True), self.marginals(raw=False)
        columns = raw.columns(level)
        return {
            "name": list(self.coefficients.names),
            **columns,
            "p_positive": raw.p_positive(),
            "mean_standardised": coded.mean,
            "sd_standardised": coded.sd,
        }

    def marginals(self, raw: bool) -> Marginals:
        """The distribution of each coefficient, for one unit of the table's columns or as coded."""
        of, nodes = self.coefficients, self.nodes
        if nodes is not None:
            return of.at_nodes(self.model, nodes, raw)
        z, weights = self.drawn_answer
        parts = self.model.prior.parts(z)
        return WeightedDraws(of.values(self.model, parts.beta, parts.own, raw), weights)

    def groups(self, level: float = 0.95) -> "pl.DataFrame":
        """Effects of the groups, on the scale of the predictor: mean, sd, interval, P(> 0) and trust of each.

        Args:
            level: probability of the interval.
        """
        import polars as pl

        parts, marginals = self.model.prior.groups, self._effects()
        lines = [(g.name, level_, term) for g in parts for term in g.terms for level_ in g.levels]
        names = {name: [line[i] for line in lines] for i, name in enumerate(("group", "level", "term"))}
        columns = marginals.columns(probability("level", level))
        trust = self.trust_column([f"{group}[{level_}]:{term}" for group, level_, term in lines])
        return pl.DataFrame({**names, **columns, "p_positive": marginals.p_positive(), **trust})

    def _effects(self) -> Marginals:
        first, end = len(self.model.prior.coefficients), self.model.prior.dim_w
        nodes = self.nodes
        if nodes is None:
            z, weights = self.drawn_answer
            return WeightedDraws(z[:, first:end], weights)
        means, variances = (np.asarray(x, float)[:, first:end] for x in (nodes.means, nodes.variances))
        return NormalMixtures(np.asarray(nodes.weights, float), means, np.sqrt(variances))

    def _kind_json(self):
        groups: dict[str, list] = {}
        for line in self.groups().to_dicts():
            groups.setdefault(line.pop("group"), []).append(line)
        return {
            "formula": self.model.formula,
            "likelihood": self.model.likelihood.name,
            "variances": self.variances().to_dicts(),
            "effects": self.effects().to_dicts(),
            "groups": groups,
            "predictions": None if self.predictions is None else self.predictions.to_json(),
        }

    @functools.cached_property
    def predictor(self) -> Predictor:
        """Predictions from the draws of the answer."""
        return Predictor(self.model, *self.drawn_answer, self.labels, self.seed)

    def moments(self, rows: "FormulaRows") -> Moments:
        """Moments of the response of rows without group terms: exact at the nodes where these are the answer."""
        if self.nodes is None:
            return self.predictor.moments(rows)
        return moments_at_nodes(self.model, self.nodes, rows)

    @property
    def predicted(self) -> tuple[str, ...]:
        """Names of the columns that `predict` gives."""
        return self.predictor.names

    def predict(self, X: Any, level: float = 0.95, new_groups: "NewGroups" = "refuse") -> Any:
        """The posterior predictive of new rows, over the whole posterior: columns `[n]` by name.

        Args:
            X: a table with the columns of the formula (others are ignored); without a formula features as they were
                fitted to, or `(features, offset)`.
            level: probability of the intervals.
            new_groups: what becomes of groups that the fit has not seen: "refuse" them, "sample" their effects from the
                distribution of the groups, or take their "mean", zero.

        Returns:
            For two labels probability, sd and interval of the probability; for more the probability and sd of each; for
            numbers mean, sd and interval of the expected response, and an interval of a new one. `to_frame()` makes a
            table of it.

        Raises:
            DataError: columns that are missing, levels and groups that were not seen, values that are missing.
        """
        return self._predicted(X, level, new_groups)[0]

    def _predicted(self, X: Any, level: float, new_groups: "NewGroups") -> tuple[Any, np.ndarray]:
        """The prediction, and which rows it is of."""
        rows = self.design.rows(X, new_groups=new_groups)
        predicted = self.predictor.predict(rows, probability("level", level))
        table = X[0] if isinstance(X, tuple) else X
        return framed(predicted, index_of(table, rows.kept), self.predictor.levels), rows.kept

    def predict_rows(self, table: Any, level: float, new_groups: "NewGroups | None" = None) -> dict[str, np.ndarray]:
        """As `predict`, with a row for each of the table: NaN where the fit drops it.

        Raises:
            ArgumentError: A word on new groups where there is no group term.
        """
        if new_groups is not None and not self.model.prior.groups:
            raise ArgumentError(f"new_groups={new_groups!r} is for group terms, and {self.model.formula} has none.")
        predicted, kept = self._predicted(table, level, new_groups or "refuse")
        return in_place(predicted.columns(), kept)

    @property
    def predicts(self) -> str:
        """What `predict` gives, in words."""
        if self.positive is not None:
            return f"the probability of '{self.positive}'"
        return self.predictor.in_words(self.design.response.name)

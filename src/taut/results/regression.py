"""The fit of a regression: coefficients on the scale of the table's columns, and predictions of new rows."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from scipy.special import ndtr, ndtri

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core import precision
from taut.core.arguments import probability
from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.core.trees import cast
from taut.data.source import padded_size
from taut.errors import ArgumentError, PairingError, SavedFitError
from taut.families import Family, FullRank
from taut.results.density import weighted_table
from taut.results.posterior import ComputedFit, weighted_from
from taut.results.predictions import NO_CHECKS, framed, in_place, index_of
from taut.results.tabular import Tabular
from taut.verdict.draws import gaussian_of
from taut.verdict.predictions import PredictionQuality, places, quality

if TYPE_CHECKING:
    from taut.data import Design, Labels
    from taut.models.table_regression import TableRegression
    from taut.verdict.judge import Judgement


PREDICTED = 4000
"""Number of draws behind a prediction where draws are the answer."""
ROWS_AT_ONCE = 512
"""Number of rows whose draws are held at once."""


@Compiled
def _moments(family: Any) -> Any:
    return family.mean, family.covariance


@Compiled
def _predict(model: Any, family: Any, X: Any, level: Any) -> Any:
    return model.predict(family, X, level)


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class RegressionFit(Tabular, ComputedFit):
    """A fitted regression.

    Attributes:
        design: how the table became the design matrix.
        labels: what 0 and 1 stand for; None for a target of numbers.
        said_of_predictions: what a saved fit said of its predictions.
    """

    kind = "regression"
    absent = NO_CHECKS

    design: "Design"
    labels: "Labels | None" = None
    said_of_predictions: PredictionQuality | None = None

    @staticmethod
    def read(model, given):
        """The design matrix and the target."""
        from taut.data.tables.reading import table_rows

        return table_rows(model, given)

    @staticmethod
    def check_problem(problem, rows):
        """Refuse a family without a closed covariance: the table of coefficients is made of it."""
        if Capability.COVARIANCE not in problem.family.offers:
            raise PairingError(
                f"The table of a {problem.model.name} needs {Capability.COVARIANCE.value}, and the "
                f"{problem.family.name} family is none; give 'full-rank', 'mean-field' or 'low-rank'."
            )

    @staticmethod
    def kept(rows, source, seed, left_open):
        """The way from the table to its rows, and the rows for the verdict."""
        return {"design": rows.table.design, "labels": rows.table.labels} | ComputedFit.kept(
            rows, source, seed, left_open
        )

    def _kind_json(self):
        """What is said of predictions."""
        return {"predictions": None if self.predictions is None else self.predictions.to_json()}

    def to_save(self):
        """The way from the table to its rows, and the weighted draws where they are the answer."""
        labels = None if self.labels is None else self.labels.to_json()
        return {"design": self.design.to_json(), "labels": labels}, self.weighted_arrays()

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """The fit that was saved."""
        from taut.data import Design, Labels

        labels = None if meta["labels"] is None else Labels.from_json(meta["labels"])
        design = Design.from_json(meta["design"])
        dim = fields["problem"].family.dim
        if dim != len(design.names):
            raise SavedFitError(
                f"The saved posterior has {dim} coefficients and the design {len(design.names)} columns."
            )
        own = {"design": design, "labels": labels, "said_of_predictions": PredictionQuality.of_saved(meta)}
        return cls(**fields, **own, judged=weighted_from(arrays, fields))

    @functools.cached_property
    def predictions(self) -> PredictionQuality | None:
        """Whether predictions can be used, where single coefficients cannot; None where nothing was weighed."""
        judged = self.judgement
        if self.said_of_predictions is not None or judged is None or self.parent is None:
            return self.said_of_predictions
        some = places(int(self.parent.size))
        X = self.model.predictor(jax.tree.map(lambda part: part[some], self.parent.rows))
        return quality(judged, np.asarray(judged.z, float) @ np.asarray(X, float).T)

    @property
    def model(self) -> "TableRegression":
        """The regression."""
        model: Any = self.problem.model
        return model

    @functools.cached_property
    def predicted(self) -> tuple[str, ...]:
        """Names of the columns that `predict` gives, found without computing any."""
        with precision.context(self.dtype):
            one = jax.ShapeDtypeStruct((1,), self.dtype)
            return jax.eval_shape(self.model.predictive, one, one, 0.95)._fields

    def of_rows(self, draws, seed):
        """None: no rows are kept."""
        return {}

    def named(self, z):
        """The coefficients of the original columns, by column."""
        names, values = self.columns(z)
        return dict(zip(names, values.T, strict=True))

    def columns(self, z):
        """Draws of standardised weights as the coefficients of the original columns."""
        return self.design.coefficients(z)

    def table(self, level):
        """Coefficients on both scales, exact where q is the answer: linear functions of a Gaussian are Gaussian."""
        q = self._gaussian
        A = self.design.original_scale()
        with np.errstate(all="ignore"):  # a fit that has diverged is shown all the same
            mean, sd = A @ q.mean, np.sqrt(np.sum((A @ q.factor) ** 2, axis=1))
            p_positive = ndtr(mean / sd)
        half = ndtri(0.5 + 0.5 * level) * sd
        shape = {"lower": mean - half, "upper": mean + half, "p_positive": p_positive}
        if self.standing_in is not None:
            draws = self.standing_in
            shape = weighted_table(*self.columns(draws.z), draws.weights, level, self.model.one_signed)
        return {
            "name": list(self.design.names),
            "mean": mean,
            "sd": sd,
            **{column: shape[column] for column in ("lower", "upper", "p_positive")},
            "mean_standardised": q.mean,
            "sd_standardised": q.sd,
        }

    @property
    def _gaussian(self) -> Gaussian:
        """The answer in host memory."""
        answer: Any = self.answer
        q = gaussian_of(answer)
        if q is not None:
            return q
        with precision.context(self.dtype):  # a Gaussian that is not kept as a factor of its covariance
            return Gaussian(np.asarray(answer.mean, float), np.linalg.cholesky(np.asarray(answer.covariance, float)))

    @property
    def standing_in(self) -> "Judgement | None":
        """The draws of a richer answer than q, where they stand in for it: they need not be Gaussian."""
        weighted = self.corrected
        return None if weighted is None or weighted.of_q else weighted

    @functools.cached_property
    def answer(self) -> Family:
        """q, or where the verdict is "corrected" the Gaussian with the moments of the corrected answer."""
        weighted = self.corrected
        if weighted is None:
            return self.posterior
        with precision.context(self.dtype):
            mean, covariance = map(np.asarray, _moments(self.posterior, plain=True))
        mean, covariance = weighted.moments(mean, covariance)
        return FullRank.of(mean, np.linalg.cholesky(covariance))

    def predict(self, X: Any, level: float = 0.95) -> Any:
        """The posterior predictive of new rows, over the whole posterior: columns `[n]` by name.

        Args:
            X: new rows, with the columns of the fit (others are ignored).
            level: probability of the interval.

        Returns:
            A named tuple of the model; for a logistic regression probability, sd and interval. Its `to_frame()` is a
            table, of Pandas where X is one, else of Polars.

        Raises:
            DataError: columns that are missing, levels that were not seen, values that are missing.
        """
        predicted = self.predict_matrix(self.design.matrix(X), level)
        kept = self.design.complete_rows(X) if self.design.missing == "drop" else np.ones(len(predicted[0]), bool)
        return framed(predicted, index_of(X, kept))

    def predict_rows(self, table: Any, level: float, new_groups: Any = None) -> dict[str, np.ndarray]:
        """As `predict`, with a row for each of the table: NaN where the fit drops it.

        Raises:
            ArgumentError: A word on new groups.
        """
        if new_groups is not None:
            raise ArgumentError(
                f"new_groups={new_groups!r} is for a regression with group terms, and this {self.model.name} has none."
            )
        return in_place(self.predict(table, level).columns(), self.design.complete_rows(table))

    @property
    def predicts(self) -> str:
        """What `predict` gives, in words."""
        return "the prediction" if self.positive is None else f"the probability of '{self.positive}'"

    def predict_matrix(self, matrix: np.ndarray, level: float = 0.95) -> Any:
        """As `predict`, for rows of the design matrix `[n, D]`."""
        level = probability("level", level)
        if self.standing_in is not None:
            return self._predict_by_draws(matrix, level)
        matrix = matrix.astype(self.dtype)
        padding = padded_size(len(matrix)) - len(matrix)  # few sizes, few compilations
        padded = np.concatenate([matrix, np.zeros((padding, matrix.shape[1]), self.dtype)])
        with precision.context(self.dtype):
            family, level_array = cast(self.answer, self.dtype), np.asarray(level, self.dtype)
            prediction = _predict(self.model, family, padded, level_array, plain=True)
        return type(prediction)(*(np.asarray(x)[: len(matrix)] for x in prediction))

    def _predict_by_draws(self, matrix: np.ndarray, level: float) -> Any:
        """The prediction where weighted draws are the answer: their predictors need not be Gaussian."""
        z = self.draws_of_answer(PREDICTED, self.seed)[0]
        parts = [
            self.model.predictive_of_draws(matrix[i : i + ROWS_AT_ONCE] @ z.T, level)
            for i in range(0, max(len(matrix), 1), ROWS_AT_ONCE)
        ]
        joined = (np.concatenate([np.asarray(x) for x in column]) for column in zip(*parts, strict=True))
        return type(parts[0])(*joined)

"""The result of a fit: what was learned, how it ended, and everything that is asked of it afterwards."""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.algorithms import Algorithm
from taut.core import precision
from taut.core.batch import Batch
from taut.core.compilation import Compiled
from taut.core.trees import cast
from taut.data.source import padded_size
from taut.diagnostics.elbo import Bound
from taut.errors import ArgumentError, SavedFitError
from taut.families import Family, FullRank
from taut.learning.loop import Ended
from taut.models import Model, Prediction
from taut.problem import Problem
from taut.results.summaries import coefficients, marginals
from taut.verdict.convergence import Convergence
from taut.verdict.judge import Judged, draws_of, judge_late, named_values
from taut.verdict.trust import resample
from taut.verdict.verdict import Verdict

if TYPE_CHECKING:
    import polars as pl

    from taut.data import Design, Labels


@Compiled
def _moments(family: Any) -> Any:
    return family.mean, family.covariance


@Compiled
def _predict(model: Any, family: Any, X: Any, level: Any) -> Prediction:
    return model.predict(family, X, level)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fit:
    """A fitted posterior.

    Attributes:
        problem: model, family, objective and gradient as learned.
        algorithm: what moved q.
        bound: the ELBO and its two terms, with the standard error where they were sampled.
        history: what was seen at each step, `[steps, ...]` by name: `elbo`, `expected_log_likelihood`, `kl`, ...
        ended: how the fit ended; its value is a sentence.
        reason: the particulars of the ending, "" if there are none.
        reasons: for each sentence, why it was chosen, or "given".
        iterations: accepted steps.
        gradient_evaluations: gradients of the log density at one z over the full data (a minibatch counts its share).
        rows: of the data.
        batch_size: rows for each step, None for all.
        seed: of every random number.
        dtype: that it was fitted in.
        seconds: by phase.
        steps_per_second: once everything is compiled; 0 for a fit of one chunk.
        design: how a table became the design matrix (regressions).
        labels: what 0 and 1 stand for (regressions).
        evidence: arrays that the report draws from the data, so that its page can be made again without them.
        draws: saved draws by name, for a fit that was loaded without its model's code.
        judged: the verdict with the draws behind it, where it was given at once; `verdict` asks for it otherwise.
        convergence: what the algorithm itself certifies.
        parent: all rows, for a verdict that is still to be given.
        said: the verdict of a saved fit.
    """

    problem: Problem
    algorithm: Algorithm
    bound: Bound
    history: dict[str, np.ndarray]
    ended: Ended
    reason: str
    reasons: dict[str, str]
    iterations: int
    gradient_evaluations: float
    rows: int
    batch_size: int | None
    seed: int
    dtype: np.dtype
    seconds: dict[str, float]
    steps_per_second: float = 0.0
    design: "Design | None" = None
    labels: "Labels | None" = None
    evidence: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    draws: dict[str, np.ndarray] | None = None
    judged: Judged | None = None
    convergence: Convergence | None = None
    parent: Batch | None = None
    said: Verdict | None = None

    @functools.cached_property
    def judgement(self) -> Judged | None:
        """The verdict with its draws; None for a fit that was loaded, whose `verdict` was saved."""
        if self.judged is not None or self.parent is None or self.ended is Ended.DIVERGED:
            return self.judged
        return judge_late(
            self.problem,
            self.parent,
            self.dtype,
            self.convergence,
            self.history,
            self.seed,
            self._in_columns if self.design is not None else None,
        )

    @property
    def verdict(self) -> Verdict | None:
        """Whether it converged and whether to trust it; None where nothing was learned.

        For a regression it is given when first asked for: it costs one compilation of the model and 4,000 log
        densities. For a log density it comes with the fit.
        """
        if self.judgement is not None:
            return self.judgement.verdict
        return self.said

    def _in_columns(self, z: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        """Draws of standardised weights as the coefficients of the original columns."""
        assert self.design is not None
        return tuple(self.design.names), z @ self.design.original_scale().T

    @property
    def model(self) -> Model:
        """The model."""
        return self.problem.model

    @property
    def posterior(self) -> Family:
        """q itself, over the unconstrained vector z (standardised weights, for a regression)."""
        return self.problem.family

    @property
    def elbo(self) -> float:
        """The ELBO of the answer, in nats for the whole data set."""
        return self.bound.elbo

    @property
    def expected_log_likelihood(self) -> float:
        """E_q[log p(x|z)], in nats for the whole data set."""
        return self.bound.expected_log_likelihood

    @property
    def kl(self) -> float:
        """KL(q||p), in nats."""
        return self.bound.kl

    def sample(self, n: int = 1000, seed: int = 0) -> dict[str, np.ndarray]:
        """`n` independent draws of the named unknowns, each `[n, ...]`.

        For a regression these are the coefficients of the original columns; for a log density the constrained values.
        """
        if not isinstance(n, int) or n < 1:
            raise ArgumentError(f"sample({n!r}): a positive whole number of draws is needed.")
        if self.draws is not None:
            return self._saved_draws(n)
        z = self._draws(n, seed)
        if self.design is not None:
            names, values = self._in_columns(z)
            return dict(zip(names, values.T, strict=True))
        return named_values(self.model, z, self.dtype)

    def _saved_draws(self, n: int) -> dict[str, np.ndarray]:
        saved = min((len(x) for x in (self.draws or {}).values()), default=0)
        if n > saved:
            raise SavedFitError(
                f"This fit was loaded without its model's code and holds {saved} draws; {n} were asked for. Load it "
                "with "
                "taut.load(path, model=...) for fresh ones."
            )
        return {name: x[:n] for name, x in (self.draws or {}).items()}

    def _draws(self, n: int, seed: int) -> np.ndarray:
        """`n` draws of z, `[n, D]`: of q, or of its weighted draws where the verdict says that this is better."""
        if self.judgement is not None and self.judgement.corrected:
            places = resample(self.judgement.weights, n, np.random.default_rng(seed))
            return self.judgement.z[places]
        return draws_of(self.posterior, n, seed, self.dtype)[0]

    def summary(self, level: float = 0.95) -> "pl.DataFrame":
        """The posterior table: for each unknown mean, sd, equal-tailed interval and P(> 0).

        For a regression on the scale of the original columns, with mean and sd on the standardised scale beside them;
        every number is exact, since linear functions of a Gaussian are Gaussian. Otherwise from 4,000 draws. Where the
        verdict is "corrected" the numbers are those under the importance weights.

        Args:
            level: probability of the interval.
        """
        import polars as pl

        if not 0 < level < 1:
            raise ArgumentError(
                f"level={level!r}: the probability of the interval must lie between 0 and 1, e.g. 0.95."
            )
        return pl.DataFrame(coefficients(self, level) if self.design is not None else marginals(self, level))

    @functools.cached_property
    def answer(self) -> Family:
        """q, or for a regression whose verdict is "corrected" the Gaussian with q's moments under the weights."""
        if self.design is None or self.judgement is None or not self.judgement.corrected:
            return self.posterior
        with precision.context(self.dtype):
            mean, covariance = map(np.asarray, _moments(self.posterior, plain=True))
        moved, widened = self.judgement.correction()
        return FullRank.of(mean + moved, np.linalg.cholesky(covariance + widened))

    def predict(self, X: Any, level: float = 0.95) -> Prediction:
        """The posterior predictive of new rows: probability, sd and interval, each `[n]`, over the whole posterior.

        Args:
            X: new rows, with the columns of the fit (others are ignored).
            level: probability of the interval.

        Raises:
            DataError: columns that are missing, levels that were not seen, values that are missing.
        """
        if self.design is None:
            raise ArgumentError(
                f"A {self.model.name} has no prediction of its own; average your function over fit.sample()."
            )
        matrix = self.design.matrix(X).astype(self.dtype)
        padding = padded_size(len(matrix)) - len(matrix)  # few sizes, few compilations
        padded = np.concatenate([matrix, np.zeros((padding, matrix.shape[1]), self.dtype)])
        with precision.context(self.dtype):
            family, level_array = cast(self.answer, self.dtype), np.asarray(level, self.dtype)
            prediction = _predict(self.model, family, padded, level_array, plain=True)
        return Prediction(*(np.asarray(x)[: len(matrix)] for x in prediction))

    def to_arviz(self, draws: int = 1000, seed: int = 0) -> Any:
        """`draws` draws for ArviZ, with log p and log q of each and the verdict; see `taut.results.arviz.to_arviz`."""
        from taut.results.arviz import to_arviz

        return to_arviz(self, draws, seed)

    def to_json(self) -> dict[str, Any]:
        """Everything that the printed table shows, as plain JSON."""
        return self._common_json() | {"coefficients": self.summary().to_dicts()}

    def _common_json(self) -> dict[str, Any]:
        """What every kind of fit says of itself."""
        return {
            "model": self.model.name,
            "family": self.posterior.name,
            "objective": self.problem.objective.name,
            "gradient": self.problem.gradient.name,
            "samples": self.problem.gradient.samples,
            "algorithm": self.algorithm.name,
            "reasons": self.reasons,
            "elbo": self.elbo,
            "expected_log_likelihood": self.expected_log_likelihood,
            "kl": self.kl,
            "elbo_standard_error": self.bound.standard_error,
            "ended": self.ended.word,
            "reason": self.reason,
            "iterations": self.iterations,
            "gradient_evaluations": self.gradient_evaluations,
            "rows": self.rows,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "dtype": str(self.dtype),
            "seconds": self.seconds,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
        }

    def save(self, path: str | Path) -> Path:
        """Save to a folder: `fit.json` and `arrays.npz`, no code and no pickle; `taut.load` reads it."""
        from taut.results.load import save

        return save(self, Path(path))

    def __str__(self) -> str:
        error = f" (standard error {self.bound.standard_error:.2g})" if self.bound.standard_error else ""
        return (
            f"{self.model.name}, {self.posterior.name} posterior over {self.posterior.dim} unknowns, "
            f"{self.algorithm.name} with the "
            f"{self.problem.gradient.name} gradient on {self.rows} rows\n"
            f"ELBO {self.elbo:.6f}{error} = {self.expected_log_likelihood:.6f} - {self.kl:.6f} nats, "
            f"{self.iterations} iterations, "
            f"{self.seconds['total']:.2f} s\n{self.ended.value}"
            + (f"\n{self.reason}" if self.reason else "")
            + (f"\n{self.verdict}" if self.verdict is not None else "")
        )

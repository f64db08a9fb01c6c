"""The result of a fit: what was learned, how it ended, and what every kind of fit answers afterwards."""

import abc
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from taut.algorithms import Algorithm
from taut.core.arguments import path as as_path
from taut.core.plain import plain
from taut.core.rooms import nearest
from taut.core.views import view
from taut.data.given import Given, Rows
from taut.data.source import Source
from taut.errors import AbsentError
from taut.families import Family
from taut.gradients import Gradient
from taut.learning.ended import Ended
from taut.models import Model
from taut.problem import Problem
from taut.results.costed import Costed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from taut.diagnostics.elbo import Bound
    from taut.verdict.convergence import Convergence
    from taut.verdict.verdict import Verdict


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Fit(Costed, abc.ABC):
    """A fitted posterior.

    A kind of fit says for itself how data become rows, what it keeps beside the fields here, how it is judged, and what
    it answers: `RegressionFit`, `DensityFit` and `LatentFit` are the kinds.

    Attributes:
        problem: model, family, objective and gradient as learned.
        algorithm: what moved q.
        bound: the ELBO and its two terms, with the standard error where they were sampled.
        history: what was seen at each step, `[steps, ...]` by name: `elbo`, `expected_log_likelihood`, `kl`, ...
        ended: how the fit ended; its value is a sentence.
        reason: the particulars of the ending, "" if there are none.
        reasons: for each sentence, why it was chosen, or "given".
        iterations: accepted steps.
        rows: number of rows of the data.
        batch_size: rows for each step, None for all.
        seed: the seed of every random number.
        dtype: the dtype that it was fitted in.
        spent: what the fit cost; `cost` adds a verdict that was given later.
        steps_per_second: once everything is compiled; 0 for a fit of one chunk.
        evidence: arrays that the report draws from the data, so that its page can be made again without them.
        convergence: what the algorithm itself certifies.
        said: the verdict of a saved fit.
        provenance: where it came from, in words by what they are about (`taut.data.provenance`).
    """

    kind: ClassVar[str]
    """The `kind` of the models whose fits these are."""
    counts_examples: ClassVar[bool] = False
    """Whether the progress bar counts examples a second instead of steps."""
    takes_validation: ClassVar[bool] = False
    """Whether held-out examples are looked at while it learns."""
    takes_any_family: ClassVar[bool] = False
    """Whether a richer family may take the place of a Gaussian q; otherwise its draws stand in for those of q."""
    absent: ClassVar[dict[str, str]] = {}
    """What other kinds of fit have and this one does not: by name, what to use instead."""

    problem: Problem
    algorithm: Algorithm
    bound: "Bound"
    history: dict[str, np.ndarray]
    ended: Ended
    reason: str
    reasons: dict[str, str]
    iterations: int
    rows: int
    batch_size: int | None
    seed: int
    dtype: np.dtype
    steps_per_second: float = 0.0
    evidence: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    convergence: "Convergence | None" = None
    said: "Verdict | None" = None
    provenance: dict[str, str] = dataclasses.field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        hint = type(self).absent.get(name)
        if hint is None:
            near = "" if name.startswith("_") else nearest(name, [n for n in dir(type(self)) if not n.startswith("_")])
            raise AttributeError(f"A {type(self).__name__} has no {name!r}.{near}")
        raise AbsentError(hint)

    @staticmethod
    @abc.abstractmethod
    def read(model: Any, given: Given) -> Rows:
        """The data as rows, checked."""

    @staticmethod
    @abc.abstractmethod
    def check_problem(problem: Problem, rows: Rows) -> None:
        """Refuse a problem that these rows cannot be fitted with, before training."""

    @staticmethod
    @abc.abstractmethod
    def kept(rows: Rows, source: Source, seed: int, left_open: bool) -> dict[str, Any]:
        """The fields that this kind of fit has beside those of all kinds, by name, for a fit that was just made."""

    @staticmethod
    @abc.abstractmethod
    def final_bound(problem: Problem, key: Any, rows: Rows, source: Source) -> "tuple[Bound, float]":
        """The ELBO of a learned problem, where the algorithm does not know it, and the log densities that it took.

        Args:
            problem: The problem as learned.
            key: Of the draws.
            rows: The rows as they were read.
            source: The same rows in batches.
        """

    @staticmethod
    @abc.abstractmethod
    def room(start: float, family: Family) -> float:
        """Nats that an answer may lie below the start of its training and still not have diverged, noise apart.

        A start may be better than the steps from it deserve, as where it is the answer of another fit.

        Args:
            start: What is maximised at the start.
            family: q.
        """

    @abc.abstractmethod
    def to_save(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What a saved fit keeps beside what every kind keeps: entries of `fit.json`, and arrays by name."""

    @classmethod
    @abc.abstractmethod
    def from_saved(cls, meta: dict[str, Any], arrays: dict[str, np.ndarray], fields: dict[str, Any]) -> "Fit":
        """The fit that was saved.

        Args:
            meta: The content of `fit.json`.
            arrays: All saved arrays by name.
            fields: The fields of all kinds.
        """

    @property
    @abc.abstractmethod
    def verdict(self) -> "Verdict | None":
        """Whether it converged and whether to trust it; None for a fit that an older Taut saved without a verdict."""

    @property
    def said_or_diverged(self) -> "Verdict | None":
        """The verdict of a fit that is not judged by draws: a saved one, or one that diverged."""
        from taut.verdict.verdict import Verdict

        return Verdict.diverged() if self.said is None and self.ended is Ended.DIVERGED else self.said

    @property
    def ending(self) -> str:
        """Why the steps stopped, with the particulars: the line that every screen shows behind "ended:"."""
        return self.ended.sentence(self.reason)

    @abc.abstractmethod
    def sample(self, n: int, seed: int = 0) -> Any:
        """`n` independent draws by name."""

    @property
    def model(self) -> Model:
        """The model."""
        return self.problem.model

    @property
    def gradient(self) -> Gradient | None:
        """The gradient estimator; None where the algorithm uses none."""
        return self.algorithm.estimator(self.problem)

    @property
    def predicted(self) -> tuple[str, ...]:
        """Names of the columns that `predict` gives; none where there is no `predict`."""
        return ()

    @property
    def posterior(self) -> Family:
        """q itself, over the unconstrained vector z (standardised weights, for a regression)."""
        return self.problem.family

    @property
    def elbo(self) -> float:
        """The ELBO of the answer, in nats for the whole data set (for a latent-variable model nats per example)."""
        return self.bound.elbo

    @property
    def expected_log_likelihood(self) -> float:
        """E_q[log p(x|z)], in the unit of the ELBO."""
        return self.bound.expected_log_likelihood

    @property
    def kl(self) -> float:
        """KL(q||p), in the unit of the ELBO."""
        return self.bound.kl

    def to_json(self) -> dict[str, Any]:
        """Everything that the printed text shows, as plain JSON: null stands for a number that is not finite.

        The terms of a joint density are its expected log density and its entropy, and there is no KL; nor is there one
        where the log prior lacks its constants, which a negative number shows.
        """
        none = (
            {"expected_log_likelihood": None, "kl": None} if self.model.joint else {"kl": None} if self.kl < 0 else {}
        )
        return plain(self.facts() | none)

    def facts(self) -> dict[str, Any]:
        """Everything that the printed text shows, by name."""
        gradient, verdict = self.gradient, self.verdict
        cost = self.cost  # with that of the verdict
        return {
            "model": self.model.name,
            "family": self.posterior.name,
            "objective": self.problem.objective.name,
            "gradient": None if gradient is None else gradient.name,
            "samples": None if gradient is None or gradient.noiseless else gradient.samples,
            "algorithm": self.algorithm.name,
            "reasons": self.reasons,
            "elbo": self.elbo,
            "expected_log_likelihood": self.expected_log_likelihood,
            "kl": self.kl,
            "elbo_standard_error": self.bound.standard_error,
            "ended": self.ended.word,
            "reason": self.reason,
            "iterations": self.iterations,
            "gradient_evaluations": cost.gradients,
            "rows": self.rows,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "dtype": str(self.dtype),
            "seconds": self.seconds,
            "cost": cost.to_json(),
            "verdict": None if verdict is None else verdict.to_json(),
            **({"provenance": self.provenance} if self.provenance else {}),  # a fit of 0.1.0 kept none
        } | self._own_json()

    @abc.abstractmethod
    def _own_json(self) -> dict[str, Any]:
        """The part of `facts` that only this kind of fit has."""

    def save(self, path: str | Path) -> Path:
        """Save to a folder: `fit.json` and `arrays.npz`, no code and no pickle; `taut.load` reads it."""
        from taut.results.save import save  # with the formats of files, which no fit waits for

        own, own_arrays = self.to_save()
        meta = {"fit": self.facts(), "local": self.model.local, "steps_per_second": self.steps_per_second}
        arrays = {f"history.{name}": np.asarray(x) for name, x in self.history.items()}
        arrays |= {f"evidence.{name}": np.asarray(x) for name, x in self.evidence.items()}
        return save(as_path("path", path), self.problem, self.algorithm, meta | own, arrays | own_arrays)

    def plot(self, name: str | None = None, data: Any = None, *, features: Any = None) -> "Figure":
        """A figure of the report page, such as `fit.plot("forest")`.

        Args:
            name: Of the figure; None draws the first of the page. A name that is none is answered with all of them: for
                a regression or a log density forest, trace, gradient_noise, calibration, probability and sd (the last
                three of regressions that predict probabilities), for a regression by formula also groups, checks
                and left_out, for a latent-variable model reconstructions, samples, traversal, manifold, latent_map,
                training, gradient_noise, multipliers, rate_and_distortion, unit_costs.
            data: As `taut.report.page` takes them, for what is drawn from data.
            features: Likewise, the two columns that probability and sd are drawn over.

        Returns:
            A figure of Matplotlib, which a notebook shows and `figure.savefig("forest.png")` saves.

        Raises:
            ArgumentError: No figure has that name, or this fit cannot draw it.
        """
        return view("plot")(self, name, data, features)

    def _repr_html_(self) -> str:
        return view("fit_html")(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self._headline()}\n{self.ended.value}"

    @abc.abstractmethod
    def _headline(self) -> str:
        """What was fitted and its ELBO, in two lines."""

    def __str__(self) -> str:
        verdict = self.verdict
        parts = [self._headline(), f"ended: {self.ending}", "" if verdict is None else str(verdict)]
        return "\n".join(part for part in parts if part)

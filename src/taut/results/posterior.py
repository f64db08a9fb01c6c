"""A fit with one z for all rows: named draws, a table of the unknowns, and a verdict by weighted draws."""

import abc
import dataclasses
import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Float

from taut import __version__
from taut.algorithms.on_density.base import Solution
from taut.core.arguments import probability, whole
from taut.core.batch import Batch
from taut.core.cost import RICHER_FAMILIES, VERDICT
from taut.diagnostics.elbo import DRAWS, closed, elbo
from taut.errors import SavedFitError
from taut.learning.ended import Ended
from taut.models.density import Density
from taut.results.arviz import arviz_data
from taut.results.fit import Fit
from taut.results.terms import terms_in_words
from taut.verdict.answers import Converged, Trusted
from taut.verdict.draws import draws_of
from taut.verdict.judge import Judgement, judge_posterior
from taut.verdict.verdict import Verdict
from taut.verdict.weighing import resample

if TYPE_CHECKING:
    import polars as pl

MOST_SAVED_NUMBERS = 20_000_000
"""Draws by name are saved up to this many numbers, so that a summary needs no code."""
WEIGHTED = ("z", "weights", "log_prob", "log_q")
"""The fields of `Judgement` that a saved fit keeps, where the weighted draws are the answer."""


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class PosteriorFit(Fit):
    """A posterior over model variables.

    Attributes:
        judged: the verdict with the draws behind it, where it was given at once; `verdict` asks for it otherwise.
    """

    judged: Judgement | None = None

    @staticmethod
    def final_bound(problem, key, rows, source):
        """On all rows, in nats for the whole data set."""
        return elbo(problem, key, jax.device_put(source.parent)), 0.0 if closed(problem) else float(DRAWS)

    @staticmethod
    def room(start, family):
        """A nat for each unknown: to lose it each mean must have moved by more than an sd."""
        return float(family.dim)

    @property
    @abc.abstractmethod
    def judgement(self) -> Judgement | None:
        """The verdict with its draws; None for a fit that was loaded, whose `verdict` was saved."""

    @abc.abstractmethod
    def table(self, level: float) -> dict[str, Any]:
        """The columns of `summary`."""

    @abc.abstractmethod
    def drawn(self, n: int, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """`n` draws of the answer by name, each `[n, ...]`, and what is known of each draw, `[n]` by name.

        `lp` is log p(x, z) and `lq` is log q(z), both in nats over the unconstrained coordinates.
        """

    @property
    def verdict(self) -> Verdict | None:
        """Whether it converged and whether to trust it; None for a fit that an older Taut saved without a verdict.

        Algorithms on a log density give it with the fit. For others it is given when first asked for: it costs one
        compilation of the model and 4,000 log densities.
        """
        if self.judgement is None:
            return self.said_or_diverged
        return self.judgement.verdict

    @property
    def corrected(self) -> Judgement | None:
        """The weighted draws, where the verdict says that they are the answer; None where q is."""
        judged = self.judgement
        return judged if judged is not None and judged.corrected else None

    def sample(self, n: int = 1000, seed: int = 0) -> dict[str, np.ndarray]:
        """`n` independent draws of the named unknowns, each `[n, ...]`.

        For a regression these are the coefficients of the original columns; for a log density the constrained values.
        """
        return self._sample(whole("n", n, 1), whole("seed", seed, 0, 2**32 - 1))

    @abc.abstractmethod
    def _sample(self, n: int, seed: int) -> dict[str, np.ndarray]:
        """`n` draws of the answer by name."""

    def summary(self, level: float = 0.95) -> "pl.DataFrame":
        """The posterior table: for each unknown mean, sd, equal-tailed interval, P(> 0) and trust.

        For a regression on the scale of the original columns, with mean and sd on the standardised scale beside them;
        every number is exact, since linear functions of a Gaussian are Gaussian. Otherwise from draws of q, 16,384 of
        up to 122 unknowns and 4,096 of 245 or more. Where the verdict is "corrected" the numbers are those under the
        importance weights, or of the draws of a richer answer.
        The column `trust` says of each unknown whether it can be quoted: "good" and "corrected" can, "suspect" and
        "unusable" cannot.

        Args:
            level: probability of the interval.
        """
        import polars as pl

        table = self.table(probability("level", level))
        return pl.DataFrame({**table, **self.trust_column(table["name"])})

    def trust_column(self, names: Sequence[str]) -> dict[str, list[str]]:
        """What the verdict says of each of these unknowns as the column `trust`; none where there is no verdict."""
        verdict = self.verdict
        return {} if verdict is None else {"trust": list(map(str, verdict.trust.of(names)))}

    def to_arviz(self, draws: int = 1000, seed: int = 0) -> Any:
        """The answer for ArviZ: a DataTree where ArviZ 1 is installed, an InferenceData before.

        The group `posterior` holds the draws that `sample` gives, in one chain: of q, or, where the verdict says
        "corrected", the corrected ones (then weigh them no further). The group `sample_stats` holds `lp` = log p(x, z)
        and `lq` = log q(z) of each draw, both in nats over the unconstrained coordinates, so that `lp - lq` is its
        log-weight; a fit that was loaded without its model's code has neither. The attributes hold the verdict in words
        (`verdict`), the names of the unknowns that cannot be quoted (`doubtful`, a list as JSON) and everything that
        the fit says of itself as JSON (`taut`). A regression by formula keeps its rows,
        and has `log_likelihood`, `posterior_predictive` and `observed_data` of them.

        Args:
            draws: Number of independent draws.
            seed: Seed of the draws.

        Raises:
            ArgumentError: ArviZ is not installed, or `draws` is no positive whole number.
        """
        draws = whole("draws", draws, 1)
        verdict = self.verdict
        attributes = {
            "inference_library": "taut",
            "inference_library_version": __version__,
            "verdict": "" if verdict is None else str(verdict),
            "doubtful": json.dumps([] if verdict is None else verdict.trust.doubtful),
            "taut": json.dumps({k: v for k, v in self.to_json().items() if k != "coefficients"}),
        }
        return arviz_data(*self.drawn(draws, seed), self.of_rows(draws, seed), attributes)

    @abc.abstractmethod
    def of_rows(self, draws: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
        """Groups of ArviZ about the rows of the data by name, where the fit keeps these."""

    def _own_json(self):
        joint = (
            {"expected_log_joint": self.expected_log_likelihood, "entropy": self.entropy} if self.model.joint else {}
        )
        return {"coefficients": self.summary().to_dicts()} | joint | self._kind_json()

    @abc.abstractmethod
    def _kind_json(self) -> dict[str, Any]:
        """What this kind of posterior says beside its unknowns."""

    @property
    def entropy(self) -> float:
        """For a joint log density the entropy of q over the unknowns, in nats: the ELBO less `expected_log_joint`."""
        return -self.kl

    def weighted_arrays(self) -> dict[str, np.ndarray]:
        """The weighted draws where they are the answer. However many: without them a loaded fit would answer q."""
        judged = self.corrected
        if judged is None:
            return {}
        return {f"judged.{name}": np.asarray(getattr(judged, name)) for name in (*WEIGHTED, "of_q")}

    def _headline(self):
        error = f" (standard error {self.bound.standard_error:.2g})" if self.bound.standard_error else ""
        gradient = "" if self.gradient is None else f" with the {self.gradient.name} gradient"
        unknowns = f"{self.posterior.dim} unknown{'' if self.posterior.dim == 1 else 's'}"
        on = "" if self.model.joint else f" on {self.rows} row{'' if self.rows == 1 else 's'}"
        terms = terms_in_words(self.expected_log_likelihood, self.kl, self.model.joint, "{:.6f}".format)
        return (
            f"{self.model.name}, {self.posterior.phrase} posterior over {unknowns}, "
            f"{self.algorithm.name}{gradient}{on}\n"
            f"ELBO {self.elbo:.6f}{error} = {terms} nats, "
            f"{self.iterations} iterations, {self.seconds['total']:.2f} s"
        )


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class ComputedFit(PosteriorFit):
    """A posterior whose model can be computed, so that draws, log densities and the verdict can be made anew.

    Attributes:
        parent: All rows, for a verdict that is still to be given; None for a saved fit.
        left_open: Whether that verdict may try richer families and chains.
    """

    parent: Batch | None = None
    left_open: bool = False

    @staticmethod
    def kept(rows, source, seed, left_open):
        """What a verdict that is still to be given needs."""
        return {"parent": source.parent, "left_open": left_open}

    @abc.abstractmethod
    def named(self, z: Float[np.ndarray, "n D"]) -> dict[str, np.ndarray]:
        """The named unknowns at draws of z, each `[n, ...]`."""

    @abc.abstractmethod
    def columns(self, z: Float[np.ndarray, "n D"]) -> tuple[tuple[str, ...], Float[np.ndarray, "n M"]]:
        """The names of all scalar unknowns, and their values at draws of z."""

    @functools.cached_property
    def judgement(self) -> Judgement | None:
        """The verdict with its draws; None for a fit that was loaded, whose `verdict` was saved."""
        if self.judged is not None or self.parent is None or self.ended is Ended.DIVERGED:
            return self.judged
        with self._later.stage(VERDICT):
            return self._judged(self.parent, Density(self.model, self.parent, self.dtype, self._later))

    def _judged(self, parent: Batch, density: Density) -> Judgement:
        judged = judge_posterior(
            self.model,
            self.posterior,
            density,
            self.convergence,
            seed=self.seed,
            rows=int(parent.size),
            history=self.history,
            to_columns=self.columns,
        )
        # Reliable weights are enough here: algorithms that judge later meet no tails heavier than a Gaussian prior's.
        doubtful = judged.verdict.converged.answer is Converged.YES and not judged.verdict.trust.reliable
        if not self.left_open or not doubtful:
            return judged
        from taut.verdict.stand_in import improved  # with the richer families, which few fits need

        found = Solution.alone(self.posterior)
        with self._later.stage(RICHER_FAMILIES):
            return improved(self.model, parent, density, found, judged, seed=self.seed, to_columns=self.columns)

    def draws_of_answer(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """`n` draws of the answer: of its weighted draws where they are the answer, else of q.

        Returns:
            z `[n, D]`; log p(x, z) `[n]` in nats where it is known, else None; log q(z) `[n]` in nats.
        """
        weighted = self.corrected
        if weighted is None:
            z, log_q = draws_of(self.posterior, n, seed, self.dtype)
            return z, None, log_q
        places = resample(weighted.weights, n, np.random.default_rng(seed))
        return weighted.z[places], weighted.log_prob[places], weighted.log_q[places]

    def _sample(self, n, seed):
        return self.named(self.draws_of_answer(n, seed)[0])

    def drawn(self, n, seed):
        """The draws that `sample` gives, with log p where the data are at hand."""
        z, log_p, log_q = self.draws_of_answer(n, seed)
        if log_p is None and self.parent is not None:
            log_p = Density(self.model, self.parent, self.dtype).values(z)[0]
        known = {} if log_p is None else {"lp": log_p}
        return self.named(z), known if np.isnan(log_q).all() else known | {"lq": log_q}


def weighted_from(arrays: dict[str, np.ndarray], fields: dict[str, Any]) -> Judgement | None:
    """The weighted draws of a saved fit, None where they are not the answer.

    Raises:
        SavedFitError: they are the answer, and are not there or do not go together.
    """
    verdict = fields["said"]
    if verdict is None or (verdict.trust.answer is not Trusted.CORRECTED and "judged.z" not in arrays):
        return None
    found = [arrays.get(f"judged.{name}", np.zeros(0)) for name in WEIGHTED]
    z, weights = found[:2]
    shapes = {x.shape for x in found[1:]}
    whole = z.shape == (len(weights), fields["problem"].family.dim) and shapes == {(len(z),)} and len(z)
    if not whole or not (np.all(weights >= 0) and abs(weights.sum() - 1) < 1e-6):
        raise SavedFitError(
            f"The verdict is '{verdict.trust.answer}', and the draws that are the answer are not whole."
        )
    of_q = bool(arrays.get("judged.of_q", True))  # version 0.1.0 had no others
    return Judgement(verdict, fields["bound"], *found, of_q=of_q)

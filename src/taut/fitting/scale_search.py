r"""The scale of a regression's prior with the highest ELBO.

With q the best of its family at each scale s, the ELBO changes with s as its explicit derivative says (envelope
theorem): for D coefficients with means m and variances v under q

    d ELBO / d log s = sum_j (m_j^2 + v_j) / s^2 - D,

whose root is the fixed point of the closed M step, s^2 = mean(m^2 + v). The root is bracketed from s = 1 and then found
by Brent's method, which needs a few fits by the natural gradient where alternating needs dozens. All share one
compilation with the fit that follows, because the scale is a traced number.

Source: D. MacKay, Bayesian Interpolation, 1992.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.algorithms import NaturalGradient, Nested
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.of_model import problem_of
from taut.algorithms.on_density.base import OnDensity
from taut.choosing.choose import Choice
from taut.core import precision
from taut.core.cost import Ledger
from taut.core.trees import cast
from taut.data.source import Source
from taut.errors import DataError, PairingError
from taut.families import FullRank, MeanField
from taut.gradients import Exact
from taut.learning.loop import learn
from taut.models.density import Density
from taut.models.empirical import INTERCEPT_SCALE
from taut.models.prior import Normal
from taut.objectives import Elbo
from taut.problem import Problem
from taut.verdict.draws import gaussian_of

SMALLEST, LARGEST = 0.01, 100.0
"""The range in which the scale is looked for."""
STRIDE = 3.0
"""Factor between the scales by which the root is bracketed."""
ACCURACY = 1e-6
"""Error of log s at which the search ends."""
ROUGHLY = 1e-3
"""The same where each fit ends at its own accuracy."""
FULL_RANK = 1000
"""Largest number of coefficients for which the scale is found with a full covariance, where q is of another kind."""


def exact(problem: Problem) -> Problem:
    """The same problem for the natural gradient, which may need another family."""
    given = Problem(problem.model, problem.family, Elbo(), Exact())
    try:
        NaturalGradient().check(given)
        return given
    except PairingError:
        kind = FullRank if problem.family.dim <= FULL_RANK else MeanField
        other = eqx.tree_at(lambda p: p.family, given, kind.around(np.zeros(problem.family.dim), 1.0))
        NaturalGradient().check(other)
        return other


class Search(abc.ABC):
    """Fits at one scale after another.

    Attributes:
        unit: What scales are multiples of.
        accuracy: Error of log s at which the search ends.
    """

    unit: float = 1.0
    accuracy: float = ACCURACY

    @abc.abstractmethod
    def prior(self, scale: float) -> Any:
        """The prior at a scale."""

    @abc.abstractmethod
    def slope(self, log_scale: float) -> float:
        """d ELBO / d log s at the best q, at a multiple of the unit."""

    def best(self) -> tuple[float, str]:
        """The scale at which the slope is zero, and what is special about it in words."""
        from scipy.optimize import brentq  # a fifth of a second to load, and rarely needed

        at, unit = 0.0, self.unit
        here = self.slope(at)
        step = np.copysign(np.log(STRIDE), here)
        while True:
            nxt = float(np.clip(at + step, np.log(SMALLEST), np.log(LARGEST)))
            if nxt == at:
                end = "the smallest" if step < 0 else "the largest"
                return float(np.exp(at)) * unit, f"a higher ELBO than any scale nearer to 1, and is {end} that is tried"
            there = self.slope(nxt)
            if np.sign(there) != np.sign(here):
                break
            at, here = nxt, there
        root: Any = brentq(self.slope, min(at, nxt), max(at, nxt), xtol=self.accuracy)
        return float(np.exp(root)) * unit, "the highest ELBO"


class OfTable(Search):
    """Fits of a table by the natural gradient, each from where the last ended."""

    def __init__(self, problem: Problem, source: Source, seed: int, ledger: Ledger):
        self.problem, self.source, self.seed, self.ledger = problem, source, seed, ledger
        model: Any = problem.model
        self.first, self.dim = int(model.intercept), problem.family.dim

    def prior(self, scale: float) -> Normal:
        """The prior at a scale."""
        scales = np.full(self.dim, scale)
        scales[: self.first] = INTERCEPT_SCALE
        return Normal(np.zeros(self.dim), scales)

    def slope(self, log_scale: float) -> float:
        """d ELBO / d log s at the best q."""
        scale = float(np.exp(log_scale))
        problem = eqx.tree_at(lambda p: p.model.prior, self.problem, self.prior(scale))
        with precision.context(self.source.dtype):
            learned = learn(cast(problem, self.source.dtype), NaturalGradient(), self.source, seed=self.seed)
        gradients = NaturalGradient().gradient_evaluations(problem, learned.state, self.source.size, None)
        self.ledger.add(gradients=gradients)
        q: Any = gaussian_of(learned.problem.family)
        self.problem = eqx.tree_at(lambda p: p.family, self.problem, learned.problem.family)
        mean, sd = q.mean[self.first :], q.sd[self.first :]
        return float(np.sum(mean**2 + sd**2) / scale**2 - len(mean))


class OfFormula(Search):
    """Fits of a regression by formula, by the algorithm of the choice; given t, the theorem holds at each node."""

    accuracy = ROUGHLY

    def __init__(self, choice: Choice, source: Source, seed: int, ledger: Ledger):
        self.choice, self.source, self.seed, self.ledger = choice, source, seed, ledger
        model: Any = choice.problem.model
        self.model, self.places, self.unit = model, list(model.prior.empirical), model.spread
        if not isinstance(choice.algorithm, Nested | OnDensity):
            raise PairingError(
                f"prior='empirical' is found by nested inference or on the log density, and not by the "
                f"{choice.algorithm.name} algorithm: leave algorithm, gradient and batch_size out."
            )

    def prior(self, scale):
        """With N(0, scale) on the coefficients."""
        return self.model.prior.with_scale(scale)

    def slope(self, log_scale):
        """From the moments of the coefficients."""
        scale = float(np.exp(log_scale)) * self.unit
        problem = eqx.tree_at(lambda p: p.model.prior, self.choice.problem, self.prior(scale))
        mean, sd = (x[self.places] for x in self._coefficients(problem))
        return float(np.sum(mean**2 + sd**2) / scale**2 - len(mean))

    @np.errstate(all="ignore")
    def _coefficients(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        """Means and sds of the unknowns, coefficients first."""
        algorithm: Any = self.choice.algorithm
        if isinstance(algorithm, OnDensity):
            density = Density(problem.model, self.source.parent, self.source.dtype, self.ledger)
            solution = algorithm.run(density, problem, self.seed)
            q: Any = gaussian_of(solution.family) if solution is not None else None
            if q is None:
                raise DataError(
                    "prior='empirical': no Gaussian was found at one of the scales; give the prior's scale."
                )
            return q.mean, q.sd
        n, parent = self.source.size, self.source.parent
        rows, weights = jax.tree.map(lambda part: np.asarray(part, float)[:n], (parent.rows, parent.weights))
        rows["index"] = tuple(index.astype(int) for index in rows["index"])
        found = fit(*problem_of(problem.model, rows, weights))
        self.ledger.add(gradients=found.steps)
        return found.unknowns()

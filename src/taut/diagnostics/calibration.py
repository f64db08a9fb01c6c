r"""Simulation-based calibration: over data simulated from the prior, the truth's rank among posterior draws is uniform.

With theta ~ p(theta), x ~ p(x|theta) and L independent draws of p(theta|x), the number of draws below the truth is
uniform on 0, ..., L, for every scalar of theta. A posterior that is too narrow pushes ranks to both ends, one that is
too wide to the middle, one that lies too high to the low end.

Sources: S. Talts, M. Betancourt, D. Simpson, A. Vehtari and A. Gelman, Validating Bayesian Inference Algorithms with
Simulation-Based Calibration, 2018; T. Saeilynoja, P.-C. Buerkner and A. Vehtari, Graphical Test for Discrete Uniformity
and its Applications in Goodness of Fit Evaluation and Multiple Sample Comparison, 2022.
"""

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from taut.core.views import view

SIMULATIONS = 4000
"""Number of uniform samples behind a p-value, which is therefore no smaller than 1/4,001."""
LEVELS = (0.5, 0.9)
"""Levels of the central intervals whose coverage is counted."""
ALARM = 0.01
"""p-value, corrected for the number of scalars, below which ranks are called not uniform."""


@dataclasses.dataclass(frozen=True, repr=False)
class Calibration:
    """What repeated refits say of the whole pipeline.

    Attributes:
        names: Names of the M scalars.
        ranks: `[N, M]`, the number of draws below the truth in each refit.
        draws: Number of posterior draws of each refit.
        p: `[M]`, p-values of uniformity (simultaneous band of the ECDF), each of its scalar alone.
        chi_square_p: `[M]`, p-values of uniformity by the chi-square test of the rank histogram, likewise.
        coverage: For each level `[M]`, the share of truths within the central interval.
        answers: Number of refits with each answer to `converged` and to `trust`.
        failures: Messages of refits that failed, with their counts.
        seconds: Duration of all refits.
    """

    names: tuple[str, ...]
    ranks: Int[np.ndarray, "N M"]
    draws: int
    p: Float[np.ndarray, " M"]
    chi_square_p: Float[np.ndarray, " M"]
    coverage: dict[float, Float[np.ndarray, " M"]]
    answers: dict[str, dict[str, int]]
    failures: dict[str, int]
    seconds: float

    @property
    def corrected_p(self) -> Float[np.ndarray, " M"]:
        """`[M]`, the p-values corrected for the number of scalars that were looked at (Bonferroni)."""
        return np.minimum(1.0, self.p * len(self.p))

    @property
    def overall_p(self) -> float:
        """The smallest corrected p-value."""
        return float(self.corrected_p.min())

    @property
    def calibrated(self) -> bool:
        """Whether no departure from uniformity was seen."""
        return self.overall_p >= ALARM

    def departures(self) -> dict[str, str]:
        """For each scalar whose ranks are not uniform, what its posterior is: "too narrow", "too high", ..."""
        u = (self.ranks + 0.5) / (self.draws + 1) - 0.5
        size = len(u)
        lean = u.mean(0) / np.sqrt(1 / 12 / size)
        spread = ((u**2).mean(0) - 1 / 12) / np.sqrt(1 / 180 / size)
        found = {}
        for i in np.flatnonzero(self.corrected_p < ALARM):
            if abs(spread[i]) > abs(lean[i]):
                found[self.names[i]] = "too narrow" if spread[i] > 0 else "too wide"
            else:
                found[self.names[i]] = "too low" if lean[i] > 0 else "too high"
        return found

    def to_json(self) -> dict[str, Any]:
        """The calibration as plain JSON; p-values are corrected for the number of scalars."""
        scalars = {
            name: {
                "p_value": float(self.corrected_p[i]),
                "chi_square_p_value": float(min(1.0, self.chi_square_p[i] * len(self.names))),
                "coverage": {str(level): float(seen[i]) for level, seen in self.coverage.items()},
                "ranks": self.ranks[:, i].tolist(),
            }
            for i, name in enumerate(self.names)
        }
        return {
            "refits": len(self.ranks),
            "draws": self.draws,
            "calibrated": self.calibrated,
            "overall_p": self.overall_p,
            "departures": self.departures(),
            "answers": self.answers,
            "failures": self.failures,
            "seconds": self.seconds,
            "scalars": scalars,
        }

    def __str__(self) -> str:
        head = f"{len(self.ranks)} refits, {len(self.names)} scalars: "
        if self.calibrated:
            least = ", ".join(
                f"{100 * s.min():.0f} to {100 * s.max():.0f} % within {100 * v:.0f} % intervals"
                for v, s in self.coverage.items()
            )
            p = f"p = {self.overall_p:.2g}, corrected for their number"
            words = f"ranks are uniform as far as so many can tell ({p}); {least}."
        else:
            found = self.departures()
            listed = ", ".join(f"{name} {word}" for name, word in list(found.items())[:5])
            words = (
                f"not calibrated (p = {self.overall_p:.2g}, corrected for their number): {listed or 'see p by scalar'}."
            )
        lost = f" {sum(self.failures.values())} refits failed: {next(iter(self.failures))}" if self.failures else ""
        return head + words + lost

    def __repr__(self) -> str:
        return f"Calibration: {self}"

    def _repr_html_(self) -> str:
        return view("calibration_html")(self)


def calibration(
    names: tuple[str, ...],
    ranks: Int[np.ndarray, "N M"],
    draws: int,
    *,
    answers: dict[str, Counter] | None = None,
    failures: Counter | None = None,
    seconds: float = 0.0,
) -> Calibration:
    """Test ranks for uniformity, scalar by scalar.

    Args:
        names: Names of the scalars.
        ranks: Ranks of the truth among the draws, from 0 to `draws`.
        draws: Number of draws L.
        answers: Counts of the refits' answers.
        failures: Counts of the messages of refits that failed.
        seconds: Duration of the refits.

    Example:
        >>> ranks = np.random.default_rng(0).integers(0, 100, (200, 1))
        >>> calibration(("mu",), ranks, 99).calibrated
        True
    """
    ranks = np.asarray(ranks)
    size = len(ranks)
    null = np.sort(_depth(np.random.default_rng(0).integers(0, draws + 1, (size, SIMULATIONS)), draws))
    p = (1 + np.searchsorted(null, _depth(ranks, draws) * (1 + 1e-12))) / (1 + SIMULATIONS)
    u = (ranks + 0.5) / (draws + 1)
    return Calibration(
        names=names,
        ranks=ranks,
        draws=draws,
        p=p,
        chi_square_p=_chi_square(ranks, draws),
        coverage={level: (np.abs(u - 0.5) < level / 2).mean(0) for level in LEVELS},
        answers={k: dict(v) for k, v in (answers or {}).items()},
        failures=dict(failures or {}),
        seconds=seconds,
    )


def _below(ranks: np.ndarray, draws: int) -> np.ndarray:
    """`[L, M]`: how many ranks are at most 0, 1, ..., L - 1."""
    counts = np.stack([np.bincount(column, minlength=draws + 1) for column in ranks.T], axis=1)
    return np.cumsum(counts, axis=0)[:-1]


def _depth(ranks: np.ndarray, draws: int) -> np.ndarray:
    """`[M]`: the smallest two-sided binomial tail probability along the ECDF; small is far from uniform."""
    from scipy.stats import binom  # half a second to import

    size = len(ranks)
    each = binom.cdf(np.arange(-1, size + 1), size, (np.arange(1, draws + 1) / (draws + 1))[:, None])  # [L, N + 2]
    seen = _below(ranks, draws)
    rows = np.arange(draws)[:, None]
    lower, upper = each[rows, seen + 1], 1 - each[rows, seen]
    return (2 * np.minimum(lower, upper)).min(0)


def band(size: int, draws: int, level: float = 0.95) -> tuple[Float[np.ndarray, " L"], Float[np.ndarray, " L"]]:
    """Bounds, for counts of ranks at most 0, 1, ..., L - 1, that hold at once with probability `level`.

    Args:
        size: Number of refits.
        draws: Number of draws L.
        level: Probability that all counts of a uniform sample lie within.
    """
    from scipy.stats import binom

    null = _depth(np.random.default_rng(0).integers(0, draws + 1, (size, SIMULATIONS)), draws)
    gamma = np.quantile(null, 1 - level)
    z = np.arange(1, draws + 1) / (draws + 1)
    return binom.ppf(gamma / 2, size, z), binom.ppf(1 - gamma / 2, size, z)


def bins(size: int, draws: int) -> int:
    """How many bins a rank histogram has: a divisor of L + 1, at most 20, with at least five ranks expected in each."""
    most = max(2, min(20, size // 5))
    return next((b for b in range(most, 1, -1) if (draws + 1) % b == 0), 1)


def _chi_square(ranks: np.ndarray, draws: int) -> np.ndarray:
    from scipy.stats import chi2

    count = bins(len(ranks), draws)
    expected = len(ranks) / count
    seen = np.stack([np.bincount(c * count // (draws + 1), minlength=count) for c in ranks.T], axis=1)
    return chi2.sf(((seen - expected) ** 2 / expected).sum(0), max(1, count - 1))

"""Distributions of single unknowns, as a table shows them: exact mixtures of normals, or weighted draws."""

import abc
import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

CLOSE = 1e-10
"""Part of an sd by which the last step to a quantile moved it at most."""
HALVINGS = 60
"""Halvings of an interval around a quantile: to 1e-18 of its width."""


class Marginals(abc.ABC):
    """M unknowns, each by itself."""

    mean: Float[np.ndarray, " M"]
    sd: Float[np.ndarray, " M"]

    @abc.abstractmethod
    def quantile(self, p: float) -> Float[np.ndarray, " M"]:
        """The value below which p of the mass lies."""

    @abc.abstractmethod
    def p_positive(self) -> Float[np.ndarray, " M"]:
        """The mass above zero."""

    def columns(self, level: float) -> dict[str, Float[np.ndarray, " M"]]:
        """Mean, sd and ends of the equal-tailed interval."""
        tail = 0.5 - 0.5 * level
        return {"mean": self.mean, "sd": self.sd, "lower": self.quantile(tail), "upper": self.quantile(1 - tail)}


@dataclasses.dataclass(frozen=True)
class NormalMixtures(Marginals):
    """Mixtures over the same C nodes.

    Attributes:
        weights: `[C]`, probabilities of the nodes.
        means: `[C, M]`.
        sds: `[C, M]`.
    """

    weights: Float[np.ndarray, " C"]
    means: Float[np.ndarray, "C M"]
    sds: Float[np.ndarray, "C M"]

    @property
    def mean(self):
        """The mean."""
        return self.weights @ self.means

    @property
    def sd(self):
        """The sd, from the variances within and between nodes."""
        return np.sqrt(self.weights @ (self.sds**2 + (self.means - self.mean) ** 2))

    def quantile(self, p):
        """By Newton's steps within an interval that holds the quantiles of all nodes, and by halving it."""
        at = self.means + ndtri(p) * self.sds
        low, high = at.min(0), at.max(0)
        x, close = np.clip(self.mean + ndtri(p) * self.sd, low, high), CLOSE * self.sd
        for _ in range(HALVINGS):
            below, density = self._below(x)
            low, high = np.where(below < p, x, low), np.where(below < p, high, x)
            with np.errstate(divide="ignore", invalid="ignore"):
                new = x - (below - p) / density
            new = np.where((new > low) & (new < high), new, 0.5 * (low + high))
            moved, x = np.abs(new - x), new
            if np.all(moved <= close):
                break
        return x

    def p_positive(self):
        """The mass above zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.clip(self.weights @ ndtr(self.means / self.sds), 0.0, 1.0)

    def _below(self, x):
        """The mass below x, and the density there."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = (x - self.means) / self.sds
            return self.weights @ ndtr(z), self.weights @ (np.exp(-0.5 * z**2) / self.sds) / np.sqrt(2 * np.pi)


@dataclasses.dataclass(frozen=True)
class WeightedDraws(Marginals):
    """Draws with weights that sum to 1.

    Attributes:
        values: `[S, M]`.
        weights: `[S]`.
    """

    values: Float[np.ndarray, "S M"]
    weights: Float[np.ndarray, " S"]

    @property
    def mean(self):
        """The weighted mean."""
        return self.weights @ self.values

    @property
    def sd(self):
        """The weighted sd."""
        return np.sqrt(self.weights @ (self.values - self.mean) ** 2)

    def quantile(self, p):
        """The first draw at which the weights of smaller ones reach p."""
        order = np.argsort(self.values, axis=0)
        reached = np.cumsum(self.weights[order], axis=0)
        places = np.minimum((reached < p).sum(0), len(order) - 1)
        return np.take_along_axis(self.values, np.take_along_axis(order, places[None], 0), 0)[0]

    def p_positive(self):
        """The weight of positive draws."""
        return self.weights @ (self.values > 0)


@dataclasses.dataclass(frozen=True)
class Known(Marginals):
    """Means and sds that are known better than the draws, which give the quantiles.

    Attributes:
        mean: `[M]`.
        sd: `[M]`.
        draws: For the quantiles.
    """

    mean: Float[np.ndarray, " M"]
    sd: Float[np.ndarray, " M"]
    draws: WeightedDraws

    def quantile(self, p):
        """That of the draws."""
        return self.draws.quantile(p)

    def p_positive(self):
        """That of the draws."""
        return self.draws.p_positive()

"""The fit of a log density: named, shaped, constrained draws."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from taut.core.trees import is_float_array
from taut.data.arrays import array_rows
from taut.errors import SavedFitError
from taut.results.posterior import MOST_SAVED_NUMBERS, ComputedFit, PosteriorFit, weighted_from
from taut.verdict.draws import columns, named_values, plain_draws

DRAWS = 4000
"""Draws behind a summary; the first two moments of a Gaussian q are exact in them."""
LEAST_SAVED = 100
"""Fewest draws that are worth saving."""
NO_TABLE = {"design": None, "labels": None}
"""What `fit.json` says where there was no table."""
ABSENT = {"predict": "A log density has no prediction of its own; average your function over fit.sample()."}


@dataclasses.dataclass(frozen=True, kw_only=True)
class DensityFit(ComputedFit):
    """A fitted log density."""

    kind = "density"
    takes_any_family = True
    absent = ABSENT

    read = staticmethod(array_rows)

    @staticmethod
    def check_problem(problem, rows):
        """Everything was checked with the rows and the pairing of the parts."""

    def to_save(self):
        """The draws behind the summary, and the weighted ones where they are the answer."""
        size = min(DRAWS, MOST_SAVED_NUMBERS // max(self.posterior.dim, 1))
        draws = _by_path(self.sample(size, self.seed)) if size >= LEAST_SAVED else {}
        return NO_TABLE, _named("draws.", draws) | self.weighted_arrays()

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """The fit that was saved; without its model's code, its draws stand in for the model."""
        judged = weighted_from(arrays, fields)
        if meta["code"]:
            return cls(**fields, judged=judged)
        draws = {name.removeprefix("draws."): x for name, x in arrays.items() if name.startswith("draws.")}
        return DrawsFit(**fields, draws=draws, judged=judged)

    def named(self, z):
        """The named, shaped, constrained values."""
        return named_values(self.model, z, self.dtype)

    def columns(self, z):
        """The scalar unknowns."""
        return columns(self.named(z))

    def table(self, level):
        """From the weighted draws where they are the answer, else from q's own."""
        weighted = self.corrected
        if weighted is not None:
            return weighted_table(*self.columns(weighted.z), weighted.weights, level)
        return plain_table(*self.columns(plain_draws(self.posterior, DRAWS, self.seed, self.dtype)), level)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawsFit(PosteriorFit):
    """A fitted log density that was loaded without its model's code: its saved draws are all that can be asked.

    Attributes:
        draws: the saved draws by name, each `[n, ...]`.
    """

    kind = "density"
    absent = ABSENT

    draws: dict[str, np.ndarray]

    read = staticmethod(array_rows)

    @staticmethod
    def kept(rows, source, seed):
        """Never asked: a fit that was just made has its model's code."""
        return {}

    @staticmethod
    def check_problem(problem, rows):
        """Never asked, either."""

    def to_save(self):
        """The same draws."""
        return NO_TABLE, _named("draws.", self.draws) | self.weighted_arrays()

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """As for every log density."""
        return DensityFit.from_saved(meta, arrays, fields)

    @property
    def judgement(self):
        """The weighted draws that were saved, if there were any."""
        return self.judged

    def _sample(self, n, seed):
        saved = min((len(x) for x in self.draws.values()), default=0)
        if n > saved:
            raise SavedFitError(
                f"This fit was loaded without its model's code and holds {saved} draws; {n} were asked for. Load it "
                "with taut.load(path, model=...) for fresh ones."
            )
        return {name: x[:n] for name, x in self.draws.items()}

    def drawn(self, n, seed):
        """The saved draws, of which no log density is known."""
        return self.sample(n), {}

    def table(self, level):
        """From the saved draws."""
        return plain_table(*columns(self.draws), level)


def plain_table(names: tuple[str, ...], draws: Float[np.ndarray, "n M"], level: float) -> dict[str, Any]:
    """The columns of `summary` from draws that count alike."""
    return weighted_table(names, draws, np.full(len(draws), 1 / len(draws)), level)


def weighted_table(
    names: tuple[str, ...], draws: Float[np.ndarray, "n M"], weights: Float[np.ndarray, " n"], level: float
) -> dict[str, Any]:
    """The columns of `summary` from weighted draws: mean, sd, equal-tailed interval and P(> 0) of each unknown.

    Args:
        names: Names of the M unknowns.
        draws: Their values.
        weights: Weights of the draws, which sum to 1.
        level: Probability of the interval.
    """
    mean = weights @ draws
    sd = np.sqrt(weights @ (draws - mean) ** 2)
    order, tails = np.argsort(draws, axis=0), np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])
    reached = np.cumsum(weights[order], axis=0)
    places = np.argmax(reached[None] >= tails[:, None, None], axis=1)
    lower, upper = np.take_along_axis(np.take_along_axis(draws, order, axis=0), places, axis=0)
    p_positive = weights @ (draws > 0)
    return {"name": list(names), "mean": mean, "sd": sd, "lower": lower, "upper": upper, "p_positive": p_positive}


def _by_path(values: Any) -> dict[str, np.ndarray]:
    """The floating arrays of a pytree by path."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(values, is_float_array))
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(x) for path, x in leaves}


def _named(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {prefix + name: x for name, x in arrays.items()}

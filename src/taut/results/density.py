"""The fit of a log density: named, shaped, constrained draws."""

import dataclasses
from collections.abc import Set
from typing import Any

import numpy as np
from jaxtyping import Float

from taut.data.arrays import array_rows
from taut.errors import SavedFitError
from taut.results.posterior import MOST_SAVED_NUMBERS, ComputedFit, PosteriorFit, weighted_from
from taut.results.predictions import NO_CHECKS, no_prediction
from taut.verdict.draws import by_path, columns, draws_of, named_values, numbered, on_host, plain_draws
from taut.verdict.weighing import resample

DRAWS = (2**12, 2**14)
"""Fewest and most draws behind a summary. Few unknowns take the most, with which means of a bent q are within 0.01 sd;
many have a Gaussian q, whose first two moments are exact in any number of them."""
OLDER_DRAWS = 4000
"""Draws behind the summary of a fit that an older Taut saved."""
NUMBERS = 2_000_000
"""Numbers in them from which they are fewer."""
LEAST_SAVED = 100
"""Fewest draws that are worth saving."""
NO_TABLE = {"design": None, "labels": None}
"""What `fit.json` says where there was no table."""
OF_SUMMARY = "draws_of_summary"
"""The entry of `fit.json` that says whether the saved draws are those that the summary is made of."""
EVEN = "even_draws"
"""The entry of `fit.json` that says whether the summary is made as it is today."""
REPORTED = 0.95
"""Level of the summary in `fit.json`."""
ABSENT = NO_CHECKS | no_prediction(
    "A log density has no prediction of its own; average your function over fit.sample()."
)


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class DensityFit(ComputedFit):
    """A fitted log density.

    Attributes:
        older: whether an older Taut saved it, whose summary was made of 4,000 draws, independent unless q is Gaussian.
    """

    kind = "density"
    takes_any_family = True
    absent = ABSENT

    older: bool = False

    read = staticmethod(array_rows)

    @staticmethod
    def check_problem(problem, rows):
        """Everything was checked with the rows and the pairing of the parts."""

    def _kind_json(self):
        """Nothing."""
        return {}

    def to_save(self):
        """The draws that the summary is made of, by name, and the weighted ones where they are the answer.

        Where these are too many, fewer draws for `sample`: the summary is then as `fit.json` has it.
        """
        z, _ = self.summarised
        draws = by_path(self.named(z), self.model.order)
        numbers = sum(x.size for x in draws.values())
        whole = numbers <= MOST_SAVED_NUMBERS
        if not whole:
            size = MOST_SAVED_NUMBERS * len(z) // numbers
            draws = by_path(self.sample(size, self.seed), self.model.order) if size >= LEAST_SAVED else {}
        return NO_TABLE | {OF_SUMMARY: whole, EVEN: not self.older}, _named("draws.", draws) | self.weighted_arrays()

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """The fit that was saved; without its model's code, its draws stand in for the model."""
        own = {"judged": weighted_from(arrays, fields), "older": meta.get(EVEN) is not True}
        if meta["code"]:
            return cls(**fields, **own)
        draws = {name.removeprefix("draws."): x for name, x in arrays.items() if name.startswith("draws.")}
        return DrawsFit.of_draws(meta, draws, fields | own)

    @property
    def summarised(self) -> tuple[Float[np.ndarray, "n D"], Float[np.ndarray, " n"]]:
        """The draws of z that the summary is made of, with their weights: those of the answer, else q's own."""
        weighted = self.corrected
        if weighted is not None:
            return weighted.z, weighted.weights
        n = OLDER_DRAWS if self.older else 2 ** int(np.log2(np.clip(NUMBERS / self.posterior.dim, *DRAWS)))
        if self.older and on_host(self.posterior) is None:
            z = draws_of(self.posterior, n, self.seed, self.dtype)[0]
        else:
            z = plain_draws(self.posterior, n, self.seed, self.dtype)
        return z, np.full(len(z), 1 / len(z))

    def of_rows(self, draws, seed):
        """None: no rows are kept."""
        return {}

    def named(self, z):
        """The named, shaped, constrained values."""
        return named_values(self.model, z, self.dtype)

    def columns(self, z):
        """The scalar unknowns."""
        return columns(self.named(z), self.model.order)

    def table(self, level):
        """From the weighted draws where they are the answer, else from q's own."""
        z, weights = self.summarised
        return weighted_table(*self.columns(z), weights, level, self.model.one_signed)


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class DrawsFit(PosteriorFit):
    """A fitted log density that was loaded without its model's code: its saved draws are all that can be asked.

    Its summary is that of the fit. `sample(n, seed)` takes n of the saved draws at random by the seed: by their weights
    where the weighted draws are the answer, and else none twice, so that n is at most their number.

    Attributes:
        draws: the saved draws by name, each `[n, ...]`.
        weights: their weights `[n]` where they are the draws that the summary was made of; None where they are other
            draws of the answer, as in a fit that 0.1.0 saved or one of very many unknowns.
        reported: the summary at the level `REPORTED`, as the fit gave it before it was saved: a list for each column.
        older: as for a `DensityFit`.
    """

    kind = "density"
    absent = ABSENT

    draws: dict[str, np.ndarray]
    weights: np.ndarray | None
    reported: dict[str, list]
    older: bool = False

    read = staticmethod(array_rows)

    @staticmethod
    def kept(rows, source, seed, left_open):
        """Never asked: a fit that was just made has its model's code."""
        return {}

    @staticmethod
    def check_problem(problem, rows):
        """Never asked, either."""

    def _kind_json(self):
        """Nothing."""
        return {}

    def to_save(self):
        """The same draws."""
        said = {OF_SUMMARY: self.weights is not None, EVEN: not self.older}
        return NO_TABLE | said, _named("draws.", self.draws) | self.weighted_arrays()

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """As for every log density."""
        return DensityFit.from_saved(meta, arrays, fields)

    @property
    def judgement(self):
        """The weighted draws that were saved, if there were any."""
        return self.judged

    @classmethod
    def of_draws(cls, meta: dict[str, Any], draws: dict[str, np.ndarray], fields: dict[str, Any]) -> "DrawsFit":
        """The fit of saved draws.

        Raises:
            SavedFitError: the draws, their weights and the summary are not of one fit.
        """
        judged, rows = fields["judged"], meta["fit"]["coefficients"]
        sizes = {len(x) for x in draws.values()}
        weights = None
        if meta.get(OF_SUMMARY):
            weights = judged.weights if judged is not None and judged.corrected else np.full(max(sizes), 1 / max(sizes))
            sizes.add(len(weights))
        if len(sizes) > 1:
            raise SavedFitError(f"The saved draws are of different numbers, {sorted(sizes)}: fit again.")
        reported = {name: [row[name] for row in rows] for name in rows[0] if name != "trust"}
        for name, values in reported.items():
            kinds = {type(x) for x in values if x is not None}
            if not kinds <= {str if name == "name" else float}:
                raise SavedFitError(f"The column {name} of the saved summary holds something else: fit again.")
        if draws and set(numbered({name: x[:1] for name, x in draws.items()})[0]) != set(reported["name"]):
            raise SavedFitError("The saved draws are not of the unknowns in the saved summary: fit again.")
        return cls(**fields, draws=draws, weights=weights, reported=reported)

    def _sample(self, n, seed):
        """Saved draws, taken at random by `seed`: by weight where they are weighted, else none twice."""
        saved = min((len(x) for x in self.draws.values()), default=0)
        weighted = self.weights is not None and self.corrected is not None
        if not saved or (n > saved and not weighted):
            raise SavedFitError(
                f"This fit was loaded without its model's code and holds {saved} draws; {n} were asked for. Load it "
                "with taut.load(path, model=...) for fresh ones."
            )
        weights = np.full(saved, 1 / saved) if self.weights is None else self.weights
        places = resample(weights, n, np.random.default_rng(seed))
        return {name: x[places] for name, x in self.draws.items()}

    def drawn(self, n, seed):
        """Saved draws, of which no log density is known."""
        return self.sample(n, seed), {}

    def of_rows(self, draws, seed):
        """None: no rows are kept."""
        return {}

    def table(self, level):
        """From the saved draws where the summary was made of them, else as the fit reported it."""
        if self.weights is not None:
            return weighted_table(*numbered(self.draws), self.weights, level, self.model.one_signed)
        if level == REPORTED:
            return self.reported
        if not self.draws:
            raise SavedFitError(
                f"This fit was loaded without its model's code and holds no draws, so it knows the summary at level "
                f"{REPORTED} alone. Load it with taut.load(path, model=...)."
            )
        names, draws = numbered(self.draws)
        table = weighted_table(names, draws, np.full(len(draws), 1 / len(draws)), level, self.model.one_signed)
        order = [names.index(name) for name in self.reported["name"]]
        return self.reported | {end: table[end][order] for end in ("lower", "upper")}


def weighted_table(
    names: tuple[str, ...],
    draws: Float[np.ndarray, "n M"],
    weights: Float[np.ndarray, " n"],
    level: float,
    one_signed: Set[str],
) -> dict[str, Any]:
    """The columns of `summary` from weighted draws: mean, sd, equal-tailed interval and P(> 0) of each unknown.

    Args:
        names: Names of the M unknowns.
        draws: Their values.
        weights: Weights of the draws, which sum to 1.
        level: Probability of the interval.
        one_signed: Unknowns whose support settles their sign: they have no P(> 0).
    """
    with np.errstate(all="ignore"):  # a fit that has diverged is shown all the same
        mean = weights @ draws
        sd = np.sqrt(weights @ (draws - mean) ** 2)
    order, tails = np.argsort(draws, axis=0), np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])
    reached = np.cumsum(weights[order], axis=0)
    places = np.argmax(reached[None] >= tails[:, None, None], axis=1)
    lower, upper = np.take_along_axis(np.take_along_axis(draws, order, axis=0), places, axis=0)
    signed = [name.partition("[")[0] not in one_signed for name in names]
    p_positive = [float(p) if said else None for p, said in zip(weights @ (draws > 0), signed, strict=True)]
    return {"name": list(names), "mean": mean, "sd": sd, "lower": lower, "upper": upper, "p_positive": p_positive}


def _named(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {prefix + name: x for name, x in arrays.items()}

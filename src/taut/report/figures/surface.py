"""The uncertainty surface: over two features, the predictive probability and how unsure the posterior is of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from taut.data import Column
from taut.report.evidence import Evidence, blocks
from taut.report.figures.style import INK, WIDTH
from taut.report.words.numbers import label
from taut.results.regression import RegressionFit

STEPS = 64
"""Points of the grid along a numeric feature."""

FEW = 10
"""A number with at most as many values is drawn like levels: its points spread a little."""


class Axis(NamedTuple):
    """One feature of the two.

    Attributes:
        name: of the column.
        values: `[G]`, where the surface is computed; 0, 1, ... for levels.
        levels: what these are called; empty for a number.
    """

    name: str
    values: np.ndarray
    levels: tuple[str, ...]

    @property
    def span(self) -> tuple[float, float]:
        """Ends of the axis: each grid point is the middle of its cell."""
        half = 0.5 * (self.values[1] - self.values[0])
        return float(self.values[0] - half), float(self.values[-1] + half)


class Surface(NamedTuple):
    """What is drawn.

    Attributes:
        x: the first feature.
        y: the second.
        probability: `[Gy, Gx]`, P(y = 1).
        sd: `[Gy, Gx]`, its posterior standard deviation.
        points: `[n, 2]`, data.
        outcome: `[n]`, 0 or 1.
    """

    x: Axis
    y: Axis
    probability: np.ndarray
    sd: np.ndarray
    points: np.ndarray
    outcome: np.ndarray

    @property
    def even_odds(self) -> bool:
        """Whether a line where P = 1/2 can be drawn: between levels there are no lines."""
        return not (self.x.levels or self.y.levels) and self.probability.min() < 0.5 < self.probability.max()

    @property
    def spread(self) -> bool:
        """Whether points are drawn beside their places."""
        return any(_spread(axis, values) > 0 for axis, values in zip((self.x, self.y), self.points.T, strict=True))


def surface(fit: RegressionFit, evidence: Evidence, features: Sequence[int]) -> Surface:
    """Compute it, the other features at their median or most common level.

    Args:
        fit: A fitted regression.
        evidence: Its data summary.
        features: Positions of two source columns.
    """
    columns, places = fit.design.columns, blocks(fit.design)
    x, y = (_axis(columns[j], evidence.low[places[j]], evidence.high[places[j]]) for j in features)
    rows = np.tile(evidence.typical, (len(y.values) * len(x.values), 1))
    for j, values in zip(features, (np.tile(x.values, len(y.values)), np.repeat(y.values, len(x.values))), strict=True):
        rows[:, places[j]] = _coded(columns[j], values)
    prediction = fit.predict_matrix(fit.design.standardised(rows))
    p, sd = (part.reshape(len(y.values), len(x.values)) for part in (prediction.probability, prediction.sd))
    kept = list(evidence.features) == list(features)  # the points of two features are kept, and no others
    none = np.zeros(0)
    return Surface(x, y, p, sd, evidence.points if kept else np.zeros((0, 2)), evidence.outcome if kept else none)


def _axis(column: Column, low: np.ndarray, high: np.ndarray) -> Axis:
    if column.measured:
        margin = 0.04 * (high[0] - low[0])  # so that the outermost points are not cut in half
        return Axis(column.name, np.linspace(low[0] - margin, high[0] + margin, STEPS), ())
    levels = column.levels or ("false", "true")
    return Axis(column.name, np.arange(float(len(levels))), levels)


def _coded(column: Column, values: np.ndarray) -> np.ndarray:
    """Values on an axis as columns of the design `[n, ...]`: the first level has none."""
    if column.kind != "categorical":
        return values[:, None]
    return np.eye(len(column.levels))[values.astype(int)][:, 1:]


def draw_probability(seen: Surface, positive: str) -> Figure:
    """The predictive probability of y = 1, called `positive`, with the line of even odds."""
    figure, ax = _draw(seen, seen.probability, "RdBu", 1.0, f"P({positive})")
    if seen.even_odds:
        ax.contour(seen.x.values, seen.y.values, seen.probability, [0.5], colors=INK, linewidths=1)
    return figure


def draw_sd(seen: Surface, positive: str) -> Figure:
    """Posterior standard deviation of that probability."""
    return _draw(seen, seen.sd, "YlOrBr", float(seen.sd.max()), f"sd of P({positive})")[0]


def _draw(seen: Surface, values: np.ndarray, colours: str, top: float, title: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH, 4.4))
    ax: Any = figure.subplots()
    smooth = "nearest" if seen.x.levels or seen.y.levels else "bilinear"
    extent = (*seen.x.span, *seen.y.span)
    where = {"origin": "lower", "extent": extent, "aspect": "auto"}
    image = ax.imshow(values, cmap=colours, vmin=0.0, vmax=top, interpolation=smooth, **where)
    bar = figure.colorbar(image, ax=ax, fraction=0.06, pad=0.02)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    _scatter(ax, seen)
    ax.set(xlim=seen.x.span, ylim=seen.y.span, xlabel=label(seen.x.name, 40), ylabel=label(seen.y.name, 40))
    ax.set_title(title, loc="left")
    for axis, which in ((seen.x, ax.xaxis), (seen.y, ax.yaxis)):
        if axis.levels:
            which.set_ticks(axis.values, [label(level, 12) for level in axis.levels])
    return figure, ax


def _scatter(ax: Any, seen: Surface) -> None:
    """Filled circles for y = 1 and hollow ones for y = 0."""
    reach = [_spread(axis, values) for axis, values in zip((seen.x, seen.y), seen.points.T, strict=True)]
    places = seen.points + np.random.default_rng(0).uniform(-1, 1, seen.points.shape) * reach
    for outcome, face, edge in ((0, "white", INK), (1, INK, "white")):
        of = places[seen.outcome == outcome]
        ax.scatter(of[:, 0], of[:, 1], s=12, c=face, edgecolors=edge, linewidths=0.5, alpha=0.8)


def _spread(axis: Axis, values: np.ndarray) -> float:
    """How far points are moved aside, where a feature has so few values that they would hide one another."""
    few = np.unique(values)
    if axis.levels:
        return 0.3
    return 0.1 * float(np.diff(few).min()) if 1 < len(few) <= FEW else 0.0

"""Training curves of a latent-variable model: the ELBO and its two terms, and how a constraint was met."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from taut.report.figures.near_axis import label_nats
from taut.report.figures.style import BLUE, GREY, ORANGE, RED, WIDTH
from taut.report.figures.trace import MOST

PANELS = (("elbo", "ELBO"), ("expected_log_likelihood", "E log p(x|z)"), ("kl", "KL"))


def smoothed(values: np.ndarray) -> np.ndarray:
    """The mean of the fiftieth of the run around each step, `[n]`; at the ends of what there is.

    Example:
        >>> smoothed(np.array([1.0, 3.0])).tolist()
        [1.0, 3.0]
    """
    half = len(values) // 100
    total = np.concatenate([[0.0], np.cumsum(values)])
    here = np.arange(len(values))
    low, high = np.maximum(here - half, 0), np.minimum(here + half + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def terms(history: dict[str, np.ndarray], validation: dict[str, np.ndarray], final: dict[str, float]) -> Figure:
    """Draw both terms and their difference.

    Args:
        history: of the fit, noisy: light, with its running mean.
        validation: `steps` of the looks at validation examples, and there the true `elbo` and its two terms; an empty
            array for what was not looked at.
        final: the answer's own terms on held-out examples, by name.
    """
    figure = Figure(figsize=(WIDTH, 6.2))
    steps = np.arange(1, len(history["elbo"]) + 1)
    thin = _thinned(len(steps))
    for ax, (name, title) in zip(figure.subplots(3, 1, sharex=True), PANELS, strict=True):
        values = np.asarray(history[name], float)
        ax.plot(steps[thin], values[thin], color=BLUE, alpha=0.25, linewidth=0.8, label="training batches")
        ax.plot(steps[thin], smoothed(values)[thin], color=BLUE, linewidth=1.6, label="their mean")
        seen = validation[name]
        if len(seen):
            ax.plot(validation["steps"], seen, "o", color=ORANGE, markersize=3, label="validation")
        ax.plot(steps[-1], final[name], "D", color=RED, markersize=6, clip_on=False, label="the answer, held out")
        _limit(ax, values, [final[name], *seen])
        label_nats(ax, title, "nats per example", final[name])
        ax.grid(axis="y", color="#e4e7eb", linewidth=0.7)
        if name == "elbo":
            ax.legend(loc="lower right")
    ax.set_xlabel("step")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


def multipliers(history: dict[str, np.ndarray], names: list[str], mirror: list[bool]) -> Figure:
    """The multiplier of each constraint with the beta that it stands for, and its violation.

    Args:
        history: with `multiplier` and `violation`, `[steps, constraints]` each.
        names: of the constraints.
        mirror: whether lambda is beta itself (a bound on the KL), and not one over it.
    """
    figure = Figure(figsize=(WIDTH, 4.6))
    above, below = figure.subplots(2, 1, sharex=True)
    steps = np.arange(1, len(history["multiplier"]) + 1)
    thin = _thinned(len(steps))
    for place, (name, colour) in enumerate(zip(names, (BLUE, ORANGE, RED, GREY) * len(names), strict=False)):
        path = np.asarray(history["multiplier"][:, place], float)
        violation = np.asarray(history["violation"][:, place], float)
        above.plot(steps[thin], path[thin], color=colour, linewidth=1.6, label=name)
        below.plot(steps[thin], violation[thin], color=colour, alpha=0.25, linewidth=0.8)
        below.plot(steps[thin], smoothed(violation)[thin], color=colour, linewidth=1.6)
        _limit(below, violation, [0.0])
    above.set_ylabel("multiplier \N{GREEK SMALL LETTER LAMDA}")
    above.set_ylim(bottom=0)
    above.legend(loc="best")
    if not any(mirror):
        _equivalent_beta(above)
    below.axhline(0, color=GREY, linewidth=0.8)
    below.set_ylabel("violation (nats)\nbelow 0: slack")
    below.set_xlabel("step")
    below.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


def _equivalent_beta(ax: Any) -> None:
    """An axis on the right with beta = 1 / lambda at the same heights."""
    right = ax.twinx()
    right.set_ylim(ax.get_ylim())
    places = [tick for tick in ax.get_yticks() if ax.get_ylim()[0] < tick <= ax.get_ylim()[1] and tick > 0]
    right.set_yticks(places, [f"{1 / tick:.2g}" for tick in places])
    right.set_ylabel("equivalent \N{GREEK SMALL LETTER BETA} = 1/\N{GREEK SMALL LETTER LAMDA}")
    right.spines["right"].set_visible(True)


def _limit(ax: Any, values: np.ndarray, others: list[float]) -> None:
    """An axis for what came after the first tenth: the rise at the start would flatten all that follows.

    Args:
        ax: the axes.
        values: at each step.
        others: what must be seen too, but for the first of many.
    """
    late = values[len(values) // 10 :]
    late = late[np.isfinite(late)]
    if not len(late):
        return
    others = [x for x in [others[0], *others[1 + len(others) // 10 :]] if np.isfinite(x)]
    low, high = min([np.quantile(late, 0.005), *others]), max([np.quantile(late, 0.995), *others])
    margin = 0.15 * (high - low) or 1.0
    ax.set_ylim(low - margin, high + margin)


def _thinned(n: int) -> np.ndarray:
    return np.arange(n) if n <= MOST else np.unique(np.linspace(0, n - 1, MOST).astype(int))

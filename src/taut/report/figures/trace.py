"""The ELBO against steps: the whole way, and its end from close by."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from taut.report.figures.near_axis import label_nats
from taut.report.figures.style import BLUE, ORANGE, WIDTH, plain

LONG = 200
"""Steps from which on their axis is logarithmic."""

MOST = 1500
"""Points of a line: more could not be told apart."""


def running_mean(values: np.ndarray) -> np.ndarray:
    """At each step the mean over the last tenth of the way so far, `[n]`: a window that suits a logarithmic axis."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    now = np.arange(1, len(values) + 1)
    window = np.maximum(1, now // 10)
    return (total[now] - total[now - window]) / window


def path_of(history: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Steps, counted from 1, and their ELBO: neither rejected trials nor those of the search for the mode."""
    elbo = np.asarray(history.get("elbo", np.zeros(0)), float)
    drawn = np.isfinite(elbo) & np.asarray(history.get("accepted", np.ones(len(elbo), bool)), bool)
    return np.flatnonzero(drawn) + 1, elbo[drawn]


def trace(history: dict[str, np.ndarray], elbo: float, noisy: bool) -> Figure:
    """Draw it, if `path_of` finds a step.

    Args:
        history: of the fit.
        elbo: of the answer, in nats.
        noisy: whether the history holds estimates.
    """
    steps, values = path_of(history)
    figure = Figure(figsize=(WIDTH, 4.6))
    whole, end = figure.subplots(2, 1, height_ratios=[1.25, 1], sharex=not noisy)
    _whole(whole, steps, values, elbo, noisy)
    (_end_of_noise if noisy else _gap)(end, steps, values, elbo)
    end.set_xlabel("step" + (" (logarithmic)" if end.get_xscale() == "log" else ""))
    return figure


def _whole(ax: Any, steps: np.ndarray, values: np.ndarray, elbo: float, noisy: bool) -> None:
    thin = _thinned(len(steps))
    if noisy:
        mean = running_mean(values)
        ax.plot(steps[thin], values[thin], color=BLUE, alpha=0.25, linewidth=0.8, label="one step's estimate")
        ax.plot(steps[thin], mean[thin], color=BLUE, linewidth=1.8, label="mean of the last tenth of the way")
        ax.legend(loc="lower right")
    else:
        _line(ax, steps[thin], values[thin])
    _steps_axis(ax, steps)
    if values.max() - values.min() > 1000:
        # From thousands below to single nats: linear near the top, logarithmic further down.
        top = float(np.quantile(values, 0.9))
        ax.set_yscale("function", functions=_from_the_top(top))
        ax.set_yticks(_ticks(values.min(), top))
        ax.yaxis.set_major_formatter(FuncFormatter(plain))
        ax.set_ylabel("ELBO (nats)")
    else:
        label_nats(ax, "ELBO", "nats", elbo)


def _line(ax: Any, steps: np.ndarray, values: np.ndarray) -> None:
    """With a dot for each step where there are few."""
    ax.plot(steps, values, color=BLUE, linewidth=1.6, marker="o" if len(steps) < 60 else None, markersize=4)


def _from_the_top(top: float):
    """y -> asinh((y - top) / 30), and back."""
    return (lambda y: np.arcsinh((y - top) / 30), lambda s: top + 30 * np.sinh(s))


def _ticks(low: float, top: float) -> list[float]:
    """Round values below the top: its own neighbourhood, then -100, -1,000, ..."""
    decades = [-(10.0**k) for k in range(2, 13) if low * 1.5 <= -(10.0**k) < top - 20]
    return sorted({round(top, -1), *decades})


def _gap(ax: Any, steps: np.ndarray, values: np.ndarray, elbo: float) -> None:
    """How far below the answer each step was: converging, this falls along the logarithmic axis."""
    gap = elbo - values
    seen = gap > 1e-12 * max(1.0, abs(elbo))
    _line(ax, steps[seen], gap[seen])
    if seen.any():
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(plain))
        ax.yaxis.minorticks_off()
    _steps_axis(ax, steps)
    ax.set_ylabel("below the answer\n(nats)")


def _end_of_noise(ax: Any, steps: np.ndarray, values: np.ndarray, elbo: float) -> None:
    """The second half, at the scale of its own noise, with the answer's ELBO."""
    half = len(steps) // 2
    steps, mean, values = steps[half:], running_mean(values)[half:], values[half:]
    thin = _thinned(len(steps), even=True)
    low, high = np.quantile(values, [0.02, 0.99])
    if np.isfinite(elbo):
        low, high = min(low, elbo), max(high, elbo)
    margin = 0.1 * (high - low) or 1.0
    ax.plot(steps[thin], values[thin], color=BLUE, alpha=0.25, linewidth=0.8)
    ax.plot(steps[thin], mean[thin], color=BLUE, linewidth=1.8)
    ax.axhline(elbo, color=ORANGE, linewidth=1.4, linestyle="--", label="ELBO of the answer")
    ax.set_ylim(low - margin, high + margin)
    ax.legend(loc="lower right")
    label_nats(ax, "second half", "nats", elbo)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _steps_axis(ax: Any, steps: np.ndarray) -> None:
    if steps[-1] > LONG:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(plain))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.grid(axis="y", color="#e4e7eb", linewidth=0.7)


def _thinned(n: int, even: bool = False) -> np.ndarray:
    """Positions to draw: all, or as many as can be seen, evenly along the axis that they are drawn on."""
    if n <= MOST:
        return np.arange(n)
    return np.unique((np.linspace(0, n - 1, MOST) if even else np.geomspace(1, n, MOST) - 1).astype(int))

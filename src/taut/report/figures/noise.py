"""How noisy the gradient was along the training: its variance, and its signal-to-noise ratio."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from taut.report.figures.style import BLUE, GREY, WIDTH, plain
from taut.report.figures.trace import LONG, MOST

LEAST = 1e-12
"""Signal-to-noise ratio at which a smaller one is drawn: a logarithmic axis has no place for zero."""


def measured(fit: Any) -> bool:
    """Whether the gradient has noise, and it was measured at two steps or more.

    Args:
        fit: The fit.
    """
    steps = known(fit.history)
    noiseless = fit.problem.gradient.name in ("exact", "enumeration") and fit.batch_size is None
    return not noiseless and len(steps) >= 2


def known(history: dict[str, np.ndarray]) -> np.ndarray:
    """Positions of the steps at which the noise is known, counted from 0."""
    variance = np.asarray(history.get("gradient_variance", np.zeros(0)), float)
    return np.flatnonzero(np.isfinite(variance) & (variance > 0))


def noise_sentence(history: dict[str, np.ndarray]) -> str:
    """A sentence on the medians of variance and signal-to-noise ratio over the last tenth of the steps.

    Args:
        history: The history of the fit, with `gradient_variance` and `signal_to_noise`.

    Example:
        >>> steady = {"gradient_variance": np.ones(20), "signal_to_noise": np.full(20, 0.1)}
        >>> noise_sentence(steady)
        'At the end of training the noise of one gradient was 10 times its signal (variance 1).'
    """
    last = known(history)
    last = last[-max(len(last) // 10, 1) :]
    ratio = float(np.median(history["signal_to_noise"][last]))
    variance = f"(variance {np.median(history['gradient_variance'][last]):.3g})"
    if ratio < LEAST:
        return f"At the end of training one gradient was all noise {variance}: at an optimum there is no signal left."
    if ratio >= 1:
        return f"At the end of training the signal of one gradient was {ratio:.3g} times its noise {variance}."
    return f"At the end of training the noise of one gradient was {1 / ratio:.3g} times its signal {variance}."


def noise(history: dict[str, np.ndarray]) -> Figure:
    """Draw variance and signal-to-noise ratio against steps.

    Args:
        history: The history of the fit, with `gradient_variance` and `signal_to_noise`.
    """
    steps = known(history)
    if len(steps) > MOST:
        steps = steps[np.unique((np.geomspace(1, len(steps), MOST) - 1).astype(int))]
    figure = Figure(figsize=(WIDTH, 3.8))
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(steps + 1, history["gradient_variance"][steps], color=BLUE, linewidth=1.6)
    above.set_ylabel("variance of\none gradient")
    below.plot(steps + 1, np.maximum(history["signal_to_noise"][steps], LEAST), color=BLUE, linewidth=1.6)
    below.axhline(1, color=GREY, linewidth=0.8, linestyle="--")
    seen = history["signal_to_noise"][steps]
    seen = seen[(seen > LEAST) & np.isfinite(seen)]
    if len(seen):
        below.set_ylim(float(np.clip(seen.min() / 2, 1e-3, 0.5)), max(seen.max() * 2, 2))
    below.set_ylabel("signal to noise")
    for ax in (above, below):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(plain))
        ax.yaxis.minorticks_off()
        ax.grid(axis="y", color="#e4e7eb", linewidth=0.7)
    if steps[-1] > LONG:
        below.set_xscale("log")
        below.xaxis.set_major_formatter(FuncFormatter(plain))
    below.set_xlabel("step" + (" (logarithmic)" if below.get_xscale() == "log" else ""))
    return figure

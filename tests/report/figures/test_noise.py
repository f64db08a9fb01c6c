"""The page's figure and sentence on the gradient's noise."""

from types import SimpleNamespace

import numpy as np
import pytest

from taut.gradients import Enumeration, Exact, Reparametrization
from taut.report.figures.noise import known, measured, noise, noise_sentence
from taut.report.figures.style import svg


def history(ratio, n=500):
    nothing_yet = np.r_[np.nan, np.ones(n - 1)]
    return {"gradient_variance": 4.0 * nothing_yet, "signal_to_noise": ratio * nothing_yet}


def fit(gradient, batch_size=None, **path):
    return SimpleNamespace(history=path, problem=SimpleNamespace(gradient=gradient), batch_size=batch_size)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.1, "noise of one gradient was 10 times its signal (variance 4)"),
        (5.0, "signal of one gradient was 5 times"),
        (0.0, "all noise (variance 4)"),
    ],
)
def test_one_sentence_says_how_it_ended(ratio, words):
    assert words in noise_sentence(history(ratio))


def test_the_first_step_is_not_known():
    assert known(history(1.0)).tolist() == list(range(1, 500))
    assert len(known({})) == 0


@pytest.mark.parametrize("ratio", [0.0, 0.1, 3e4])
def test_the_figure_is_drawn(ratio):
    drawn = svg(noise, history(ratio)).decode()
    assert "signal to noise" in drawn
    assert "step (logarithmic)" in drawn


def test_what_has_no_noise_is_left_out():
    assert not measured(fit(Exact(), **history(1.0)))
    assert not measured(fit(Enumeration(), **history(1.0)))
    assert measured(fit(Exact(), batch_size=8, **history(1.0)))  # of the rows
    assert not measured(fit(Reparametrization()))  # a fit from before

"""The terminal's table tells the fit's own numbers, at any width, and obeys nothing in the data."""

import re

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import taut
from taut.report import table
from taut.report.terminal.verdict import verdict, verdict_figures
from taut.report.words.numbers import measured
from taut.report.words.verdict import lines


def printed(fit, width=100, **options):
    console = Console(width=width, **options)
    with console.capture() as capture:
        console.print(table(fit))
    return capture.get()


def test_every_coefficient_is_there_strongest_first(fit):
    text = printed(fit)
    lines = [line.strip() for line in text.splitlines()]
    rows = fit.summary().to_dicts()
    for row in rows:
        numbers = [measured(row[k], row["sd"]) for k in ("mean", "sd", "lower", "upper")]
        standardised = [measured(row[k], row["sd_standardised"]) for k in ("mean_standardised", "sd_standardised")]
        pattern = r"\s+".join(map(re.escape, [row["name"], *numbers])) + r"\s+\S+\s+" + r"\s+".join(standardised)
        assert any(re.fullmatch(pattern, line) for line in lines), row
    strength = {r["name"]: abs(r["mean_standardised"]) / r["sd_standardised"] for r in rows if r["name"] != "intercept"}
    order = sorted(["intercept", *strength], key=lambda name: text.index(f" {name} "))
    assert order == ["intercept", *sorted(strength, key=lambda name: -strength[name])]


def test_the_paragraph_says_what_and_how_it_ended(fit):
    text = " ".join(printed(fit).split())
    facts = fit.to_json()
    assert "A logistic regression on 1,197 rows (3 rows with missing values dropped)" in text
    assert f"ELBO {facts['elbo']:.3f} = {facts['expected_log_likelihood']:.3f} - {facts['kl']:.3f} nats" in text
    assert "ended: by its own stopping rule." in text


def test_it_ends_with_the_verdict(fit):
    text = printed(fit, 300)
    assert " ".join(str(fit.verdict).split()) in " ".join(text.split())
    last = [line.partition(":")[0] for line in text.rstrip().splitlines()[-3:]]
    assert last == ["converged", "trust", "predictions"]
    assert text.rstrip().endswith(f"{fit.predictions.answer} - {fit.predictions.reason}.")


@pytest.mark.parametrize(("level", "colour"), [("fine", "32"), ("doubt", "33"), ("wrong", "31")])
def test_every_answer_has_its_colour(fit, level, colour):
    said = fit.verdict.to_json()
    said["trust"]["answer"] = {"fine": "good", "doubt": "suspect", "wrong": "unusable"}[level]
    console = Console(width=300, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(verdict(lines(said)))
    assert f"\x1b[1;{colour}m{said['trust']['answer']}" in capture.get()


def test_a_log_density_is_told_in_its_own_order(noisy):
    text = printed(noisy)
    assert [text.index(name) for name in ("mu", "tau", "theta[0]", "theta[2]")] == sorted(
        text.index(name) for name in ("mu", "tau", "theta[0]", "theta[2]")
    )
    assert "std" not in text
    assert "ended: budget spent, all steps were made." in text
    assert "standard error" in text


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_wider_than_the_terminal(fit, width):
    text = printed(fit, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text, "a number was cut"


def test_nothing_in_the_data_acts():
    random = np.random.default_rng(0)
    X = pl.DataFrame({"\x1b[31mred": random.normal(size=40), "[bold]x[/nonsense]": random.normal(size=40)})
    y = random.choice(["[red]a", "\x1b]0;title\x07"], 40)
    text = printed(taut.fit(taut.models.LogisticRegression(), (X, y)), force_terminal=False)
    assert "\x1b" not in text
    assert "[bold]x[/nonsense]" in text
    assert "[red]a" in text


def test_nothing_in_a_reason_or_a_name_acts():
    said = {
        "converged": {"answer": "no", "reason": "\x1b[31mred [bold]x[/nonsense]", "left": None},
        "trust": {
            "answer": "suspect",
            "reason": "[red]a",
            "shift": {"\x1b[31m[bold]": None},
            "sd_ratio": {"[red]a": 1.0},
            "effective_sample_size": None,
            "draws": 4000,
            "k_hat": None,
            "half_variance": 0.1,
        },
        "rungs": ["\x1b[31mred: [red]a"],
    }
    console = Console(width=200, force_terminal=False)
    with console.capture() as capture:
        console.print(verdict(lines(said)), verdict_figures(said))
    assert "\x1b" not in capture.get()
    assert capture.get().count("[bold]") == 2
    assert capture.get().count("[red]a") == 3

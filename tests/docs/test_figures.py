"""Every picture of the README and of docs/ is made by docs/figures.py and shows the numbers of code and text."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

spec = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
figures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(figures)


def named():
    """The pictures that the pages show, as paths."""
    found = [(page, path) for page in PAGES for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))]
    return {(page.parent / path).resolve() for page, path in found}


def test_every_picture_is_made_by_the_script_and_shown():
    made = {figures.IMAGES / f"{name}.png" for name in figures.PICTURES}
    assert named() == made
    assert set(figures.IMAGES.iterdir()) == made


@pytest.mark.parametrize("name", figures.PICTURES)
def test_a_picture_holds_its_numbers(name):
    assert figures.numbers(name), "make figures makes it anew"


def test_the_text_on_the_verdicts_counts_the_points_of_their_picture():
    rows = figures.numbers("verdicts")
    densities = figures.benchmark()
    counts = densities.counts([row | densities.judged(row) for row in rows])
    table = (ROOT / "docs" / "verdict.md").read_text("utf-8").partition("## How often the verdict was right")[2]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:5]
    for key, line in zip(("false_trust", "false_alarm", "close"), lines, strict=True):
        by_fit, by_posterior = re.findall(r"\d+ of \d+", line)
        assert counts[f"{key} by fit"].startswith(by_fit), key
        assert counts[f"{key} by posterior"].startswith(by_posterior), key


@pytest.mark.slow
def test_the_first_picture_is_that_of_this_code():
    kept, now = figures.numbers("breast-cancer"), figures.breast_cancer().numbers
    assert now["words"] == kept["words"]
    for name, sd in now["sd"].items():
        assert kept["mean"][name] == pytest.approx(now["mean"][name], abs=0.01 * sd)
        assert kept["sd"][name] == pytest.approx(sd, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["one-liner", "funnel", "banana", "eight-schools-noncentred"])
def test_the_verdicts_are_those_of_this_code(target):
    (now,) = figures.judged_fits([target], 1)
    (kept,) = [row for row in figures.numbers("verdicts") if (row["target"], row["seed"]) == (target, 0)]
    assert kept["trust"] == now["trust"]
    assert kept["mean_error"] == pytest.approx(now["mean_error"], abs=0.02)

"""Every picture of the README and of docs/, made from the code as it is.

    python docs/figures.py                  all of them; the verdicts take about ten minutes on a quiet machine
    python docs/figures.py breast-cancer    that one

A picture holds the numbers that it shows, as JSON in its metadata. tests/docs/test_figures.py compares them with the
code and with the text, and that every picture is made here.
"""

import argparse
import importlib.util
import io
import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
NUMBERS = "numbers"
"""Name of the entry of a picture's metadata that holds its numbers."""
WIDTH = 1500
"""Pixels of a picture that is put together, about."""
SIDE_BY_SIDE = 0.54
"""Share of the width of the picture on the left."""
SEEDS = 5
"""Seeds of each posterior among the verdicts."""


class Picture(NamedTuple):
    """What was drawn, and the numbers that it shows."""

    image: Image.Image
    numbers: Any


def breast_cancer() -> Picture:
    """The first picture of the README: verdict, coefficients, surface and calibration of one command."""
    import taut
    from taut.data.tables.bundled import load_bundled
    from taut.report.subjects.kinds import subject_of

    table, target = load_bundled("breast-cancer")
    data = (table.drop(target), table[target])
    fit = taut.fit(taut.models.LogisticRegression(), data)
    subject = subject_of(fit)
    left = drawn(fit.plot("forest"), round(SIDE_BY_SIDE * WIDTH))
    right = [drawn(fit.plot(name, data), WIDTH - left.width) for name in ("probability", "calibration")]
    parts = [drawn(header(subject), WIDTH)]
    sheet = Image.new("RGB", (WIDTH, parts[0].height + max(left.height, sum(x.height for x in right))), "white")
    sheet.paste(parts[0], (0, 0))
    sheet.paste(left, (0, parts[0].height))
    top = parts[0].height
    for part in right:
        sheet.paste(part, (left.width, top))
        top += part.height
    return Picture(sheet, numbers_of(fit, subject))


def numbers_of(fit: Any, subject: Any) -> dict[str, Any]:
    """What the picture of a fit shows."""
    table = fit.summary()
    return {
        "words": [subject.what, subject.bound, *(" ".join(line[:3]) for line in verdict(fit))],
        "mean": dict(zip(table["name"], table["mean_standardised"], strict=True)),
        "sd": dict(zip(table["name"], table["sd_standardised"], strict=True)),
    }


def verdict(fit: Any) -> list[tuple[str, str, str, str]]:
    """Both answers in words."""
    from taut.report.words.verdict import lines

    return lines(fit.verdict.to_json())


def header(subject: Any) -> Figure:
    """What stands above the figures."""
    from taut.report.figures.style import BLUE, INK, styled

    def draw() -> Figure:
        lines = [(f"{question}: {answer} {reason}", BLUE) for question, answer, reason, _ in verdict(subject.fit)]
        said = [(subject.what, INK), *lines, (subject.bound, INK)]
        broken = [(line, colour) for text, colour in said for line in textwrap.wrap(text, 118)]
        figure = Figure(figsize=(10, 0.55 + 0.24 * len(broken)))
        figure.text(0.015, 0.98, "$ taut fit breast-cancer", va="top", family="monospace", weight="bold", size=13)
        for place, (line, colour) in enumerate(broken):
            figure.text(
                0.015, 1 - (0.42 + 0.24 * place) / figure.get_figheight(), line, va="top", color=colour, size=10.5
            )
        return figure

    return styled(draw)


def drawn(figure: Figure, width: int) -> Image.Image:
    """A figure as an image of this width."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=width / figure.get_figwidth())
    return Image.open(file).convert("RGB")


def verdicts() -> Picture:
    """The reported shift of a mean against the true error, a point for each fit of posteriors with known answers."""
    rows = judged_fits(None, SEEDS)
    file = io.BytesIO()
    benchmark().draw(rows, file)
    kept = ("target", "seed", "trust", "shift", "mean_error", "least_sd", "largest_sd")
    return Picture(Image.open(file).convert("RGB"), [{name: row[name] for name in kept} for row in rows])


def judged_fits(names: list[str] | None, seeds: int) -> list[dict[str, Any]]:
    """The fits of `benchmarks/densities.py --verdicts`: of these posteriors, or of all."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from targets import MAKERS

    return benchmark().verdicts(names or list(MAKERS), seeds)


def benchmark() -> Any:
    """`benchmarks/densities.py` as a module."""
    spec = importlib.util.spec_from_file_location("densities", ROOT / "benchmarks" / "densities.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PICTURES: dict[str, Callable[[], Picture]] = {"breast-cancer": breast_cancer, "verdicts": verdicts}
"""Makers of the pictures, by the names of their files."""


def numbers(name: str) -> Any:
    """The numbers that a picture in docs/images holds; None where it holds none."""
    with Image.open(IMAGES / f"{name}.png") as image:
        kept = getattr(image, "text", {}).get(NUMBERS)
    return None if kept is None else json.loads(kept)


def main() -> None:
    """Make the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PICTURES)}; all by default")
    names = parser.parse_args().names or list(PICTURES)
    if unknown := sorted(set(names) - set(PICTURES)):
        parser.error(f"no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    for name in names:
        made = PICTURES[name]()
        info = PngInfo()
        info.add_text(NUMBERS, json.dumps(made.numbers), zip=True)
        # Few colours are needed: a repository keeps every version of a picture.
        made.image.quantize(256).save(IMAGES / f"{name}.png", pnginfo=info, optimize=True)
        print(IMAGES / f"{name}.png", flush=True)


if __name__ == "__main__":
    main()

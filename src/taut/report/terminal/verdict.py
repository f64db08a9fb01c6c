"""The verdict in the terminal."""

from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from taut.report.words import verdict as verdict_words

LEVELS = {"fine": "green", "doubt": "yellow", "wrong": "red"}


def verdict(lines: list[tuple[str, str, str, str]], before: str = "") -> Text:
    """The answers on a line each, after `before`; nothing where nothing was learned.

    Args:
        lines: Question, answer, reason and level of each.
        before: Text in front of the first line.
    """
    each = [
        Text.assemble(f"{question}: ", (answer, f"bold {LEVELS[level]}"), f" {reason}")
        for question, answer, reason, level in lines
    ]
    return Text.assemble(before if each else "", Text("\n").join(each))


def verdict_figures(said: dict[str, Any]) -> RenderableType:
    """What was measured for the verdict, a line each.

    Args:
        said: The verdict's `to_json()`.
    """
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for name, value, meaning in verdict_words.figures(said):
        grid.add_row(name, Text(value), Text(meaning, style="dim"))
    return grid

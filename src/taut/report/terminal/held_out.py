"""The figures on held-out examples in the terminal."""

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text


def held_out_table(figures: list[tuple[str, str, str]], learned: list[str]) -> list[RenderableType]:
    """The figures, a line each, and what was learned of constraints.

    Args:
        figures: Name, value and meaning of each.
        learned: Sentences.
    """
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("nats per example", no_wrap=True)
    grid.add_column("test split", no_wrap=True)
    grid.add_column("", overflow="fold")
    for name, value, meaning in figures:
        grid.add_row(name, value, Text(meaning, style="dim"))
    return [*([grid] if figures else []), *map(Text, learned)]

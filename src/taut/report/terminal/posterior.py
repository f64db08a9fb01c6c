"""A fit as a table for the terminal."""

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from taut.report.posterior_table import Entry, posterior_table
from taut.report.words import numbers as words
from taut.report.words import verdict as verdict_words

COLOURS = {"converged": "green", "budget_spent": "yellow"}
LEVELS = {"fine": "green", "doubt": "yellow", "wrong": "red"}


def table(fit: Any) -> RenderableType:
    """The posterior table, one paragraph (what was fitted, its ELBO with the two terms, how it ended), and the verdict.

    A regression's coefficients come strongest first (|mean| / sd of the standardised ones), the intercept above them;
    `fit.summary()` and `fit.to_json()` keep the columns' order.

    Args:
        fit: the fit.

    Returns:
        Something that a `rich.console.Console` prints, in colour where its output has colours.

    Example:
        >>> import taut
        >>> from rich.console import Console
        >>> result = taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]))
        >>> console = Console(width=100)
        >>> with console.capture() as printed:
        ...     console.print(table(result))
        >>> "x0" in printed.get(), "Converged" in printed.get(), "trust: " in printed.get()
        (True, True, True)
    """
    if fit.model.local:
        from taut.report.terminal.latent import latent_table

        return latent_table(fit)
    facts = fit.to_json()
    posterior = posterior_table(fit, facts)
    both = fit.design is not None and fit.design.standardise
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("", overflow="fold", min_width=9)
    standardised = ("std mean", "std sd") if both else ()
    for title in ("mean", "sd", "2.5 %", "97.5 %", "P(>0)", *standardised):
        grid.add_column(title, justify="right", no_wrap=True)
    for entry in posterior.all:
        # Text, not a string: rich would take "[red]" in a column's name for a colour.
        dim = "dim" if entry.lower < 0 < entry.upper else ""
        grid.add_row(Text(words.printable(entry.name)), *_cells(entry, both), style=dim)
    word, sentence = words.ending(facts, fit.ended.value)
    paragraph = Text.assemble(
        words.what(fit, facts),
        "\n",
        _how(facts),
        "\n",
        (words.bound(facts), "bold"),
        "\n",
        (f"{word}. ", f"bold {COLOURS.get(facts['ended'], 'red')}"),
        sentence,
        verdict(facts["verdict"], "\n"),
    )
    if not both:
        return Group(grid, paragraph)
    note = Text("Strongest first. std: for one standard deviation of the column.\n", style="dim")
    return Group(grid, note, paragraph)


def verdict(said: dict[str, Any] | None, before: str = "") -> Text:
    """Both answers on a line each, after `before`; nothing where nothing was learned.

    Args:
        said: the verdict's `to_json()`.
        before: set in front of the first line.
    """
    both = (
        []
        if said is None
        else [
            Text.assemble(f"{question}: ", (answer, f"bold {LEVELS[level]}"), f" {reason}")
            for question, answer, reason, level in verdict_words.lines(said)
        ]
    )
    return Text.assemble(before if both else "", Text("\n").join(both))


def verdict_figures(said: dict[str, Any]) -> RenderableType:
    """What was measured for the verdict, a line each.

    Args:
        said: the verdict's `to_json()`.
    """
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for name, value, meaning in verdict_words.figures(said):
        grid.add_row(name, Text(value), Text(meaning, style="dim"))
    return grid


def _cells(entry: Entry, both: bool) -> list[str]:
    cells = [words.measured(x, entry.sd) for x in (entry.mean, entry.sd, entry.lower, entry.upper)]
    cells.append(words.probability(entry.p_positive))
    if both and entry.mean_standardised is not None and entry.sd_standardised is not None:
        cells += [words.measured(x, entry.sd_standardised) for x in (entry.mean_standardised, entry.sd_standardised)]
    return cells


def _how(facts: dict[str, Any]) -> str:
    steps, seconds = words.count(facts["iterations"], "step"), facts["seconds"]["total"]
    return words.opened(f"{facts['algorithm']}, {facts['gradient']} gradient: {steps} in {seconds:.2f} s.")

"""A fit as a table for the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from taut.report.subjects.base import FitSubject
from taut.report.subjects.kinds import subject_of
from taut.report.terminal.verdict import verdict
from taut.report.words import numbers as words
from taut.report.words.verdict import lines_of
from taut.results.fit import Fit


def table(fit: Fit) -> RenderableType:
    """The posterior table, one paragraph (what was fitted, its ELBO with the two terms, how it ended), and the verdict.

    For a latent-variable model the figures on held-out examples stand in place of the posterior table.
    A regression's coefficients come strongest first (|mean| / sd of the standardised ones), the intercept above them;
    `fit.summary()` and `fit.to_json()` keep the columns' order.

    Args:
        fit: The fit.

    Returns:
        Something that a `rich.console.Console` prints, in colour where its output has colours.

    Example:
        >>> import taut
        >>> from rich.console import Console
        >>> result = taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]))
        >>> console = Console(width=100)
        >>> with console.capture() as printed:
        ...     console.print(table(result))
        >>> "x0" in printed.get(), "ended: by its own stopping rule." in printed.get(), "trust: " in printed.get()
        (True, True, True)
    """
    subject = subject_of(fit)
    return Group(*subject.tables(), _paragraph(subject))


def _paragraph(subject: FitSubject) -> Text:
    return Text.assemble(
        "\n".join([subject.what, *subject.how, ""]),
        (subject.bound, "bold"),
        f"{subject.bound_place}\n",
        f"ended: {words.printable(subject.fit.ending)}",
        verdict(lines_of(subject.facts), "\n"),
    )

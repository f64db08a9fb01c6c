"""The posterior table."""

from taut.report.sections.base import Content, section
from taut.report.subjects.posterior import PosteriorSubject

MOST_LINES = 2000
"""Lines of the table on the page; a network's weights are read otherwise."""
TALL = 100
"""Lines above which the table scrolls within the page, and says so."""


@section("Posterior", PosteriorSubject)
def posterior(subject: PosteriorSubject) -> Content | None:
    """Mean, sd, interval and P(> 0) of each unknown."""
    table = subject.table
    return {
        "table": table,
        "meaning": subject.table_words,
        "standard": subject.standard_words,
        "lines": len(table.all),
        "most_lines": MOST_LINES,
        "tall": TALL,
    }

"""The posterior table."""

from taut.report.sections.base import Content, section
from taut.report.subjects.posterior import PosteriorSubject

MOST_LINES = 2000
"""Lines of the table on the page; a network's weights are read otherwise."""


@section("Posterior", PosteriorSubject)
def posterior(subject: PosteriorSubject) -> Content | None:
    """Mean, sd, interval and P(> 0) of each unknown."""
    return {"table": subject.table, "meaning": subject.table_words, "most_lines": MOST_LINES}

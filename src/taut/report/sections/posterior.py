"""The posterior table."""

from taut.report.sections.base import Section
from taut.report.subjects.posterior import PosteriorSubject

MOST_LINES = 2000
"""Lines of the table on the page; a network's weights are read otherwise."""


class Posterior(Section[PosteriorSubject]):
    """All unknowns: mean, sd, interval and P(> 0)."""

    needs = PosteriorSubject
    title = "Posterior"
    template = "posterior"

    def content(self, subject):
        """The table, and what its numbers mean."""
        return {"table": subject.table, "meaning": subject.table_words, "most_lines": MOST_LINES}

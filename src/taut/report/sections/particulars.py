"""What is needed to do the same again."""

from taut.report.sections.base import Section
from taut.report.subjects.base import Subject


class Particulars(Section[Subject]):
    """Seeds, dtype, steps and seconds."""

    title = "Particulars"
    template = "particulars"

    def content(self, subject):
        """A line each: name and value."""
        return {"particulars": subject.particulars}

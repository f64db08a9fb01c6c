"""What is needed to do the same again."""

from taut.report.sections.base import Content, section
from taut.report.subjects.base import Subject


@section("Particulars", Subject)
def particulars(subject: Subject) -> Content | None:
    """Name and value, a line each."""
    return {"particulars": subject.particulars}

"""Where a fit comes from: data, labels, baselines, prior."""

from taut.report.sections.base import Content, section
from taut.report.subjects.base import FitSubject


@section("Where it comes from", FitSubject)
def provenance(subject: FitSubject) -> Content | None:
    """What the fit keeps of its origin, and what it was told beforehand; left out where nothing is known."""
    lines, prior = subject.origin, subject.prior
    return {"lines": lines, "prior": prior} if lines or prior else None

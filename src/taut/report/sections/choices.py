"""How a fit was made: the five choices, each with its reason."""

from taut.report.sections.base import Content, section
from taut.report.subjects.base import FitSubject
from taut.report.words.numbers import opened

CHOICES = ("model", "family", "objective", "gradient", "algorithm")


@section("How it was fitted", FitSubject)
def choices(subject: FitSubject) -> Content | None:
    """Name, choice and reason, a line each; an algorithm that works on the log density takes no gradient."""
    facts = subject.facts
    lines = [(name, facts[name] or "none", opened(facts["reasons"].get(name, "given"))) for name in CHOICES]
    return {"choices": lines}

"""How a fit was made: the five choices, each with its reason."""

from taut.report.sections.base import Section
from taut.report.subjects.base import FitSubject
from taut.report.words.numbers import opened

CHOICES = ("model", "family", "objective", "gradient", "algorithm")


class Choices(Section[FitSubject]):
    """Each choice and why it was made."""

    needs = FitSubject
    title = "How it was fitted"
    template = "choices"

    def content(self, subject):
        """A line each: name, choice, reason."""
        facts = subject.facts
        return {"choices": [(name, facts[name], opened(facts["reasons"].get(name, "given"))) for name in CHOICES]}

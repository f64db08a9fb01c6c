"""Results as they are shown in a notebook, and the figures of a page one by one."""

from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from taut.data.wording import quoted, suggestion
from taut.diagnostics.calibration import Calibration
from taut.errors import ArgumentError
from taut.report.figures.drawings import Drawing, Lines
from taut.report.figures.ranks import ranks
from taut.report.pages.html import environment
from taut.report.sections.base import Section
from taut.report.subjects.base import FitSubject
from taut.report.subjects.kinds import subject_of
from taut.report.words import verdict as verdict_words
from taut.results.fit import Fit
from taut.verdict.verdict import Verdict


def fit_html(fit: Fit) -> str:
    """The head of a fit's page."""
    subject = subject_of(fit)
    return _shown(
        subject=subject,
        verdict=verdict_words.lines_of(subject.facts),
        figures=quoted([name for section in _sections(subject) for name in section.figures], 20),
    )


def verdict_html(verdict: Verdict) -> str:
    """Both answers, with what was measured."""
    said = verdict.to_json()
    return _shown(verdict=verdict_words.lines(said), verdict_figures=verdict_words.figures(said))


def calibration_html(found: Calibration) -> str:
    """The sentence, above the ranks."""
    return _shown(sentence=str(found), figure=Lines.of(ranks, found))


def plot(fit: Fit, name: str | None, data: Any, features: Any) -> Figure:
    """One figure of a fit's page; see `Fit.plot`."""
    subject = subject_of(fit, data, features)
    by_name = {figure: section for section in _sections(subject) for figure in section.figures}
    if name is None:
        drawn = (_drawings(section, subject) for section in dict.fromkeys(by_name.values()))
        first = next((drawing for drawings in drawn for drawing in drawings.values()), None)
        if first is None:
            raise ArgumentError("The page of this fit has no figure that could be drawn.")
        return first.figure()
    if name not in by_name:
        names = list(by_name)
        raise ArgumentError(
            f"plot({name!r}): the figures of a {fit.model.name} are {quoted(names, 20)}.{suggestion(str(name), names)}"
        )
    return _drawn(by_name[name], subject, name).figure()


def _sections(subject: FitSubject) -> list[Section]:
    return [section for section in subject.sections() if isinstance(subject, section.needs)]


def _drawings(section: Section, subject: FitSubject) -> dict[str, Drawing]:
    return section.drawings(section.content(subject) or {})


def _drawn(section: Section, subject: FitSubject, name: str) -> Drawing:
    """The drawing of a section.

    Raises:
        ArgumentError: The section is left out of this fit's page.
    """
    content = section.content(subject) or {}
    drawing = section.drawings(content).get(name)
    if drawing is None:
        reason = content.get("reason")
        left_out = "its page has nothing to draw there." if reason is None else f"{Markup(reason).striptags()}."
        raise ArgumentError(
            f"plot({name!r}): this fit cannot draw it; {left_out} What is drawn from data takes them by "
            f"plot({name!r}, data=...)."
        )
    return drawing


def _shown(**content: Any) -> str:
    return environment().get_template("notebook.html.jinja").render(content)

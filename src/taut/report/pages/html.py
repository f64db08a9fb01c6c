"""Pages of HTML: sections put one below the other, and the file that holds them."""

import re
from collections.abc import Iterable
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from taut.core.files import write_file
from taut.errors import ArgumentError
from taut.report.sections.base import Section
from taut.report.subjects.base import Subject
from taut.report.words import numbers as words

TEMPLATES = Path(__file__).parents[1] / "templates"
MINUS = re.compile(r"(?<![\w-])-(?=[\d.])|(?<=\d )-(?= )|(?<=\de)-(?=\d)")
"""A sign, a difference of numbers, an exponent; a hyphen between words or in a date is none."""
PARTS = re.compile(r"([=_:]|,(?=[^\d\s]))")
"""Behind what a long name may be broken."""


def environment() -> jinja2.Environment:
    """Where the templates are, and how they show numbers and names."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        minus=lambda text: MINUS.sub("\N{MINUS SIGN}", str(text)),
        measured=words.measured,
        ratio=words.ratio,
        probability=words.probability,
        breakable=_breakable,
    )
    return made


def draw(sections: Iterable[Section], subject: Subject) -> list[Markup]:
    """The sections that can be drawn from the subject, in their order, as HTML."""
    made = environment()
    drawn = []
    for section in sections:
        content = section.content(subject) if isinstance(subject, section.needs) else None
        if content is not None:
            html = made.get_template(section.template).render({"title": section.title, **content})
            drawn.append(Markup(html))
    return drawn


def _breakable(name: str) -> Markup:
    """A name, escaped, that a narrow column may break where its parts meet: `savings_status=A65`, `sd(herd:x)`."""
    return Markup(PARTS.sub(r"\1<wbr>", str(escape(name))))


def replace_file(path: Path, text: str) -> Path:
    """Write a file so that there is the old one or the new one, never a half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, lambda file: file.write(text.encode()))
    except OSError as error:
        raise ArgumentError(f"The page cannot be written to {path} ({error.strerror}): choose another path.") from error
    return path

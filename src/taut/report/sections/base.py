"""What every section of a page is."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from markupsafe import Markup

from taut.report.figures.drawings import Drawing
from taut.report.subjects.base import Subject

S = TypeVar("S", bound=Subject)
Content = Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Section(Generic[S]):
    """One part of a page, under a heading of its own.

    Attributes:
        title: The heading.
        needs: Class of the subjects that the section can be drawn from; on the page of any other it is left out.
        content: What the template fills in by name, given the subject; None to leave the section out. A content of
            `left_out(reason)` keeps the heading above the reason, and a content with a `title` has another heading.
        figures: What its drawings are called in `fit.plot(name)`.
    """

    title: str
    needs: type[S]
    content: Callable[[S], Content | None]
    figures: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """Where the template is: it has the name of the function that makes the content."""
        return f"sections/{self.content.__name__}.html.jinja"

    def drawings(self, content: Content) -> dict[str, Drawing]:
        """The drawings of a content, by name: where there is one alone its place in the template is `figure`."""
        places = ("figure",) if len(self.figures) == 1 else self.figures
        kept = {name: content.get(place) for name, place in zip(self.figures, places, strict=True)}
        return {name: drawing for name, drawing in kept.items() if isinstance(drawing, Drawing)}


def section(
    title: str, needs: type[S], figures: tuple[str, ...] = ()
) -> Callable[[Callable[[S], Content | None]], Section[S]]:
    """Make a section of the function that makes its content; the arguments are attributes of `Section`."""
    return lambda content: Section(title, needs, content, figures)


def left_out(reason: str) -> dict[str, object]:
    """The content of a section that says why it is left out.

    Args:
        reason: The end of the sentence "Left out: ...", without the full stop; `Markup` for HTML.
    """
    return {"reason": reason}


NEEDS_DATA = Markup("it needs the data, and this fit was kept without them. Give them to <code>taut.report.page</code>")
"""Why a section on the data is left out."""

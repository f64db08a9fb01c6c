"""What every section of a page is."""

import abc
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from markupsafe import Markup

from taut.report.subjects.base import Subject

S = TypeVar("S", bound=Subject)


class Section(abc.ABC, Generic[S]):
    """One part of a page, under a heading of its own.

    Attributes:
        needs: The class of subjects that the section can be drawn from; on the page of any other it is left out.
        title: The heading.
        template: Name of the file in `templates/sections/`, without its ending.
    """

    needs: ClassVar[type[Subject]] = Subject
    title: ClassVar[str]
    template: ClassVar[str]

    @abc.abstractmethod
    def content(self, subject: S) -> Mapping[str, object] | None:
        """What the template fills in by name, None to leave the section out.

        A content of `left_out(reason)` leaves the heading and the reason; a content with a `title` has another heading.
        """


def left_out(reason: str) -> dict[str, object]:
    """The content of a section that says why it is left out.

    Args:
        reason: The end of the sentence "Left out: ...", without the full stop; `Markup` for HTML.
    """
    return {"reason": reason}


NEEDS_DATA = Markup("it needs the data, and this fit was kept without them. Give them to <code>taut.report.page</code>")
"""Why a section on the data is left out."""

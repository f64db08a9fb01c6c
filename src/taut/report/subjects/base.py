"""What a page or a table is about, with the words for it."""

import abc
import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from taut.core.cost import Cost
from taut.errors import ArgumentError
from taut.report.words import numbers as words
from taut.results.fit import Fit

if TYPE_CHECKING:
    from rich.console import RenderableType

    from taut.report.sections.base import Section

F = TypeVar("F", bound=Fit)


class Subject(abc.ABC):
    """What a page is about: sections draw from it, and each names the class of subjects that it can be drawn from."""

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """The heading of the page."""

    @property
    @abc.abstractmethod
    def what(self) -> str:
        """What was done, in one sentence."""

    @property
    @abc.abstractmethod
    def particulars(self) -> list[tuple[str, str]]:
        """Names and values of what is needed to do the same again."""


@dataclasses.dataclass(frozen=True)
class FitSubject(Subject, Generic[F]):
    """A fit, with what is known of its data.

    Attributes:
        fit: The fit.
    """

    fit: F

    @classmethod
    @abc.abstractmethod
    def of(cls, fit: F, data: Any, features: Any) -> "FitSubject[F]":
        """The subject of a page.

        Args:
            fit: The fit.
            data: The data as `taut.report.page` takes them; None for what the fit keeps of them.
            features: Names of the two columns that a surface is drawn over; None for the strongest.

        Raises:
            ArgumentError: `features` where there is no surface, or that are not there.
            DataError: data unlike those of the fit.
        """

    @property
    @abc.abstractmethod
    def bound(self) -> str:
        """The ELBO with its two terms, as an equation."""

    @property
    @abc.abstractmethod
    def bound_meaning(self) -> str:
        """What the bound is, and of what."""

    @property
    def bound_place(self) -> str:
        """What the bound was taken on, in brackets behind it; nothing where that is the data of the fit."""
        return ""

    @property
    @abc.abstractmethod
    def how(self) -> list[str]:
        """How the fit was made, in lines for the terminal."""

    @abc.abstractmethod
    def sections(self) -> "tuple[Section, ...]":
        """The sections of the page, in their order."""

    @abc.abstractmethod
    def tables(self) -> "list[RenderableType]":
        """What stands above the paragraph in the terminal."""

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """The fit's `facts()`."""
        return self.fit.facts()

    @property
    def origin(self) -> list[tuple[str, str]]:
        """Names and values of where the fit comes from: what it keeps of its data and of how it was called."""
        kept = getattr(self.fit, "provenance", None) or {}
        return [(words.printable(name), words.printable(value)) for name, value in kept.items()]

    @property
    def prior(self) -> list[tuple[str, str, str]]:
        """For each coefficient its name, its prior for one unit, and for one sd; empty where none is kept apart."""
        return []

    @property
    def cost(self) -> list[tuple[str, str]]:
        """Gradients, log densities and seconds: in all, and in each stage that had any."""
        cost = self.fit.cost
        rows = [
            ("gradients", "gradients", ",.6g", "of the log density over the full data, at one z each"),
            ("log densities", "log_densities", ",.6g", "without a gradient"),
            ("seconds", "seconds", ".3g", ""),
        ]
        return [(name, _by_stage(cost, of, shown, what)) for name, of, shown, what in rows]


def _by_stage(cost: Cost, of: str, shown: str, what: str) -> str:
    """One figure of a cost: the sum, what it is of, and its stages."""
    total = getattr(cost, of)
    if not total:
        return "none"
    stages = ", ".join(f"{name} {value:{shown}}" for name, s in cost.stages.items() if (value := getattr(s, of)))
    return f"{total:{shown}}{f' {what}' if what else ''} ({stages})"


def refuse_features(fit: Fit, features: Any) -> None:
    """Refuse features for a fit that has no surface over them.

    Raises:
        ArgumentError: `features` is not None.
    """
    if features is not None:
        raise ArgumentError(f"features={features!r}: a {fit.model.name} has no surface over features; leave them out.")

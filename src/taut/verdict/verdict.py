"""The verdict: whether the fit converged, and whether the answer can be trusted."""

import dataclasses
from typing import Any

from taut.core.views import view
from taut.verdict.answers import Converged, Trusted
from taut.verdict.convergence import Convergence
from taut.verdict.trust import Trust


@dataclasses.dataclass(frozen=True, repr=False)
class Verdict:
    """Two answers in plain words, with the figures behind them.

    Attributes:
        converged: Whether q is the best of its family.
        trust: Whether means and sds can be used.
        rungs: The fallbacks that were tried, in order, with what each cost and brought.
    """

    converged: Convergence
    trust: Trust
    rungs: tuple[str, ...] = ()

    @classmethod
    def diverged(cls) -> "Verdict":
        """The verdict on a fit that diverged: nothing is weighed, since no figure would say more than the ending."""
        return cls(
            Convergence(Converged.NO, "the fit diverged", None),
            Trust.unweighed(Trusted.UNUSABLE, "the fit diverged, so there is no answer to use"),
        )

    def __str__(self) -> str:
        return (
            f"converged: {self.converged.answer} ({self.converged.reason}).  "
            f"trust: {self.trust.answer} - {self.trust.reason}."
        )

    def __repr__(self) -> str:
        return f"Verdict: {self}"

    def _repr_html_(self) -> str:
        return view("verdict_html")(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Verdict":
        """The inverse of `to_json`."""
        return cls(Convergence.from_json(said["converged"]), Trust.from_json(said["trust"]), tuple(said["rungs"]))

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {
            "converged": self.converged.to_json(),
            "trust": self.trust.to_json(),
            "rungs": list(self.rungs),
            "words": str(self),
        }

"""What an answer cost: gradients, log densities and seconds, each counted in the stage in which it was spent."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

PREPARING, LEARNING, VERDICT = "preparing", "learning", "verdict"
RICHER_FAMILIES, CHAINS = "richer families", "chains"
STAGES = (PREPARING, LEARNING, VERDICT, RICHER_FAMILIES, CHAINS)


class Spent(NamedTuple):
    """What one stage cost.

    Attributes:
        gradients: Gradients of the log density at one z over the full data; a minibatch counts its share.
        log_densities: Log densities at one z over the full data, of which no gradient was computed.
        seconds: Wall-clock time.
    """

    gradients: float = 0.0
    log_densities: float = 0.0
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Cost:
    """What an answer cost so far, by stage and in all.

    A log density that was computed with its gradient counts as a gradient alone, so that the density was evaluated
    `gradients + log_densities` times.

    Attributes:
        stages: What each stage cost, by name and in the order of the fit: "preparing" (data, choices, a prior's scale),
            "learning", "verdict" (the final ELBO and the verdict), "richer families" and "chains". One that was not
            there is absent.

    Example:
        >>> cost = Cost({"learning": Spent(300, 0, 0.5), "verdict": Spent(0, 4000, 0.25)})
        >>> cost.gradients, cost.log_densities, cost.seconds
        (300, 4000, 0.75)
        >>> print(cost)
        300 gradients and 4,000 log densities in 0.75 s
    """

    stages: dict[str, Spent]

    @property
    def gradients(self) -> float:
        """Gradients in all stages."""
        return sum(spent.gradients for spent in self.stages.values())

    @property
    def log_densities(self) -> float:
        """Log densities without a gradient in all stages."""
        return sum(spent.log_densities for spent in self.stages.values())

    @property
    def seconds(self) -> float:
        """Seconds in all stages."""
        return sum(spent.seconds for spent in self.stages.values())

    def __add__(self, other: "Cost") -> "Cost":
        both = {name: (self.stages.get(name, Spent()), other.stages.get(name, Spent())) for name in STAGES}
        sums = {name: Spent(*map(sum, zip(*parts, strict=True))) for name, parts in both.items()}
        return Cost({name: spent for name, spent in sums.items() if any(spent)})

    def __str__(self) -> str:
        values = f" and {self.log_densities:,.6g} log densities" if self.log_densities else ""
        return f"{self.gradients:,.6g} gradients{values} in {self.seconds:.2f} s"

    def to_json(self) -> dict[str, Any]:
        """The cost as plain JSON: the sums, and each stage."""
        return {
            **{name: getattr(self, name) for name in Spent._fields},
            "stages": {name: spent._asdict() for name, spent in self.stages.items()},
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Cost":
        """The inverse of `to_json`."""
        return cls({name: Spent(**spent) for name, spent in said["stages"].items()})


class Ledger:
    """Where the cost of an answer is entered while it is made.

    Args:
        stage: The stage that begins now; None for a ledger whose clock stands still outside of `stage(...)`, where
            what is entered counts as learning.

    Example:
        >>> ledger = Ledger()
        >>> with ledger.stage("verdict"):
        ...     ledger.add(log_densities=4000)
        >>> ledger.cost.stages["verdict"].log_densities, ledger.cost.gradients
        (4000.0, 0.0)
    """

    def __init__(self, stage: str | None = None):
        self._stage = LEARNING if stage is None else stage
        self._since = None if stage is None else time.perf_counter()
        self._spent: dict[str, Spent] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is spent inside is spent in the stage `name`, and not in the one around it."""
        self._settle()
        before, self._stage, ran = self._stage, name, self._since is not None
        self._since = time.perf_counter()
        try:
            yield
        finally:
            self._settle()
            self._stage = before
            self._since = self._since if ran else None

    def add(self, gradients: float = 0.0, log_densities: float = 0.0, seconds: float = 0.0) -> None:
        """Enter a cost in the present stage."""
        now = self._spent.get(self._stage, Spent())
        self._spent[self._stage] = Spent(now[0] + gradients, now[1] + log_densities, now[2] + seconds)

    @property
    def cost(self) -> Cost:
        """All that was spent so far."""
        self._settle()
        return Cost({name: self._spent[name] for name in STAGES if name in self._spent})

    def _settle(self) -> None:
        if self._since is not None:
            now = time.perf_counter()
            self.add(seconds=now - self._since)
            self._since = now

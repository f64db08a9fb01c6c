"""What a run is asked to do, and what comes of it, whatever the algorithm."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.core.cost import Ledger
from taut.data.given import Rows
from taut.data.source import Source
from taut.learning.checkpoints import Checkpoint
from taut.learning.ended import Ended
from taut.problem import Problem
from taut.results.fit import Fit

if TYPE_CHECKING:
    from taut.diagnostics.elbo import Bound
    from taut.verdict.convergence import Convergence

Callback = Callable[[int, dict[str, np.ndarray]], None]


@dataclasses.dataclass(frozen=True)
class Request:
    """What a run works on and how it is watched.

    Attributes:
        kind: The class of the fit that it leads to.
        rows: The rows as they were read.
        source: The same rows in batches.
        seed: The seed of every random number.
        progress: Whether a bar is shown; None shows it on a terminal, and elsewhere writes a line now and then.
        callback: Called with the steps made and the history since the last call.
        checkpoint: Where the state is saved.
        patience: Looks without a better validation ELBO after which the run stops.
        ledger: Where its cost is entered.
    """

    kind: type[Fit]
    rows: Rows
    source: Source
    seed: int
    progress: bool | None = None
    callback: Callback | None = None
    checkpoint: Checkpoint | None = None
    patience: int | None = None
    ledger: Ledger = dataclasses.field(default_factory=Ledger)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        problem: The problem as learned.
        bound: The ELBO of the answer with its terms.
        history: What was seen at each step, by name.
        ended: How the run ended.
        reason: The particulars of the ending, "" if there are none.
        iterations: Accepted steps.
        steps_per_second: Speed once everything is compiled; 0 where it is not known.
        evidence: Arrays for the report.
        own: Fields of the fit's own kind, by name.
        convergence: What the algorithm certifies, None where it certifies nothing.
        reasons: Reasons in place of those of the choice, where the run took another part.
    """

    problem: Problem
    bound: "Bound"
    history: dict[str, np.ndarray]
    ended: Ended
    reason: str
    iterations: int
    steps_per_second: float = 0.0
    evidence: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    own: dict[str, Any] = dataclasses.field(default_factory=dict)
    convergence: "Convergence | None" = None
    reasons: dict[str, str] = dataclasses.field(default_factory=dict)

"""How a fit ended."""

import enum


class Ended(enum.Enum):
    """How a fit ended; the value is the sentence for people, the lower-case name the word in JSON."""

    CONVERGED = "converged: the algorithm's own certificate says that nothing is left to gain"
    BUDGET_SPENT = "budget spent: all steps were made; whether more would help is not known"
    STOPPED = "stopped early: the monitored quantity has not improved for a while, and the best answer is kept"
    STALLED = "stalled: no step of any length improves the objective, and the certificate is not met"
    DIVERGED = "diverged: the answer is not usable"
    INTERRUPTED = "interrupted: the last good state is kept"

    @property
    def word(self) -> str:
        """The word in JSON, e.g. `budget_spent`."""
        return self.name.lower()

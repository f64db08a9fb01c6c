"""How a fit ended."""

import enum


class Ended(enum.Enum):
    """How a fit ended; the value is the phrase for people, the lower-case name the word in JSON.

    The phrases say why the steps stopped and nothing of the answer: whether it converged is for the verdict to say.
    """

    CONVERGED = "by its own stopping rule"
    BUDGET_SPENT = "budget spent, all steps were made"
    STOPPED = "stopped early, the best answer is kept"
    STALLED = "stalled, the steps ended without a certificate"
    DIVERGED = "diverged, the answer is not usable"
    INTERRUPTED = "interrupted, the last good state is kept"

    @property
    def word(self) -> str:
        """The word in JSON, e.g. `budget_spent`."""
        return self.name.lower()

    def sentence(self, reason: str = "") -> str:
        """The line on the ending, the same wherever it is shown.

        Args:
            reason: The particulars, "" if there are none.

        Example:
            >>> Ended.STOPPED.sentence("The validation ELBO was best at step 400.")
            'stopped early, the best answer is kept. The validation ELBO was best at step 400.'
        """
        return f"{self.value}. {reason}".rstrip()

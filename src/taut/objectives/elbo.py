"""The evidence lower bound."""

from typing import ClassVar

from taut.core.capabilities import Capability
from taut.objectives.base import Objective
from taut.objectives.draws import Draws, elbo_terms


class Elbo(Objective):
    r"""The evidence lower bound, the lab's objective.

    .. math:: \log p(x) \ge E_q[\log p(x|z)] - KL(q(z) \| p(z))

    Its statistics are the two terms, `expected_log_likelihood` and `kl`: nats for the whole data set where all rows
    share one z, nats per example where each has its own. The KL is closed where prior and family allow it.

    Example:
        >>> Elbo().value({"expected_log_likelihood": -40.4, "kl": 27.1}, (), 0)
        -67.5

    Source: M. Jordan, Z. Ghahramani, T. Jaakkola, L. Saul, An Introduction to Variational Methods for Graphical
    Models, 1999.
    """

    name: ClassVar[str] = "elbo"
    written: ClassVar[str] = "elbo"
    words: ClassVar[tuple[str, ...]] = ("elbo",)

    @classmethod
    def parse(cls, text, steps):
        """Its name."""
        return (cls(), None) if text == cls.written else None

    @property
    def offers(self):
        """A mean over draws, and the plain bound."""
        return frozenset({Capability.MEAN_OVER_DRAWS, Capability.LOG_WEIGHTS, Capability.EVIDENCE_BOUND})

    def statistics(self, draws: Draws):
        """The two terms of one unit, in nats."""
        return elbo_terms(draws)

    def value(self, statistics, memory, step):
        """Expected log-likelihood minus KL."""
        return statistics["expected_log_likelihood"] - statistics["kl"]

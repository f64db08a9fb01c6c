"""The algorithm for regressions with groups: nested variational inference."""

from typing import ClassVar

from taut.algorithms.base import Algorithm, Brings
from taut.algorithms.nested.family import NestedGaussian
from taut.core.capabilities import Capability, sentence
from taut.errors import PairingError
from taut.gradients import Exact


class Nested(Algorithm):
    r"""q(w given t) by exact natural gradients for fixed scales t, and t integrated over nodes.

    .. math:: \log p(t|y) \approx \log p(t) + \max_{q} E_q[\log p(y, w|t) - \log q(w)]

    It takes no gradient estimator, no learning rate and no minibatches.

    Attributes:
        steps: Largest number of steps of the natural gradient at a node.
    """

    name: ClassVar[str] = "nested"
    needs = frozenset({Capability.GAUSSIAN_GIVEN_SCALES, Capability.EVIDENCE_BOUND})
    deterministic: ClassVar[bool] = True
    whole: ClassVar[bool] = True
    brings = Brings(Exact, "exact expectations")
    family = NestedGaussian
    steps: int = 100

    def estimator(self, problem):
        """None: its gradients are exact."""
        return

    def check(self, problem):
        """Its own family, and a model and an objective that it can serve."""
        missing = self.needs - problem.offers
        own = isinstance(problem.family, NestedGaussian)
        if missing and not own:
            super().check(problem)
        if missing:
            raise PairingError(
                f"The nested algorithm needs {sentence(missing)}; this {problem.model.name} with the "
                f"{problem.objective.name} objective does not offer it. Use algorithm='score-regression'."
            )
        if not own:
            raise PairingError(
                f"The nested algorithm has a family of its own and fits no {problem.family.name} one; leave family "
                "out, or use algorithm='score-regression'."
            )

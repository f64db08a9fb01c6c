"""Grey values under the Bernoulli formula."""

from typing import ClassVar

from taut.models.likelihoods.bernoulli import Bernoulli
from taut.models.likelihoods.checks import within


class Relaxed(Bernoulli):
    """The Bernoulli formula on grey values in [0, 1]: common, but not a normalised likelihood, hence its own name.

    Example:
        >>> Relaxed().name
        'relaxed'
    """

    name: ClassVar[str] = "relaxed"
    target: ClassVar[str | None] = None
    discrete: ClassVar[bool] = False
    checks: ClassVar[tuple[str, ...]] = ("statistics",)
    wants: ClassVar[str] = "values from 0 to 1"

    def check(self, y):
        """Values in [0, 1]."""
        within(self, y, 0.0, 1.0, "Scale them (images of 0 to 255: divide by 255).")

"""The terms of the ELBO in words."""

from collections.abc import Callable


def terms_in_words(likelihood: float, kl: float, joint: bool, form: Callable[[float], str]) -> str:
    """The right-hand side of the equation of the ELBO, the same wherever it is shown.

    Args:
        likelihood: The expected log-likelihood; of a joint density the expected log density.
        kl: The KL; of a joint density minus the entropy.
        joint: Whether the density is joint.
        form: Formats a positive or negative number.

    Example:
        >>> terms_in_words(-80.0, 20.0, False, "{:.1f}".format), terms_in_words(-55.6, -24.0, True, "{:.1f}".format)
        ('-80.0 - 20.0', '-55.6 (expected log density) + 24.0 (entropy)')
    """
    if joint:
        return f"{form(likelihood)} (expected log density) {'+' if kl <= 0 else '-'} {form(abs(kl))} (entropy)"
    if kl < 0:  # a log prior without its constants
        return f"{form(likelihood)} + {form(-kl)} (expected log prior and entropy)"
    return f"{form(likelihood)} - {form(kl)}"

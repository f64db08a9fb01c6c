"""Numbers and sentences that the page and the terminal share."""

import math
from typing import Any

from taut.results.terms import terms_in_words

SIGNIFICANT = 3
"""Digits of a standard deviation; what it belongs to is shown to the same decimal place."""

NOT_FINITE = "not finite"
"""What is said in place of a number that is infinite or none at all."""


def decimals(sd: float) -> int | None:
    """Decimal places at which `sd` shows three digits; None where that would be a row of zeros (shown as 1.23e-09).

    Example:
        >>> decimals(0.0213), decimals(250.0), decimals(1e-9)
        (4, 0, None)
    """
    if not (math.isfinite(sd) and 1e-6 <= sd < 1e7):
        return None
    return max(0, SIGNIFICANT - 1 - math.floor(math.log10(sd)))


def measured(value: float, sd: float) -> str:
    """`value` to the precision that its standard deviation deserves.

    Example:
        >>> measured(-0.123456, 0.0213), measured(-0.3, 250.0), measured(2e-9, 1e-9)
        ('-0.1235', '0', '2.00e-09')
    """
    if not math.isfinite(value):
        return NOT_FINITE
    places = decimals(sd)
    return f"{value:.{SIGNIFICANT - 1}e}" if places is None else f"{value:z.{places}f}"


def ratio(value: float) -> str:
    """A ratio to three digits.

    Example:
        >>> ratio(1.4142), ratio(0.0123), ratio(47312.0), ratio(float("inf"))
        ('1.41', '0.0123', '47,300', 'not finite')
    """
    return f"{float(f'{value:.3g}'):,.0f}" if 1000 <= value < 1e7 else measured(value, value)


def probability(p: float | None) -> str:
    """A probability to three places, never rounded to 0 or 1; nothing for one that there is not.

    Example:
        >>> probability(0.25), probability(1e-9), probability(1.0)
        ('0.250', '<0.001', '>0.999')
    """
    if p is None or not math.isfinite(p):
        return ""
    return "<0.001" if p < 0.0005 else ">0.999" if p > 0.9995 else f"{p:.3f}"


def nats(value: float) -> str:
    """Nats to three places, without the sign of a zero."""
    return f"{round(value, 3) + 0.0:,.3f}" if math.isfinite(value) else NOT_FINITE


def divergence(value: float) -> str:
    """Nats of what is never negative, to three places; not a zero where it is a little more.

    Example:
        >>> divergence(5.1234), divergence(0.0002), divergence(0.0)
        ('5.123', 'less than 0.001', '0')
    """
    if value == 0:
        return "0"
    return "less than 0.001" if 0 < value < 5e-4 else nats(value)


def count(n: float, noun: str) -> str:
    """A number of things.

    Example:
        >>> count(1, "row"), count(20000, "row")
        ('1 row', '20,000 rows')
    """
    return f"{n:,.0f} {noun}{'' if n == 1 else 's'}"


def opened(sentence: str) -> str:
    """`sentence` with a capital letter at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def printable(text: Any) -> str:
    r"""A text from the data without what a screen would obey: line breaks, escape sequences.

    Example:
        >>> printable("\x1b[31mred")
        '�[31mred'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def label(text: Any, longest: int = 30) -> str:
    """A name from the data as a label: one line, printable, its end kept where it is too long (`job=...` differ there).

    Example:
        >>> label("a" * 40 + "=yes", 12)
        'aaaaa…aa=yes'
    """
    text = printable(text)
    if len(text) <= longest:
        return text
    end = longest // 2
    return text[: longest - end - 1] + "…" + text[-end:]


def with_article(noun: str) -> str:
    """A noun behind "a" or "an".

    Example:
        >>> with_article("logistic regression"), with_article("amortised")
        ('a logistic regression', 'an amortised')
    """
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def quoted(value: Any) -> str:
    """A label of the target: text in quotation marks, numbers without."""
    return f"'{label(value)}'" if isinstance(value, str) else str(value)


def bound(facts: dict[str, Any]) -> str:
    """The ELBO with its two terms, as an equation.

    Args:
        facts: A fit's `facts()` or an evaluation; that of a joint density has its entropy.
    """
    if not math.isfinite(facts["elbo"]):
        return f"ELBO {NOT_FINITE}"
    error = facts["elbo_standard_error"]
    terms = terms_in_words(facts["expected_log_likelihood"], facts["kl"], "entropy" in facts, nats)
    return f"ELBO {nats(facts['elbo'])}" + (f" (standard error {error:.2g})" if error else "") + f" = {terms} nats"

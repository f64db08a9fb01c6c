"""Numbers and sentences that the page and the terminal share."""

import math
from typing import Any

SIGNIFICANT = 3
"""Digits of a standard deviation; what it belongs to is shown to the same decimal place."""


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
        >>> measured(-0.123456, 0.0213), measured(1234.5, 250.0), measured(2e-9, 1e-9)
        ('-0.1235', '1234', '2.00e-09')
    """
    places = decimals(sd)
    return f"{value:.{SIGNIFICANT - 1}e}" if places is None else f"{value:.{places}f}"


def probability(p: float) -> str:
    """A probability to three places, never rounded to 0 or 1.

    Example:
        >>> probability(0.25), probability(1e-9), probability(1.0)
        ('0.250', '<0.001', '>0.999')
    """
    return "<0.001" if p < 0.0005 else ">0.999" if p > 0.9995 else f"{p:.3f}"


def nats(value: float) -> str:
    """Nats to three places, without the sign of a zero."""
    return f"{round(value, 3) + 0.0:,.3f}"


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


def what(fit: Any, facts: dict[str, Any]) -> str:
    """What was fitted, in one sentence.

    Args:
        fit: the fit.
        facts: its `to_json()`.
    """
    noun = "coefficient" if fit.design is not None else "unknown"
    joint = fit.design is None and facts["rows"] == 1  # a joint density has its data inside: it is one row
    rows = "" if joint else f" on {count(facts['rows'], 'row')}" + _dropped(fit)
    negative, positive = map(quoted, fit.labels.classes) if fit.labels is not None else ("", "")
    labels = f": the probability of {positive} rather than {negative}" if fit.labels is not None else ""
    article = "An" if facts["model"][0] in "aeiou" else "A"
    return (
        f"{article} {facts['model']}{rows}{labels}, with a {facts['family']} Gaussian posterior over "
        f"{count(len(facts['coefficients']), noun)}."
    )


def quoted(value: Any) -> str:
    """A label of the target: text in quotation marks, numbers without."""
    return f"'{label(value)}'" if isinstance(value, str) else str(value)


def _dropped(fit: Any) -> str:
    dropped = 0 if fit.design is None else fit.design.dropped
    return f" ({count(dropped, 'row')} with missing values dropped)" if dropped else ""


def ending(facts: dict[str, Any], value: str) -> tuple[str, str]:
    """How the fit ended: a word or two, and the sentence behind it.

    Args:
        facts: the fit's `to_json()`.
        value: of the member of `Ended`, "converged: ...".
    """
    word, _, sentence = value.partition(": ")
    return opened(word), opened(sentence) + "." + (f" {facts['reason']}" if facts["reason"] else "")


def bound(facts: dict[str, Any]) -> str:
    """The ELBO with its two terms, as an equation."""
    error = facts["elbo_standard_error"]
    kl = facts["kl"]
    return (
        f"ELBO {nats(facts['elbo'])}"
        + (f" (standard error {error:.2g})" if error else "")
        + f" = {nats(facts['expected_log_likelihood'])} {'-' if kl >= 0 else '+'} {nats(abs(kl))} nats"
    )

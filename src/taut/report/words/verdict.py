"""The verdict as page and terminal tell it: two lines, and the figures behind them.

Everything is read from `verdict.to_json()`, so that a fit and what was saved of it say the same.
"""

from typing import Any

from taut.report.words import numbers as words
from taut.verdict.changes import LEAST_SHIFT

LEVELS = {
    "yes": "fine",
    "good": "fine",
    "corrected": "fine",
    "unknown": "doubt",
    "suspect": "doubt",
    "no": "wrong",
    "unusable": "wrong",
}
"""How each answer is coloured. "corrected" is fine: what is returned is the corrected answer."""


def lines(said: dict[str, Any], predictions: dict[str, Any] | None = None) -> list[tuple[str, str, str, str]]:
    """The answers: question, answer, reason, level; put together the first two are the words of `print(fit.verdict)`.

    Args:
        said: the verdict's `to_json()`.
        predictions: what a regression says of its predictions, `fit.predictions.to_json()`.

    Example:
        >>> answers = {"converged": {"answer": "no", "reason": "it still rises"},
        ...            "trust": {"answer": "suspect", "reason": "heavy tails"}}
        >>> lines(answers)
        [('converged', 'no', '(it still rises).', 'wrong'), ('trust', 'suspect', '- heavy tails.', 'doubt')]
    """
    found = [_line("converged", said["converged"], "({})."), _line("trust", said["trust"], "- {}.")]
    return found if predictions is None else [*found, _line("predictions", predictions, "- {}.")]


def lines_of(facts: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """The lines of a fit; none where nothing was learned.

    Args:
        facts: the fit's `to_json()`.
    """
    said = facts["verdict"]
    return lines(said, facts.get("predictions")) if said else []


def _line(question: str, said: dict[str, Any], form: str) -> tuple[str, str, str, str]:
    return question, said["answer"], form.format(words.printable(said["reason"])), LEVELS[said["answer"]]


def figures(said: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was measured: name, value, what it is.

    Args:
        said: the verdict's `to_json()`.
    """
    trust, left = said["trust"], said["converged"]["left"]
    said_left = None if left is None else f"{left:.2g}" if left >= 5e-5 else "less than 0.0001"
    found = [] if said_left is None else [("nats left", said_left, "still to gain")]
    found += _of_unknowns(trust) if trust["shift"] else _of_examples(trust)
    rungs = [words.printable(rung).partition(": ") for rung in said["rungs"]]
    return found + [("tried", name, what) for name, _, what in rungs]


def _of_unknowns(trust: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Where there is one z for all rows."""
    name, shift = _farthest(trust["shift"], 0.0)
    other, ratio = _farthest(trust["sd_ratio"], 1.0)
    return [
        ("largest shift", _shift(shift), f"of the mean of {name} under importance weighting"),
        ("sd ratio", f"{ratio:.2f}", f"of {other}: its weighted sd over that of q"),
        (
            "effective draws",
            f"{_number(trust['effective_sample_size'])} of {trust['draws']:,}",
            "what the weighted draws are worth",
        ),
        ("k-hat", _number(trust["k_hat"], ".2f"), "shape of the weights’ tail: above 0.7 they alone prove nothing"),
        (
            "half-variance",
            f"{_number(trust['half_variance'], '.2g')} nats",
            "of the log-weights: about KL(q||p) where q is close",
        ),
    ]


def _of_examples(trust: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Where each example has its own z."""
    if trust["elbo"] is None or trust["log_evidence"] is None:
        return []
    return [
        ("encoder gap", f"{trust['log_evidence'] - trust['elbo']:.2g} nats", "per example, from the ELBO to log p(x)"),
        (
            "effective draws",
            f"{_number(trust['effective_sample_size'], '.1f')} of {trust['draws']:,}",
            "what the weighted draws of one example are worth, on average",
        ),
        (
            "half-variance",
            f"{_number(trust['half_variance'], '.2g')} nats",
            "of the log-weights of one example: about KL(q(z|x)||p(z|x)) where q is close",
        ),
    ]


def _farthest(values: dict[str, float | None], centre: float) -> tuple[str, float]:
    """The name and value that lie farthest from `centre`; a number that was not finite lies farthest of all."""
    distance = {name: float("inf") if x is None else abs(x - centre) for name, x in values.items()}
    name = max(distance, key=distance.__getitem__)
    value = values[name]
    return words.label(name, 40), float("nan") if value is None else value


def _shift(shift: float) -> str:
    return f"{shift:+.2f} sd" if not abs(shift) < LEAST_SHIFT else f"less than {LEAST_SHIFT:g} sd"


def _number(value: float | None, form: str = ",.0f") -> str:
    return "not finite" if value is None else format(value, form)

"""Labels of estimators that stand side by side: two of one kind are told apart by the arguments that differ."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence

from taut.gradients.base import Gradient


def labels(gradients: Sequence[Gradient]) -> list[str]:
    """The label of each estimator; where several share one, also the arguments in which they differ.

    Args:
        gradients: The estimators, in the order in which they are shown.

    Example:
        >>> from taut.gradients import Exact, Reinforce
        >>> labels([Exact(), Reinforce(samples=10), Reinforce(samples=50)])
        ['exact', 'reinforce (leave-one-out), samples=10', 'reinforce (leave-one-out), samples=50']
    """
    alike = defaultdict(list)
    for gradient in gradients:
        alike[gradient.label].append(gradient)
    found = [gradient.label + _differing(gradient, alike[gradient.label]) for gradient in gradients]
    several, seen = Counter(found), Counter()
    for i, label in enumerate(found):
        if several[label] > 1:  # one and the same estimator, named twice
            seen[label] += 1
            found[i] = f"{label}, number {seen[label]}"
    return found


def _differing(gradient: Gradient, others: Sequence[Gradient]) -> str:
    """The arguments in which `gradient` differs from one of `others`, as text behind its label."""
    names = [
        f.name for f in dataclasses.fields(gradient) if any(_of(g, f.name) != _of(gradient, f.name) for g in others)
    ]
    return "".join(f", {name}={_of(gradient, name)}" for name in names)


def _of(gradient: Gradient, name: str) -> str:
    return repr(getattr(gradient, name, None))

"""Optimizers and schedules as values, so that two equal ones are one compilation."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True, init=False)
class Recipe:
    """A call that is written down and made later: `Recipe(optax.adam, 1e-2)` stands for `optax.adam(1e-2)`.

    An Optax optimizer is a pair of closures, so two equal ones compare as different and each would compile anew; a
    recipe compares by value. Arguments may be recipes themselves.

    Example:
        >>> import optax
        >>> rate = Recipe(optax.cosine_decay_schedule, 1e-2, 5000)
        >>> Recipe(optax.adam, rate) == Recipe(optax.adam, Recipe(optax.cosine_decay_schedule, 1e-2, 5000))
        True
    """

    function: Callable
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]

    def __init__(self, function: Callable, *arguments: Any, **keywords: Any):
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "arguments", arguments)
        object.__setattr__(self, "keywords", tuple(sorted(keywords.items())))

    def build(self) -> Any:
        """Make the call."""

        def made(a):
            return a.build() if isinstance(a, Recipe) else a

        return self.function(*map(made, self.arguments), **{k: made(v) for k, v in self.keywords})

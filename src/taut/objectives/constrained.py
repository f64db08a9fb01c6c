"""Constrained objectives whose coefficients are learned."""

import re
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from taut.core.capabilities import Capability
from taut.core.names import brief
from taut.errors import ArgumentError
from taut.objectives.base import Objective
from taut.objectives.constraints import STATISTICS, Constraint, as_statistic, measure, parse_constraint
from taut.objectives.draws import Draws, elbo_terms
from taut.objectives.multipliers import AugmentedLagrangian, Rule


class Constrained(Objective):
    r"""Minimise one statistic subject to bounds on others; the coefficients are learned.

    .. math:: \min KL(q(z|x) \| p(z)) \quad \text{s.t.} \quad E_q[\log p(x|z)] \ge \alpha

    as the saddle \(\min_{\theta,\eta} \max_{\lambda \ge 0} KL + \lambda (\alpha - E_q[\log p(x|z)])\).
    Its stationary points are those of the ELBO
    weighted by beta = 1/lambda. The mirror form, the best reconstruction at a given rate, is
    `Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 12))`, with lambda = beta.

    Attributes:
        minimise: The statistic to make small ("kl"), or
        maximise: The statistic to make large ("expected_log_likelihood", "elbo"); exactly one of the two is given.
        subject_to: A constraint, or a tuple of them.
        rule: The rule by which the multipliers move.

    Example:
        >>> from taut.objectives import at_least
        >>> Constrained(minimise="kl", subject_to=at_least("expected_log_likelihood", -80.0)).name
        'expected_log_likelihood>=-80'

    Source: D. Rezende and F. Viola, Taming VAEs, 2018.
    """

    minimise: str | None = eqx.field(static=True)
    maximise: str | None = eqx.field(static=True)
    subject_to: tuple[Constraint, ...]
    rule: Rule

    needs: ClassVar = frozenset()
    written: ClassVar[str] = "'expected_log_likelihood>=-80', 'kl<=12', several constraints joined by 'and'"
    words: ClassVar[tuple[str, ...]] = STATISTICS

    @classmethod
    def parse(cls, text, steps):
        """Its constraints. A bound on the KL asks for the best reconstruction, any other for the least KL."""
        parts = [parse_constraint(part) for part in re.split(r"\s+and\s+|\s*,\s*", text)]
        constraints = tuple(part for part in parts if part is not None)
        if len(constraints) < len(parts):
            return None
        if any(c.statistic == "kl" for c in constraints):
            return cls(maximise="expected_log_likelihood", subject_to=constraints), None
        return cls(minimise="kl", subject_to=constraints), None

    def __init__(
        self,
        minimise: str | None = None,
        *,
        maximise: str | None = None,
        subject_to: Constraint | tuple[Constraint, ...],
        rule: Rule | None = None,
    ):
        if (minimise is None) == (maximise is None):
            raise ArgumentError(
                "Constrained takes exactly one of minimise (e.g. 'kl') and maximise (e.g. 'expected_log_likelihood')."
            )
        constraints = subject_to if isinstance(subject_to, tuple) else (subject_to,)
        if not constraints or not all(isinstance(c, Constraint) for c in constraints):
            raise ArgumentError(
                f"subject_to={brief(subject_to)}: give at_least(statistic, bound) or at_most(...), one or a tuple of "
                "them."
            )
        aim: Any = as_statistic(minimise or maximise)
        if any(c.statistic == aim for c in constraints):
            raise ArgumentError(f"{aim} is both the aim and constrained; constrain another statistic.")
        self.minimise, self.maximise = (None, aim) if minimise is None else (aim, None)
        self.subject_to = constraints
        self.rule = AugmentedLagrangian() if rule is None else rule

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The constraints, as written on a command line."""
        return " and ".join(map(str, self.subject_to))

    @property
    def constraints(self):
        """As given in `subject_to`."""
        return self.subject_to

    @property
    def offers(self):
        """A mean over draws, by its statistics."""
        return frozenset({Capability.MEAN_OVER_DRAWS, Capability.LOG_WEIGHTS})

    def init(self):
        """The multipliers before the first step."""
        return self.rule.init(len(self.subject_to))

    def statistics(self, draws: Draws):
        """The two ELBO terms of one unit; the constraints act on their averages."""
        return elbo_terms(draws)

    def _relative(self, statistics):
        return jnp.stack([c.violation(statistics) / c.scale for c in self.subject_to])

    def aim(self, statistics):
        """The quantity that is made small."""
        if self.minimise is not None:
            return measure(self.minimise, statistics)
        return -measure(self.maximise, statistics)  # pyright: ignore[reportArgumentType]

    def value(self, statistics, memory, step):
        """Minus (aim + coefficient * violation), over 1 + coefficient so that the gradient keeps its size."""
        per_nat = self.rule.coefficient(memory)
        violations = jnp.stack([c.violation(statistics) for c in self.subject_to])
        return -(self.aim(statistics) + per_nat @ violations) / (1 + jnp.sum(per_nat))

    def update(self, memory, statistics, step):
        """One step of the rule, on the measured violations."""
        return self.rule.update(memory, self._relative(statistics))

    def shown(self, memory, statistics, step):
        """Multiplier and the coefficient made of it, per unit, and the violation in units: `[constraints]` each."""
        return {
            "multiplier": memory.value,
            "coefficient": self.rule.coefficient(memory),
            "violation": jnp.stack([c.violation(statistics) for c in self.subject_to]),
        }

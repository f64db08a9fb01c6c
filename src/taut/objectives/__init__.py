"""Sentence 3, write your objective: what is maximised."""

from taut.core.rooms import absent as _absent
from taut.objectives.base import Objective as Objective
from taut.objectives.constrained import Constrained as Constrained
from taut.objectives.constraints import Constraint as Constraint
from taut.objectives.constraints import at_least as at_least
from taut.objectives.constraints import at_most as at_most
from taut.objectives.draws import Draws as Draws
from taut.objectives.draws import elbo_terms as elbo_terms
from taut.objectives.elbo import Elbo as Elbo
from taut.objectives.importance_weighted import ImportanceWeighted as ImportanceWeighted
from taut.objectives.multipliers import AugmentedLagrangian as AugmentedLagrangian
from taut.objectives.multipliers import GradientAscent as GradientAscent
from taut.objectives.multipliers import Multiplicative as Multiplicative
from taut.objectives.multipliers import ProportionalIntegral as ProportionalIntegral
from taut.objectives.multipliers import Rule as Rule
from taut.objectives.renyi import Renyi as Renyi
from taut.objectives.schedules import Cosine as Cosine
from taut.objectives.schedules import Cyclical as Cyclical
from taut.objectives.schedules import Linear as Linear
from taut.objectives.schedules import Schedule as Schedule
from taut.objectives.weighted import FreeBits as FreeBits
from taut.objectives.weighted import Weighted as Weighted

__getattr__ = _absent(__name__)

"""Sentence 3, write your objective: what is maximised."""

from taut.objectives.base import Objective as Objective
from taut.objectives.draws import Draws as Draws
from taut.objectives.draws import elbo_terms as elbo_terms
from taut.objectives.elbo import Elbo as Elbo

"""Sentence 6, say whether it converged and whether to trust it."""

from taut.diagnostics.elbo import Bound as Bound
from taut.diagnostics.elbo import elbo as elbo

"""Sentence 6, say whether it converged and whether to trust it."""

from taut.diagnostics.elbo import Bound as Bound
from taut.diagnostics.elbo import elbo as elbo
from taut.diagnostics.elbo import elbo_per_example as elbo_per_example
from taut.diagnostics.evaluation import Evaluation as Evaluation
from taut.diagnostics.evaluation import evaluate as evaluate

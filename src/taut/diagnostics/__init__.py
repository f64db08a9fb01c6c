"""Sentence 6, say whether it converged and whether to trust it."""

from taut.core.rooms import absent as _absent
from taut.diagnostics.elbo import Bound as Bound
from taut.diagnostics.elbo import elbo as elbo
from taut.diagnostics.elbo import elbo_per_example as elbo_per_example
from taut.diagnostics.evaluation import Evaluation as Evaluation
from taut.diagnostics.evaluation import evaluate as evaluate

__getattr__ = _absent(__name__)

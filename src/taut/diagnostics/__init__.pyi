from .elbo import Bound as Bound
from .elbo import elbo as elbo
from .elbo import elbo_per_example as elbo_per_example
from .evaluation import Evaluation as Evaluation
from .evaluation import evaluate as evaluate

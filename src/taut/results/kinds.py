"""The kinds of fit, each found by the `kind` that its models say of themselves."""

from taut import results
from taut.models import Model
from taut.models.base import Described
from taut.results.fit import Fit

KINDS = {"regression": "RegressionFit", "formula": "FormulaFit", "density": "DensityFit", "latent": "LatentFit"}
"""The class of each kind, by name: the room loads it when a model leads to it."""


def fit_class(model: Model | Described) -> type[Fit]:
    """The class of the model's fits: the one place where the kind of a model is asked."""
    return getattr(results, KINDS[model.kind])

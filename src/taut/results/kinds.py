"""The kinds of fit, each found by the `kind` that its models say of themselves."""

from taut.models import Model
from taut.models.base import Described
from taut.results.density import DensityFit
from taut.results.fit import Fit
from taut.results.formula import FormulaFit
from taut.results.latent import LatentFit
from taut.results.regression import RegressionFit

KINDS: dict[str, type[Fit]] = {kind.kind: kind for kind in (RegressionFit, FormulaFit, DensityFit, LatentFit)}


def fit_class(model: Model | Described) -> type[Fit]:
    """The class of the model's fits: the one place where the kind of a model is asked."""
    return KINDS[model.kind]

"""The kinds of fit that a page or a table can be about."""

from typing import Any

from taut.core.arguments import instance
from taut.report.subjects.base import FitSubject
from taut.report.subjects.density import DensitySubject
from taut.report.subjects.formula import FormulaSubject
from taut.report.subjects.latent import LatentSubject
from taut.report.subjects.regression import RegressionSubject
from taut.results.density import DensityFit
from taut.results.fit import Fit
from taut.results.formula import FormulaFit
from taut.results.latent import LatentFit
from taut.results.regression import RegressionFit

KINDS: dict[str, type[FitSubject]] = {
    RegressionFit.kind: RegressionSubject,
    DensityFit.kind: DensitySubject,
    FormulaFit.kind: FormulaSubject,
    LatentFit.kind: LatentSubject,
}


def subject_of(fit: Fit, data: Any = None, features: Any = None) -> FitSubject:
    """The fit as the subject of a page: the one place of the report where the kind of a fit is asked.

    Args:
        fit: The fit.
        data: See `taut.report.page`.
        features: See `taut.report.page`.
    """
    instance("fit", fit, Fit, "give what taut.fit or taut.load returns")
    return KINDS[fit.kind].of(fit, data, features)

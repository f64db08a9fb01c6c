"""A regression by formula, as a person writes it; with the data it becomes a `MixedModel`."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from taut.core.names import brief, find, unknown
from taut.errors import ArgumentError
from taut.models.base import Described
from taut.models.likelihoods import REGRESSIONS, Likelihood


@dataclasses.dataclass(frozen=True)
class Regression(Described):
    r"""y ~ p(y given eta, phi), eta = offset + x'beta + sum over group terms of z'u_g, with a posterior over all of it.

    .. math:: u_g \sim N(0, D R D), \quad D = \mathrm{diag}(\text{sds}), \quad \text{sds}, R, \phi, \beta \sim p

    Numeric columns are standardised, categorical ones are indicators. The priors are on that scale: intercept and
    coefficients N(0, 2.5), each group sd half-Normal(1), correlations LKJ(2), the likelihood's own parameters as
    `docs/regressions.md` says. For a Gaussian or Student-t likelihood they are in units of the response's sd, around
    its mean.

    Args:
        formula: `response ~ terms + (terms | group)`, see `docs/formulas.md`; without one the data are `(X, y)`, and
            every column of X is a term.
        likelihood: of the response, by name or as one of `taut.models.likelihoods`; by default found from the response.
        prior: by name of a term, a group, an sd, a correlation ("cor(district)", the eta of its LKJ prior) or a
            parameter of the likelihood, e.g. `{"age": Normal(0, 1), "district": HalfNormal(1)}`; one `Normal` for all
            coefficients but the intercept; "empirical", whose scale maximises the ELBO; or `Horseshoe(...)`.

    Raises:
        ArgumentError: a likelihood that is not known; a formula that is no text.

    Example:
        >>> Regression("use ~ age + (1 | district)", likelihood="bernoulli").formula
        'use ~ age + (1 | district)'

    Source: D. Bates, M. Maechler, B. Bolker and S. Walker, Fitting Linear Mixed-Effects Models Using lme4, 2015 (the
    notation); J. Gabry and B. Goodrich, rstanarm, 2016 (priors that know the scale).
    """

    kind: ClassVar[str] = "formula"
    name: ClassVar[str] = "regression"
    formula: str | None = None
    likelihood: Likelihood | str | None = None
    prior: Any = None

    def __post_init__(self):
        if not (self.formula is None or isinstance(self.formula, str)):
            raise ArgumentError(f"formula={brief(self.formula)}: text is needed, such as 'y ~ x + (1 | group)'.")
        if isinstance(self.likelihood, str):
            known = find(self.likelihood, REGRESSIONS)
            if known is None:
                names = sorted({kind.name for kind in REGRESSIONS.values()})
                raise ArgumentError(f"likelihood={unknown(self.likelihood, names)}.")
            object.__setattr__(self, "likelihood", REGRESSIONS[known].name)
        elif not (self.likelihood is None or isinstance(self.likelihood, Likelihood)):
            raise ArgumentError(f"likelihood={brief(self.likelihood)}: a name or one of taut.models.likelihoods.")
        if isinstance(self.prior, Mapping):
            object.__setattr__(self, "prior", dict(self.prior))

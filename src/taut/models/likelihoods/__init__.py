"""p(y|eta), one file a likelihood: what is observed, given a linear predictor or a decoder's output."""

from taut.models.likelihoods.base import Likelihood as Likelihood
from taut.models.likelihoods.base import Moments as Moments
from taut.models.likelihoods.bernoulli import Bernoulli as Bernoulli
from taut.models.likelihoods.beta import Beta as Beta
from taut.models.likelihoods.binomial import Binomial as Binomial
from taut.models.likelihoods.categorical import Categorical as Categorical
from taut.models.likelihoods.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from taut.models.likelihoods.exponential import Exponential as Exponential
from taut.models.likelihoods.gamma import Gamma as Gamma
from taut.models.likelihoods.gaussian import Gaussian as Gaussian
from taut.models.likelihoods.multinomial import Multinomial as Multinomial
from taut.models.likelihoods.negative_binomial import NegativeBinomial as NegativeBinomial
from taut.models.likelihoods.ordinal import Ordinal as Ordinal
from taut.models.likelihoods.parameter import Parameter as Parameter
from taut.models.likelihoods.poisson import Poisson as Poisson
from taut.models.likelihoods.relaxed import Relaxed as Relaxed
from taut.models.likelihoods.student_t import StudentT as StudentT
from taut.models.likelihoods.weibull import Weibull as Weibull

SHELF = (
    Bernoulli,
    Relaxed,
    ContinuousBernoulli,
    Binomial,
    Gaussian,
    StudentT,
    Poisson,
    NegativeBinomial,
    Categorical,
    Multinomial,
    Ordinal,
    Gamma,
    Beta,
    Exponential,
    Weibull,
)
LIKELIHOODS: dict[str, type[Likelihood]] = {kind.name: kind for kind in SHELF if kind.examples}
"""Those that a decoder can have by name."""
REGRESSIONS: dict[str, type[Likelihood]] = {
    name: kind for kind in SHELF if kind.target is not None for name in (kind.name, *kind.aliases)
}
"""Those that a linear predictor can have."""

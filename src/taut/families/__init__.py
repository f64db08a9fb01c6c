"""Sentence 2, define your posterior: the shapes that q may have."""

from taut.core.rooms import absent as _absent
from taut.families.amortized import Amortized as Amortized
from taut.families.base import Family as Family
from taut.families.bernoulli import Bernoulli as Bernoulli
from taut.families.categorical import Categorical as Categorical
from taut.families.flow import Flow as Flow
from taut.families.full_rank import FullRank as FullRank
from taut.families.low_rank import LowRank as LowRank
from taut.families.mean_field import MeanField as MeanField
from taut.families.mixture import GaussianMixture as GaussianMixture
from taut.families.poisson import Poisson as Poisson
from taut.families.positive import Gamma as Gamma
from taut.families.positive import GammaRate as GammaRate
from taut.families.positive import Weibull as Weibull
from taut.families.simplex import Beta as Beta
from taut.families.simplex import Dirichlet as Dirichlet
from taut.families.sinh_arcsinh import SinhArcsinh as SinhArcsinh
from taut.families.stretched import StretchedGaussian as StretchedGaussian

__getattr__ = _absent(__name__)

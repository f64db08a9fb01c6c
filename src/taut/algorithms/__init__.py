"""Sentence 5, learn: how q moves."""

from taut.algorithms.base import Algorithm as Algorithm
from taut.algorithms.natural import NaturalGradient as NaturalGradient
from taut.algorithms.nested.algorithm import Nested as Nested
from taut.algorithms.on_density.batch_and_match import BatchAndMatch as BatchAndMatch
from taut.algorithms.on_density.fixed_draws import FixedDraws as FixedDraws
from taut.algorithms.on_density.low_rank_regression import LowRankRegression as LowRankRegression
from taut.algorithms.on_density.score_regression import ScoreRegression as ScoreRegression
from taut.algorithms.recipe import Recipe as Recipe
from taut.algorithms.stochastic import StochasticGradient as StochasticGradient
from taut.core.rooms import absent as _absent

__getattr__ = _absent(__name__)

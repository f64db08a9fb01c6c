"""Sentence 5, learn: how q moves."""

from taut.algorithms.base import Algorithm as Algorithm
from taut.algorithms.batch_and_match import BatchAndMatch as BatchAndMatch
from taut.algorithms.fixed_draws import FixedDraws as FixedDraws
from taut.algorithms.natural import NaturalGradient as NaturalGradient
from taut.algorithms.recipe import Recipe as Recipe
from taut.algorithms.score_regression import ScoreRegression as ScoreRegression
from taut.algorithms.stochastic import StochasticGradient as StochasticGradient

"""Sentence 5, learn: how q moves."""

from taut.algorithms.base import Algorithm as Algorithm
from taut.algorithms.natural import NaturalGradient as NaturalGradient
from taut.algorithms.recipe import Recipe as Recipe
from taut.algorithms.stochastic import StochasticGradient as StochasticGradient

"""Sentence 2, define your posterior: the shapes that q may have."""

from taut.families.amortized import Amortized as Amortized
from taut.families.base import Family as Family
from taut.families.bernoulli import Bernoulli as Bernoulli
from taut.families.full_rank import FullRank as FullRank
from taut.families.mean_field import MeanField as MeanField

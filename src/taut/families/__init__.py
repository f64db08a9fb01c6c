"""Sentence 2, define your posterior: the shapes that q may have."""

from taut.families.base import Family as Family
from taut.families.full_rank import FullRank as FullRank
from taut.families.mean_field import MeanField as MeanField

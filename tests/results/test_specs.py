"""Parts as JSON and back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from taut.algorithms import StochasticGradient
from taut.errors import SavedFitError
from taut.families import FullRank, MeanField
from taut.gradients import DeltaMethod, LeaveOneOut, MovingAverage, NoControl, Reinforce, Reparametrization
from taut.models import BernoulliPrior, Normal
from taut.networks import MLP
from taut.objectives import Constrained, Elbo, FreeBits, ImportanceWeighted, Renyi, Weighted, at_least, at_most
from taut.results.specs import build, spec

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
POSITIVE = st.floats(2.0**-10, 2.0**10, width=32)
COUNT = st.integers(1, 100)
SIZES = st.integers(1, 5)

PARTS = st.one_of(
    st.just(Elbo()),
    st.builds(Weighted, POSITIVE),
    st.builds(FreeBits, POSITIVE),
    st.just(ImportanceWeighted()),
    st.builds(Renyi, st.floats(-5.0, 0.5)),
    st.builds(lambda bound: Constrained("kl", subject_to=at_least("expected_log_likelihood", bound)), FINITE),
    st.builds(lambda bound: Constrained("expected_log_likelihood", subject_to=at_most("kl", bound)), POSITIVE),
    st.builds(Reparametrization, COUNT),
    st.builds(
        lambda samples, control: Reinforce(samples + 1, control),
        COUNT,
        st.sampled_from([NoControl(), LeaveOneOut(), MovingAverage(), DeltaMethod(fresh=3)]),
    ),
    st.builds(Normal, FINITE, POSITIVE),
    st.builds(BernoulliPrior, st.floats(0.1, 0.9)),
    st.builds(lambda D: MeanField(np.zeros(D), np.ones(D)), SIZES),
    st.builds(lambda D: FullRank(np.zeros(D), np.ones(D), np.zeros((D, D))), SIZES),
    st.builds(lambda sizes: MLP(sizes, seed=0), st.lists(SIZES, min_size=2, max_size=4)),
    st.builds(lambda steps, rate: StochasticGradient(steps=steps, learning_rate=rate), COUNT, POSITIVE),
)


@given(PARTS)
def test_a_part_comes_back_from_json(part):
    said = spec(part)
    again = build(json.loads(json.dumps(said)))
    assert type(again) is type(part)
    assert spec(again) == said


@given(array_shapes(min_dims=0), st.sampled_from(["float32", "float64", "int32", "bool"]))
def test_an_array_comes_back_in_shape_and_type(shape, dtype):
    again = build(json.loads(json.dumps(spec(np.zeros(shape, dtype)))))
    assert again.shape == shape
    assert again.dtype == dtype


@given(st.from_regex(r"(taut|os|builtins)(\.[a-z]{1,8}){1,3}", fullmatch=True))
def test_a_class_that_is_no_part_is_refused(name):
    with pytest.raises(SavedFitError, match="no part"):
        build({"class": name, "fields": {}})

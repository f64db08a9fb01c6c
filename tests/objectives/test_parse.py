"""Every form of an objective on a command line, and what is said to anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ArgumentError
from taut.objectives import (
    Constrained,
    Cosine,
    Cyclical,
    Elbo,
    FreeBits,
    ImportanceWeighted,
    Linear,
    Renyi,
    Weighted,
    at_least,
    at_most,
)
from taut.objectives.parse import parse_objective

LIKELIHOOD = at_least("expected_log_likelihood", -80.0)
FORMS = {
    "elbo": (Elbo(), None),
    " elbo ": (Elbo(), None),
    "beta=4": (Weighted(4.0), None),
    "beta = 0.5": (Weighted(0.5), None),
    "annealed": (Weighted(Linear(200)), None),
    "annealed-cosine": (Weighted(Cosine(200)), None),
    "annealed-cyclical": (Weighted(Cyclical(500)), None),
    "free-bits=0.5": (FreeBits(0.5, "batch"), None),
    "free-bits-example=0.5": (FreeBits(0.5, "example"), None),
    "iwae=50": (ImportanceWeighted(), 50),
    "renyi=0.5:50": (Renyi(0.5), 50),
    "renyi = -1 : 2": (Renyi(-1.0), 2),
    "expected_log_likelihood>=-80": (Constrained("kl", subject_to=LIKELIHOOD), None),
    "expected_log_likelihood >= -8e1": (Constrained("kl", subject_to=LIKELIHOOD), None),
    "kl<=12": (Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 12.0)), None),
    "expected_log_likelihood>=-80 and elbo>=-110": (
        Constrained("kl", subject_to=(LIKELIHOOD, at_least("elbo", -110.0))),
        None,
    ),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form(text):
    assert parse_objective(text, steps=1000) == FORMS[text]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ELBO", "elbo"),
        ("Beta=4", "beta=4"),
        ("Free Bits=0.5", "free-bits=0.5"),
        ("free_bits_example=0.5", "free-bits-example=0.5"),
        ("IWAE = 50", "iwae=50"),
        ("Rényi=0.5:50", "renyi=0.5:50"),
        ("Annealed cosine", "annealed-cosine"),
        ("KL <= 12", "kl<=12"),
        ("Expected log-likelihood>=-80", "expected_log_likelihood>=-80"),
        ("expected>=-80 and ELBO>=-110", "expected_log_likelihood>=-80 and elbo>=-110"),
    ],
)
def test_a_name_in_a_form_may_be_spelled_in_any_way(text, form):
    assert parse_objective(text, steps=1000) == parse_objective(form, steps=1000)


@given(st.floats(0.0, 1e6), st.floats(-1e6, 1e6), st.integers(1, 10**6))
def test_every_number_is_read_to_the_last_bit(nonnegative, bound, draws):
    assert parse_objective(f"beta={nonnegative!r}", 100) == (Weighted(nonnegative), None)
    at_a_bound = Constrained("kl", subject_to=at_least("expected_log_likelihood", bound))
    assert parse_objective(f"expected_log_likelihood>={bound!r}", 100)[0] == at_a_bound
    assert parse_objective(f"iwae={draws}", 100) == (ImportanceWeighted(), draws)


@pytest.mark.parametrize("text", ["annealed", "annealed-cosine", "annealed-cyclical"])
@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_an_annealed_weight_ends_within_the_training(text, steps):
    parse_objective(text, steps)[0].check(steps)


def test_a_name_is_a_form():
    for text in ("beta=4", "expected_log_likelihood>=-80", "kl<=12"):
        assert parse_objective(text, 100)[0].name == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Forms: elbo"),
        ("vae", "Forms: elbo"),
        ("beta", "Forms: elbo"),
        ("beta=1.2.3", "is not a number"),
        ("beta=-1", "at least 0"),
        ("iwae=2.5", "positive whole number"),
        ("iwae=0", "positive whole number"),
        ("renyi=0.5", "renyi=0.5:50"),
        ("renyi=0.5:0", "renyi=0.5:50"),
        ("renyi=1:5", "order 1 is the ELBO"),
        ("renyi=--1:5", "is not a number"),
        ("iwae=1e400", "positive whole number"),
        ("kl<=--3", "is not a number"),
        ("kl<=0", "never negative"),
        ("rate<=3", "'rate' was received"),
        ("kl<=12 and", "Forms: elbo"),
        ("kl<=12 and expected_log_likelihood>=-80", "both the aim and constrained"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text, words):
    with pytest.raises(ArgumentError, match=words):
        parse_objective(text, 1000)

"""Annealed importance sampling against closed forms. Four standard errors are failed by chance once in 16,000."""

import pytest

from taut.diagnostics.annealed import anneal
from taut.diagnostics.codes import encode
from taut.diagnostics.evaluation import evaluate
from taut.diagnostics.log_marginal import weigh
from taut.errors import PairingError

SIGMAS = 4


def annealed(case, **options):  # of one shape, since a chain is slow to compile
    codes = encode(case.problem, case.images)
    plain = weigh(case.problem, case.images, codes, draws=50)
    return anneal(case.problem, case.images, codes, plain.log_marginal, **options)


@pytest.mark.slow
@pytest.mark.parametrize("latent", [1, 2])
def test_finds_the_closed_log_marginal(known, latent):
    case = known(n=20, latent=latent)
    seen = annealed(case, temperatures=200)
    assert 0 < seen.log_marginal.standard_error < 0.1
    assert abs(seen.log_marginal.value - case.log_marginal.mean()) < SIGMAS * seen.log_marginal.standard_error
    assert 0.6 < seen.acceptance < 0.97


@pytest.mark.slow
def test_finds_it_where_importance_sampling_from_q_fails(known):
    case = known(n=20, widen=0.1, shrink=-1.0)
    seen = annealed(case, temperatures=200)
    truth = case.log_marginal.mean()
    assert seen.importance_sampling < truth - 5
    assert abs(seen.log_marginal.value - truth) < SIGMAS * seen.log_marginal.standard_error
    assert seen.difference > 10 * seen.difference_standard_error
    assert seen.difference == pytest.approx(seen.log_marginal.value - seen.importance_sampling)


@pytest.mark.slow
def test_more_temperatures_less_error(known):
    case = known(n=20)
    errors = [annealed(case, temperatures=T).log_marginal.standard_error for T in (5, 200)]
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.slow
def test_batches_change_no_chain(known):
    case = known(n=20)
    each = [annealed(case, temperatures=200, batch=b).log_marginal for b in (7, 20)]
    assert each[0].value == pytest.approx(each[1].value, abs=1e-9)


@pytest.mark.slow
def test_evaluate_runs_it_on_some_images(known):
    case = known(n=40)
    seen = evaluate(case.problem, case.images, draws=50, annealed=3, dtype="float64")
    assert seen.annealed.log_marginal.images == 3
    assert abs(seen.annealed.difference) < SIGMAS * seen.annealed.difference_standard_error
    assert seen.to_json()["annealed"]["log_marginal"]["images"] == 3


def test_binary_codes_are_refused(binary):
    with pytest.raises(PairingError, match="binary codes have none"):
        evaluate(*binary[:2], draws=2, annealed=2)

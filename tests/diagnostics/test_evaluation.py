"""What every evaluation keeps to: sums and sizes, refusals, JSON."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from taut.diagnostics.codes import encode
from taut.diagnostics.evaluation import evaluate
from taut.diagnostics.log_marginal import weigh
from taut.errors import ArgumentError, DataError, PairingError
from taut.families import MeanField
from taut.families.amortized import Amortized
from taut.gradients import Reparametrization
from taut.models import LogisticRegression
from taut.models.latent import LatentVariableModel
from taut.objectives import Elbo
from taut.objectives.weighted import Weighted
from taut.problem import Problem


def figures(seen):
    """Every number of an evaluation but the time."""
    return json.dumps({k: v for k, v in seen.to_json().items() if k != "seconds"})


@pytest.mark.slow
def test_tiling_an_image_twice_doubles_the_likelihood_and_leaves_the_kl(known):
    case = known(n=10, widen=1.2)
    model, encoder = case.problem.model, case.problem.family.encoder
    twice = Problem(
        LatentVariableModel(lambda z: jnp.tile(model.decoder(z), 2), model.likelihood, 2),
        Amortized(lambda x: encoder(x[: x.size // 2])),
        Elbo(),
        Reparametrization(),
    )
    images = np.tile(case.images, 2)
    one = weigh(case.problem, case.images, encode(case.problem, case.images), draws=20)
    two = weigh(twice, images, encode(twice, images), draws=20)
    np.testing.assert_allclose(two.kl, one.kl, atol=1e-10)
    np.testing.assert_allclose(two.elbo + two.kl, 2 * (one.elbo + one.kl), atol=1e-10)
    kls = [evaluate(p, x, draws=2, dtype="float64").kl for p, x in ((case.problem, case.images), (twice, images))]
    assert kls[0] == pytest.approx(kls[1], abs=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [2, 5, 7])
def test_batches_and_padding_change_nothing(known, batch):
    case = known(n=7, widen=1.3)
    whole, cut = (evaluate(case.problem, case.images, draws=30, batch=b, dtype="float64") for b in (100, batch))
    for name in ("elbo", "expected_log_likelihood", "kl", "elbo_standard_error"):
        assert getattr(cut, name) == pytest.approx(getattr(whole, name), abs=1e-10)
    assert cut.log_marginal[:6] == pytest.approx(whole.log_marginal[:6], abs=1e-9)
    assert cut.information[:4] == pytest.approx(whole.information[:4], abs=1e-10)
    assert cut.activity.variances == pytest.approx(whole.activity.variances)


@pytest.mark.slow
def test_every_image_counts_once(known):
    """Seven images in blocks of five: a mean of block means would give the last two too much."""
    case = known(n=7)
    case.images[5:] += 30.0
    each = weigh(case.problem, case.images, encode(case.problem, case.images), draws=5).elbo
    seen = evaluate(case.problem, case.images, draws=5, batch=5, dtype="float64")
    assert seen.elbo == pytest.approx(each.mean())
    assert abs(seen.elbo - 0.5 * (each[:5].mean() + each[5:].mean())) > 1


def test_the_true_elbo_whatever_was_trained(known):
    case = known(n=5, widen=1.2)
    weighted = Problem(case.problem.model, case.problem.family, Weighted(4.0), case.problem.gradient)
    plain, other = (evaluate(p, case.images, draws=10) for p in (case.problem, weighted))
    assert other.elbo == plain.elbo


def test_seeds_reproduce_and_differ(known):
    case = known(n=5, widen=1.3)

    def run(seed):
        return evaluate(case.problem, case.images, draws=10, seed=seed)

    assert figures(run(1)) == figures(run(1))
    assert run(1).elbo != run(2).elbo


def test_json_has_what_is_promised(known):
    case = known(n=5)
    plain = json.loads(json.dumps(evaluate(case.problem, case.images, draws=10).to_json()))
    assert {"elbo", "expected_log_likelihood", "kl", "log_marginal", "active_units", "seed"} <= set(plain)
    assert {"value", "standard_error", "effective_sample_size"} <= set(plain["log_marginal"])
    assert plain["active_units"] == 2
    assert plain["annealed"] is None


@pytest.mark.slow
def test_progress_is_told(known):
    case, told = known(n=7), []
    evaluate(case.problem, case.images, draws=2, batch=3, progress=lambda *state: told.append(state))
    assert told == [(3, 7), (6, 7), (7, 7)]


@pytest.mark.slow
def test_images_of_any_shape_and_type(still):
    problem = Problem(
        LatentVariableModel(lambda z: jnp.zeros((2, 3)), latent=1), still([1.0], [0.0]), Elbo(), Reparametrization()
    )
    pixels = np.random.default_rng(0).integers(0, 2, (4, 2, 3))
    seen = [figures(evaluate(problem, pixels.astype(t), draws=3)) for t in (bool, np.uint8, np.float64)]
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(
    ("images", "options", "error", "says"),
    [
        (np.zeros((1, 4)), {}, ArgumentError, "n >= 2"),
        (np.zeros(4), {}, ArgumentError, "n >= 2"),
        (np.full((3, 4), np.nan), {}, DataError, "3 of 3 images"),
        (np.array([["a"], ["b"]]), {}, DataError, "numbers are needed"),
        (np.full((3, 4), 0.5), {}, DataError, "[Bb]inarise"),
        (np.zeros((3, 5)), {}, ArgumentError, "needs one array of 5 numbers"),
        (np.zeros((3, 4)), {"draws": 1}, ArgumentError, "draws=1"),
        (np.zeros((3, 4)), {"annealed": 4}, ArgumentError, "annealed=4"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(images, options, error, says, still):
    problem = Problem(
        LatentVariableModel(lambda z: jnp.zeros(4), latent=1), still([1.0], [0.0]), Elbo(), Reparametrization()
    )
    with pytest.raises(error, match=says):
        evaluate(problem, images, **options)


def test_one_z_for_all_rows_is_refused():
    problem = Problem(LogisticRegression(), MeanField.around(np.zeros(3)), Elbo(), Reparametrization())
    with pytest.raises(PairingError, match="one z for all rows"):
        evaluate(problem, np.zeros((3, 4)))

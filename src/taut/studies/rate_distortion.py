"""The rate-distortion curve of a model on its data, from two sweeps that must lie on one curve."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from taut.core import precision
from taut.core.trees import cast
from taut.data import Binarised
from taut.diagnostics.elbo import elbo_per_example
from taut.errors import ArgumentError, PairingError
from taut.fitting.fit import fit
from taut.fitting.given_model import check_model
from taut.models import Model
from taut.objectives import Constrained, Objective, Weighted, at_least
from taut.results.latent import LatentFit

if TYPE_CHECKING:
    import polars as pl

BETAS = (0.5, 1.0, 2.0, 4.0)
"""Weights of the KL that are fitted by default."""


def rate_distortion(
    model: Model,
    images: Any,
    *,
    betas: Sequence[float] = BETAS,
    alphas: Sequence[float] | None = None,
    test: Any = None,
    seed: int = 0,
    report: Callable[[int, int, str], None] | None = None,
    **sentences: Any,
) -> "pl.DataFrame":
    r"""Fit with each weight beta, and under each bound alpha with a learned multiplier.

    With distortion \(D = -E \log p(x|z)\) and rate \(R = KL(q(z|x) \| p(z))\), the weight beta minimises
    \(D + \beta R\). The constraint minimises R subject to \(-D \ge \alpha\), whose Lagrangian is \(R + \lambda D\).
    Both give the same points for \(\lambda = 1 / \beta\), where the curve R(D) has the slope \(-\lambda\). The two
    sweeps share nothing but the model and the data, so that their agreement is evidence for both. They agree where
    training has converged: with too few steps for the networks, multipliers were off by 10 to 20 %.

    Each sweep is compiled once, whatever its values.

    Args:
        model: A latent-variable model, from which each fit starts.
        images: Images, `[n, ...]`, or what `taut.data.binarise` returns for images.
        betas: Weights of the KL, each above zero.
        alphas: Bounds on E log p(x|z) in nats per example; None takes the values that the betas reach.
        test: Examples on which rate and distortion are measured, `[n, ...]` as the model sees them. None takes the test
            split, or for a plain array the images that were learned from.
        seed: Seed of all random numbers.
        report: A function that is called after each fit with the number of fits done, the number of all fits, and what
            the last one was.
        **sentences: Further arguments of `taut.fit`: family, algorithm, steps, batch_size, ...

    Returns:
        A Polars DataFrame with a row for each fit: `sweep` ("beta" or "alpha"), `given`, `multiplier` (1/beta, or as
        learned: the mean over the last tenth of training), `beta` (given, or 1/multiplier), `distortion`, `rate` and
        `elbo` (nats per example), `standard_error` (of the ELBO, over examples), `violation` (nats, null for a beta).

    Raises:
        PairingError: the model has one z for all rows.
        ArgumentError: a beta is not above zero, or there is nothing to fit.
    """
    import polars as pl

    check_model(model, images)
    if not model.local:
        raise PairingError(
            f"A rate-distortion curve is for models in which each example has its own z, no {model.name}."
        )
    betas = tuple(float(beta) for beta in betas)
    if not all(0 < beta < float("inf") for beta in betas):
        raise ArgumentError(f"betas={betas}: weights of the KL must be above zero and finite, e.g. {BETAS}.")
    bounds = None if alphas is None else tuple(float(alpha) for alpha in alphas)
    total = len(betas) + (len(betas) if bounds is None else len(bounds))
    if not total:
        raise ArgumentError("betas and alphas are both empty: give at least one of either.")

    if test is None:
        test = images.test.rows if isinstance(images, Binarised) else images
    seen = np.asarray(test)
    lines, reached = [], []

    def trained(sweep: str, given: float, objective: Objective) -> LatentFit:
        done = fit(model, images, objective=objective, seed=seed, progress=False, **sentences)
        assert isinstance(done, LatentFit)
        lines.append({"sweep": sweep, "given": given} | _measured(done, given, seen, seed))
        if report is not None:
            report(len(lines), total, f"{sweep} {given:.6g}")
        return done

    for beta in betas:
        path = trained("beta", beta, Weighted(beta)).history["expected_log_likelihood"]
        reached.append(float(np.mean(path[-max(len(path) // 10, 1) :])))  # what a constraint would measure
    for alpha in reached if bounds is None else bounds:
        constraint = at_least("expected_log_likelihood", alpha)
        trained("alpha", alpha, Constrained(minimise="kl", subject_to=constraint))
    return pl.DataFrame(lines)


def _measured(done: LatentFit, given: float, test: np.ndarray, seed: int) -> dict[str, float | None]:
    """Distortion, rate and ELBO of a fit on test examples, and the weight, which was given or learned."""
    with precision.context(done.dtype):
        bound = elbo_per_example(cast(done.problem, done.dtype), test, jax.random.key(seed))[0]
    learned = _only(done.multiplier)
    multiplier = 1 / given if learned is None else learned
    return {
        "multiplier": multiplier,
        "beta": given if learned is None else 1 / multiplier if multiplier > 0 else float("inf"),
        "distortion": -bound.expected_log_likelihood,
        "rate": bound.kl,
        "elbo": bound.elbo,
        "standard_error": bound.standard_error,
        "violation": _only(done.violation),
    }


def _only(by_constraint: dict[str, float] | None) -> float | None:
    """The value of the one constraint; None without any."""
    return None if by_constraint is None else next(iter(by_constraint.values()))

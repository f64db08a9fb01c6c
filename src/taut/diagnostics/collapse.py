"""Has the posterior collapsed onto the prior, and what is the likely cause: each cause has its own figures."""

import enum
from typing import NamedTuple, cast

import numpy as np

from taut.models.latent import LatentVariableModel
from taut.problem import Problem

NOTHING = 0.5
"""Nats of KL below which codes carry no information."""
MARGIN, MARGIN_NATS = 0.02, 1.0
"""Excess over the best likelihood without z that counts as real: a part of it, plus some nats."""
NOT_SUMMED = 0.1
"""Part of that likelihood's size below which the likelihood is taken for an average over elements."""
MOST_IMAGES = 2000
"""Most images from which the data's spread is measured."""
TRAINING = (
    "Neither objective nor data ask for it, so the encoder fell behind the decoder early in training: anneal the KL's "
    "weight from 0, leave each unit some nats (free bits), or lower the learning rate."
)


class Degree(enum.StrEnum):
    """How far the posterior has collapsed onto the prior."""

    NONE = "none"
    PRUNED = "pruned"
    COLLAPSED = "collapsed"


class Cause(enum.StrEnum):
    """The likely cause of unused latent units."""

    ANNEALING = "annealing"
    ENCODER = "encoder"
    SCALING = "scaling"
    STRONG_DECODER = "strong decoder"
    LEARNED_VARIANCE = "learned variance"
    CONSTRAINT = "constraint"
    BETA = "beta"
    TRAINING = "training"


class Collapse(NamedTuple):
    """The verdict on the use of the latent units.

    Attributes:
        verdict: "none" (all units active), "pruned" (some inactive, which is ordinary) or "collapsed" (all inactive).
        cause: The likely cause, or None.
        reason: The figures behind the verdict and the remedy, in words.
    """

    verdict: Degree
    cause: Cause | None
    reason: str


def diagnose(
    problem: Problem,
    images: np.ndarray,
    *,
    active: int,
    kl: float,
    expected_log_likelihood: float,
    step: int | None = None,
) -> Collapse:
    """Say whether the codes are used, and if not, why.

    Args:
        problem: The fitted problem.
        images: `[n, ...]`, the images that the figures describe.
        active: Number of units whose posterior mean moves with the image.
        kl: KL(q(z|x)||p(z)), nats per example.
        expected_log_likelihood: nats per example.
        step: Number of training steps made; shows a schedule that has not reached its end.

    Source: J. Lucas, G. Tucker, R. Grosse, M. Norouzi, Don't Blame the ELBO! A Linear VAE Perspective on Posterior
    Collapse, 2019 (a unit of a linear decoder closes if the data's variance along it is below the noise's).
    """
    units = problem.model.dim(images)
    used = f"{active} of {units} latent units are active"
    verdict = Degree.COLLAPSED if active == 0 else Degree.PRUNED if active < units else Degree.NONE
    found = _annealing(problem, step)
    if found is None and active == 0:
        found = _cause(problem, images.reshape(len(images), -1)[:MOST_IMAGES], kl, expected_log_likelihood)
    elif found is None and active < units:
        found = _beta(problem)
    head = {
        Degree.COLLAPSED: "No latent unit moves with the image.",
        Degree.PRUNED: f"{used}; a unit that gains less likelihood than it costs in KL stays closed.",
        Degree.NONE: f"All {units} latent units are active.",
    }[verdict]
    return Collapse(verdict, found[0], f"{head} {found[1]}") if found else Collapse(verdict, None, head)


def _annealing(problem: Problem, step: int | None) -> tuple[Cause, str] | None:
    weight = problem.objective.kl_weight
    if step is None or step >= weight.steps:
        return None
    return Cause.ANNEALING, (
        f"The schedule of the KL's weight ends at step {weight.steps} and training stands at {step}, where the "
        f"weight is {float(weight(step)):.3g}: these are figures of an unfinished training. Train to its end "
        "before judging."
    )


def _cause(problem: Problem, x: np.ndarray, kl: float, expected_log_likelihood: float) -> tuple[Cause, str]:
    """The first cause whose figures fit, from errors of the set-up to those of training."""
    if kl > NOTHING:
        return Cause.ENCODER, (
            f"Yet the KL is {kl:.2f} nats: the codes differ from the prior and are the same for every image. Check "
            "that the encoder reads its input (scaling, dead activations, a learning rate too high)."
        )
    return (
        _strong_decoder(problem, x, expected_log_likelihood)
        or _noise(problem, x)
        or _constraint(problem, x)
        or _beta(problem)
        or (Cause.TRAINING, TRAINING)
    )


def _strong_decoder(problem: Problem, x: np.ndarray, expected_log_likelihood: float) -> tuple[Cause, str] | None:
    """Pixels that are independent given z cannot beat, if z says nothing, the best independent pixels."""
    best = without_codes(problem, x)
    if best is None or expected_log_likelihood <= best + MARGIN * abs(best) + MARGIN_NATS:
        return None
    figures = (
        f"E log p(x|z) is {expected_log_likelihood:.4g} nats per example, and independent pixels without z reach "
        f"{best:.4g} at most."
    )
    if NOT_SUMMED * best < expected_log_likelihood <= 0:
        return Cause.SCALING, (
            f"{figures} The likelihood must be a sum over the example's elements, never a mean: a mean makes the KL "
            "too dear."
        )
    return Cause.STRONG_DECODER, (
        f"{figures} The decoder explains the pixels from one another, so z has nothing to add: weaken it, or hide "
        "pixels from it."
    )


def _noise(problem: Problem, x: np.ndarray) -> tuple[Cause, str] | None:
    likelihood = cast(LatentVariableModel, problem.model).likelihood
    sd, spread = likelihood.element_sd, float(np.sqrt(x.var(axis=0).mean()))
    if sd is None:
        return None
    if likelihood.moves and sd > 0.7 * spread:
        return Cause.LEARNED_VARIANCE, (
            f"The learned standard deviation, {sd:.3g}, has grown to the data's own, {spread:.3g}: noise explains "
            "everything. Start it lower (Gaussian(sd=0.1, learned=True)), or hold it fixed at first."
        )
    widest = float(np.sqrt(np.linalg.eigvalsh(np.cov(x.T).reshape(x.shape[1], -1))[-1]))
    if widest > sd:
        return None
    return Cause.SCALING, (
        f"The likelihood's standard deviation, {sd:.3g}, is above the data's along their widest direction, "
        f"{widest:.3g}: no code can pay for itself. Standardise the data, or give Gaussian(sd=...) a smaller one."
    )


def _constraint(problem: Problem, x: np.ndarray) -> tuple[Cause, str] | None:
    constraints = problem.objective.constraints
    best = without_codes(problem, x) if constraints else None
    for constraint in constraints:
        if constraint.statistic == "kl" and not constraint.above and constraint.bound <= NOTHING:
            return Cause.CONSTRAINT, f"The constraint {constraint} leaves no nats for a code: raise it."
        floor = constraint.statistic == "expected_log_likelihood" and constraint.above
        if floor and best is not None and constraint.bound <= best:
            return Cause.CONSTRAINT, f"The constraint {constraint} is met without any code, by {best:.4g}: raise it."
    return None


def _beta(problem: Problem) -> tuple[Cause, str] | None:
    beta = problem.objective.kl_weight.final
    if beta <= 1:
        return None
    return Cause.BETA, (
        f"Here a nat of KL must gain beta = {beta:g} nats of likelihood. Lower beta, or constrain the reconstruction "
        "and let its weight be learned."
    )


def without_codes(problem: Problem, x: np.ndarray) -> float | None:
    """The best log-likelihood of independent elements without a code, nats per example; None where it is not known.

    0/1 data: minus the entropies of the elements' means. Gaussian: each element's mean, with the likelihood's standard
    deviation or, where it is learned, the best one.

    Args:
        problem: The problem whose likelihood is used.
        x: `[n, elements]`.
    """
    x = np.asarray(x, float)
    likelihood = cast(LatentVariableModel, problem.model).likelihood
    sd = likelihood.element_sd
    if sd is not None:
        spread = float(x.var(axis=0).mean())
        variance = max(spread, 1e-12) if likelihood.moves else sd**2
        return -0.5 * x.shape[1] * (spread / variance + float(np.log(2 * np.pi * variance)))
    if not ((x == 0) | (x == 1)).all():
        return None
    p = np.clip(x.mean(axis=0), 1e-12, 1 - 1e-12)
    return float(np.sum(p * np.log(p) + (1 - p) * np.log1p(-p)))

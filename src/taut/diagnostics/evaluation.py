"""All measures of a latent-variable model on images that it has not seen, in one call."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from taut.core import precision
from taut.core.arguments import plain
from taut.core.trees import cast
from taut.diagnostics.activity import Activity, activity
from taut.diagnostics.annealed import Annealed, anneal
from taut.diagnostics.codes import encode
from taut.diagnostics.collapse import Collapse, diagnose
from taut.diagnostics.information import Information, information
from taut.diagnostics.log_marginal import LogMarginal, pooled, weigh
from taut.errors import ArgumentError, DataError, PairingError
from taut.problem import Problem


class Evaluation(NamedTuple):
    """A latent-variable model on a set of images: nats per example, each image counting once.

    Attributes:
        elbo: The true ELBO, whatever objective was trained: `expected_log_likelihood - kl`.
        expected_log_likelihood: E_q[log p(x|z)].
        kl: KL(q(z|x)||p(z)).
        elbo_standard_error: Standard error of `elbo`, from the draws.
        log_marginal: log p(x) by importance sampling.
        annealed: log p(x) of some of the images by annealed importance sampling; None unless asked for.
        activity: The active units.
        kl_per_dimension: `[D]`, sums to `kl`; None where family or prior are not factorised.
        information: The mutual information and the marginal KL.
        collapse: The verdict on the use of the units.
        images: Number of images.
        draws: Number of draws of z for each image.
        seed: Seed of every draw.
        seconds: Duration of the evaluation.
    """

    elbo: float
    expected_log_likelihood: float
    kl: float
    elbo_standard_error: float
    log_marginal: LogMarginal
    annealed: Annealed | None
    activity: Activity
    kl_per_dimension: tuple[float, ...] | None
    information: Information
    collapse: Collapse
    images: int
    draws: int
    seed: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The evaluation as plain JSON, with the number of active units as `active_units`."""
        return {**_plain(self), "active_units": self.activity.active}


def evaluate(
    problem: Problem,
    images: Any,
    *,
    draws: int = 500,
    annealed: int = 0,
    seed: int = 0,
    batch: int = 100,
    step: int | None = None,
    dtype: Any = "float32",
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    r"""Evaluate a fitted problem in which each example has its own z.

    The ELBO and log p(x) come from the same draws \(z_k \sim q(z|x)\), as the mean of the log-weights and the log of
    the mean weight. The expected log-likelihood is `elbo + kl` with the closed KL where there is one: the same number
    in expectation, and without the noise of \(\log q(z|x) - \log p(z)\), whose mean is known.

    Args:
        problem: The fitted model, family, objective and gradient.
        images: `[n, ...]`, at least two, in the likelihood's support.
        draws: Number K of draws of z for each image, at least two.
        annealed: Number of images, drawn at random, on which annealed importance sampling is run too.
        seed: Seed of the draws; equal seeds give equal results, whatever `batch`.
        batch: Number of images at once.
        step: Number of training steps made; shows an annealing that was cut short.
        dtype: "float32" or "float64".
        progress: Function called with (images done, images) after each block of importance sampling.

    Raises:
        PairingError: a model with one z for all rows.
        DataError: images of the wrong kind.
        ArgumentError: fewer than two draws or images; a diverged model.

    Example:
        >>> import jax.numpy as jnp
        >>> from taut.families.amortized import Amortized
        >>> from taut.gradients import Reparametrization
        >>> from taut.models.latent import LatentVariableModel
        >>> from taut.objectives import Elbo
        >>> model = LatentVariableModel(lambda z: jnp.zeros(4), likelihood="bernoulli", latent=2)
        >>> problem = Problem(model, Amortized(lambda x: jnp.zeros(4)), Elbo(), Reparametrization())
        >>> seen = evaluate(problem, np.eye(4), draws=10)
        >>> round(seen.log_marginal.value, 4), seen.log_marginal.standard_error < 1e-6, str(seen.collapse.verdict)
        (-2.7726, True, 'collapsed')
    """
    begun = time.monotonic()
    draws, annealed = plain(draws), plain(annealed)
    images = _checked(problem, images, draws, annealed, precision.resolve(dtype))
    n, rng = len(images), np.random.default_rng(seed)
    batch = min(batch, 1 << (n - 1).bit_length())
    with precision.context(dtype):
        problem = cast(problem, dtype)
        codes = encode(problem, images, batch=batch)
        weights = weigh(problem, images, codes, draws=draws, seed=seed, batch=batch, progress=progress)
        kl = weights.kl if codes.kl is None else np.asarray(codes.kl, float)
        split = information(codes, kl, seed=seed, batch=batch)
        second = None
        if annealed:
            chosen = np.sort(rng.choice(n, annealed, replace=False))
            importance = weights.log_marginal.of(chosen)
            second = anneal(problem, images[chosen], codes.of(chosen), importance, seed=seed)
    elbo, rate, used = float(weights.elbo.mean()), float(kl.mean()), activity(codes.mean)
    parts = codes.kl_per_dimension
    parts = None if parts is None else tuple(np.mean(parts, axis=0, dtype=float).tolist())
    verdict = diagnose(problem, images, active=used.active, kl=rate, expected_log_likelihood=elbo + rate, step=step)
    log_marginal = LogMarginal.average(weights.log_marginal, draws)
    return Evaluation(
        elbo,
        elbo + rate,
        rate,
        pooled(weights.elbo_standard_error),
        log_marginal,
        second,
        used,
        parts,
        split,
        verdict,
        n,
        draws,
        seed,
        time.monotonic() - begun,
    )


def _checked(problem: Problem, images: Any, draws: int, annealed: int, dtype: np.dtype) -> np.ndarray:
    """The images in `dtype`, or the reason why not."""
    if not problem.model.local:
        raise PairingError(
            f"evaluate is for models in which each example has its own z; a {problem.model.name} has one z for all "
            "rows. Its figures are those of the fit: fit.elbo and the verdict."
        )
    images = np.asarray(images)
    if images.ndim < 2 or len(images) < 2:
        raise ArgumentError(f"evaluate: images of shape {images.shape} were received; [n, ...], n >= 2, is needed.")
    if not np.issubdtype(images.dtype, np.number) and images.dtype != bool:
        raise DataError(f"evaluate: images of type {images.dtype} were received; numbers are needed.")
    images = images.astype(dtype)
    bad = ~np.isfinite(images).reshape(len(images), -1).all(axis=1)
    if bad.any():
        raise DataError(
            f"evaluate: {bad.sum()} of {len(bad)} images have values that are not finite, the first of them image "
            f"{np.argmax(bad)}. Remove or repair them."
        )
    if not isinstance(draws, int) or draws < 2:
        raise ArgumentError(f"draws={draws!r}: a whole number of at least 2 is needed, for a standard error.")
    if not isinstance(annealed, int) or not 0 <= annealed <= len(images):
        raise ArgumentError(f"annealed={annealed!r}: a whole number of the {len(images)} images, 0 for none.")
    problem.model.check_examples(images)
    return images


def _plain(value: Any) -> Any:
    """Named tuples as dictionaries, other tuples as lists."""
    if hasattr(value, "_asdict"):
        return {name: _plain(x) for name, x in value._asdict().items()}
    return [_plain(x) for x in value] if isinstance(value, tuple) else value

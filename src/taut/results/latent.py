"""The result of fitting a latent-variable model: the same as any fit, and what is asked of an autoencoder."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.compilation import Compiled
from taut.errors import ArgumentError
from taut.learning.loop import Ended
from taut.objectives import Constrained
from taut.results.fit import Fit
from taut.verdict.judge_latent import judge_latent
from taut.verdict.verdict import Verdict


@Compiled
def _encode(problem, x):
    q = jax.vmap(lambda row: problem.family.at(row[None]))(x)
    return q.mean, jnp.sqrt(q.variance)


@Compiled
def _decode(problem, z):
    return jax.vmap(lambda one: problem.model.likelihood.mean(problem.model.decoder(one).ravel()))(z)


@Compiled
def _sample_prior(problem, key, n):
    shape = (n, problem.model.latent)
    prior = problem.model.prior
    if problem.family.latent == "bernoulli":
        return jax.random.bernoulli(key, jax.nn.sigmoid(prior.logit), shape).astype(jnp.float32)
    scale = jnp.exp(prior.log_scale) if prior.learned else jnp.asarray(prior.scale)
    return prior.loc + scale * jax.random.normal(key, shape)


class LatentFit(Fit):
    """A fitted latent-variable model; its ELBO is in nats per example, of the validation data if there were any."""

    @property
    def judgement(self) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """None: there are no draws of one z to weigh."""
        return None

    @functools.cached_property
    def verdict(self) -> Verdict | None:
        """Whether training has arrived and whether its figures can be believed; None where nothing was learned.

        Given when first asked for: 50 draws for each of at most 200 held-out examples.
        """
        if self.parent is None or self.ended is Ended.DIVERGED:
            return self.said
        looks = self.evidence.get("validation.scores", np.zeros(0))
        return judge_latent(
            self.problem,
            self.parent.rows,
            self.history,
            looks if looks.ndim == 1 else np.zeros(0),
            self.ended,
            self.iterations,
            seed=self.seed,
            dtype=self.dtype,
        )

    def encode(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q(z|x): `[n, latent]` each. The mean is the code; a draw is another thing."""
        with precision.context(self.dtype):
            mean, sd = _encode(self.problem, np.asarray(x, self.dtype), plain=False)
        return np.asarray(mean), np.asarray(sd)

    def decode(self, z: Any) -> np.ndarray:
        """E[x|z] of codes z `[n, latent]`: `[n, elements]`."""
        with precision.context(self.dtype):
            return np.asarray(_decode(self.problem, np.asarray(z, self.dtype), plain=False))

    def reconstruct(self, x: Any) -> np.ndarray:
        """E[x|z] at the mean code of each example, in the examples' shape."""
        x = np.asarray(x)
        return self.decode(self.encode(x)[0]).reshape(x.shape)

    def sample(self, n: int = 64, seed: int = 0) -> dict[str, np.ndarray]:
        """`n` new examples: codes `z` from the prior, and `x`, the mean of what each makes, `[n, elements]`."""
        if not isinstance(n, int) or n < 1:
            raise ArgumentError(f"sample({n!r}): a positive whole number of examples is needed.")
        with precision.context(self.dtype):
            z = np.asarray(_sample_prior(self.problem, jax.random.key(seed), n, plain=False))
        return {"z": z, "x": self.decode(z)}

    def summary(self, level: float = 0.95) -> Any:
        """There is no table of coefficients here."""
        raise ArgumentError(
            "A latent-variable model has no table of coefficients; use evaluate, encode, reconstruct or sample."
        )

    def predict(self, X: Any, level: float = 0.95) -> Any:
        """There is no target here."""
        raise ArgumentError("A latent-variable model predicts no target; use encode, reconstruct or sample.")

    @property
    def multiplier(self) -> dict[str, float] | None:
        """Learned coefficient of each constraint, averaged over the last tenth of training; None without any."""
        return self._last_tenth("multiplier")

    @property
    def violation(self) -> dict[str, float] | None:
        """Violation of each constraint in nats over the last tenth of training (negative is slack)."""
        return self._last_tenth("violation")

    def _last_tenth(self, name: str) -> dict[str, float] | None:
        objective = self.problem.objective
        if not isinstance(objective, Constrained) or name not in self.history:
            return None
        path = self.history[name]
        mean = path[-max(len(path) // 10, 1) :].mean(axis=0)
        return {str(c): float(x) for c, x in zip(objective.subject_to, mean, strict=True)}

    def to_json(self) -> dict[str, Any]:
        """Everything that the printed text shows, as plain JSON; an evaluation on test data is not part of it."""
        return self._common_json() | {
            "multiplier": self.multiplier,
            "violation": self.violation,
            "images_per_second": self.steps_per_second * (self.batch_size or self.rows),
        }

    def __str__(self) -> str:
        learned = f"\nmultipliers {self.multiplier}, violations {self.violation}" if self.multiplier else ""
        return (
            f"{self.model.name}, {self.problem.objective.name}, {self.problem.gradient.name} gradient, {self.rows} "
            "examples, "
            f"{self.iterations} steps, {self.seconds['total']:.1f} s\n"
            f"ELBO {self.elbo:.3f} (standard error {self.bound.standard_error:.2g}) = "
            f"{self.expected_log_likelihood:.3f} - {self.kl:.3f} "
            f"nats per example{learned}\n{self.ended.value}"
            + (f"\n{self.reason}" if self.reason else "")
            + (f"\n{self.verdict}" if self.verdict is not None else "")
        )

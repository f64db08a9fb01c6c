"""The fit of a latent-variable model: codes, reconstructions, and the constraints' multipliers."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.arguments import whole
from taut.core.batch import Batch
from taut.core.compilation import Compiled
from taut.core.cost import VERDICT
from taut.diagnostics.constraint_checks import ConstraintCheck, constraint_checks, sentences
from taut.diagnostics.elbo import elbo_per_example
from taut.diagnostics.feasible_range import refuse_unreachable
from taut.errors import PairingError
from taut.learning.ended import Ended
from taut.results.density import NO_TABLE
from taut.results.fit import Fit
from taut.results.predictions import NO_CHECKS, no_prediction
from taut.verdict.judge_latent import DRAWS, examples_to_judge, judge_latent
from taut.verdict.verdict import Verdict

if TYPE_CHECKING:
    from taut.families import Amortized
    from taut.models.latent import LatentVariableModel

TERMS = ("expected_log_likelihood", "kl")
"""The terms of the ELBO on a held-out split, in the order in which `evidence` keeps them as `terms.SPLIT`."""
EVALUATED = 10_000
"""Most examples that are looked at for an ELBO to show or a bound to refuse."""


@Compiled
def _encode(problem, x):
    q = jax.vmap(lambda row: problem.family.at(row[None]))(x)
    return q.mean, jnp.sqrt(q.variance)


@Compiled
def _decode(problem, z):
    return jax.vmap(lambda one: problem.model.likelihood.mean(problem.model.predictors(one)))(z)


@Compiled
def _sample_prior(problem, key, n):
    return problem.model.prior.draw(key, (n, problem.model.latent))


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class LatentFit(Fit):
    """A fitted latent-variable model; its ELBO is in nats per example, of the validation data if there were any.

    Attributes:
        parent: examples for a verdict that is still to be given; None for a saved fit.
    """

    kind = "latent"
    counts_examples = True
    takes_validation = True
    absent = {
        **NO_CHECKS,
        **no_prediction("A latent-variable model predicts no target; use encode, reconstruct or sample."),
        "summary": "A latent-variable model has no table of coefficients; use evaluate, encode, reconstruct or sample.",
        "to_arviz": (
            "A latent variable model has a posterior for each example, not one to hand to ArviZ; use fit.encode(...)."
        ),
    }

    parent: Batch | None = None

    @staticmethod
    def read(model, given):
        """Examples, with their held-out examples and transform."""
        from taut.data.images.reading import example_rows

        return example_rows(model, given)

    @staticmethod
    def kept(rows, source, seed, left_open):
        """A few examples for the verdict, held-out ones where there are any."""
        return {"parent": examples_to_judge(*rows.held_out, seed)}

    @staticmethod
    def check_problem(problem, rows):
        """Refuse a prior of another kind of latent, and a bound that no decoder can meet on at most 10,000 examples."""
        family: Any = problem.family
        kind, prior = family.kind, problem.model.prior
        if kind.binary != prior.binary:
            wanted = "taut.models.BernoulliPrior()" if kind.binary else "taut.models.Normal(0, 1)"
            raise PairingError(
                f"The prior {type(prior).__name__} does not go with {kind.noun} units; give the model prior={wanted}."
            )
        if not problem.objective.constraints:
            return
        sample, transform = rows.rows[:EVALUATED], rows.transform
        seen = sample if transform is None else np.asarray(transform(jax.random.key(0), jax.device_put(sample)))
        refuse_unreachable(problem.objective, problem.model, seen)

    @staticmethod
    def final_bound(problem, key, rows, source):
        """On at most 10,000 examples, held-out ones where there are any, in nats per example."""
        examples, transform = rows.held_out
        seen = examples[:EVALUATED]
        return elbo_per_example(problem, seen, key, transform=transform)[0], len(seen) / source.size

    @staticmethod
    def room(start, family):
        """A twentieth: networks that are trained already may lose a little in a short training."""
        return 0.05 * abs(start)

    def to_save(self):
        """Nothing beside what every kind keeps."""
        return NO_TABLE, {}

    @classmethod
    def from_saved(cls, meta, arrays, fields):
        """The fit that was saved."""
        return cls(**fields)

    @property
    def model(self) -> "LatentVariableModel":
        """The latent-variable model."""
        model: Any = self.problem.model
        return model

    @property
    def posterior(self) -> "Amortized":
        """q(z|x): the encoder."""
        family: Any = self.problem.family
        return family

    @functools.cached_property
    def verdict(self) -> Verdict | None:
        """Whether training has arrived and whether its figures can be believed.

        None for a fit that an older Taut saved without a verdict.

        Given when first asked for: 50 draws for each of at most 200 held-out examples.
        """
        if self.parent is None or self.ended is Ended.DIVERGED:
            return self.said_or_diverged
        looks = self.evidence.get("validation.scores", np.zeros(0))
        with self._later.stage(VERDICT):
            self._later.add(log_densities=DRAWS * len(self.parent.rows) / self.rows)
            return judge_latent(
                self.problem,
                self.parent.rows,
                self.history,
                looks if looks.ndim == 1 else np.zeros(0),
                self.ended,
                self.iterations,
                seed=self.seed,
                dtype=self.dtype,
                checks=self.constraint_checks,
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
        n, seed = whole("n", n, 1), whole("seed", seed, 0, 2**32 - 1)
        with precision.context(self.dtype):
            z = np.asarray(_sample_prior(self.problem, jax.random.key(seed), n, plain=False))
        return {"z": z, "x": self.decode(z)}

    @property
    def multiplier(self) -> dict[str, float] | None:
        """Learned coefficient of each constraint, averaged over the last tenth of training; None without any."""
        return self._last_tenth("multiplier")

    @property
    def violation(self) -> dict[str, float] | None:
        """Violation of each constraint in nats over the last tenth of training (negative is slack)."""
        return self._last_tenth("violation")

    @property
    def constraint_checks(self) -> list[ConstraintCheck]:
        """Whether each constraint is met: in training, and on each split that was held out; none without any."""
        kept = {split: self.evidence.get(f"terms.{split}") for split in ("validation", "test")}
        terms = {s: dict(zip(TERMS, map(float, x), strict=True)) for s, x in kept.items() if x is not None}
        return constraint_checks(self.problem.objective, self.history, terms)

    def _last_tenth(self, name: str) -> dict[str, float] | None:
        constraints = self.problem.objective.constraints
        if not constraints or name not in self.history:
            return None
        path = self.history[name]
        mean = path[-max(len(path) // 10, 1) :].mean(axis=0)
        return {str(c): float(x) for c, x in zip(constraints, mean, strict=True)}

    def _own_json(self):
        return {
            "multiplier": self.multiplier,
            "violation": self.violation,
            "constraints": [check.to_json() for check in self.constraint_checks] or None,
            "images_per_second": self.steps_per_second * (self.batch_size or self.rows),
        }

    def _headline(self):
        learned = "".join(f"\n{line}" for line in sentences(self.constraint_checks))
        learned += "".join(f"\nmultiplier of {name}: {x:.4g}" for name, x in (self.multiplier or {}).items())
        return (
            f"{self.model.name}, {self.problem.objective.name}, {self.problem.gradient.name} gradient, {self.rows} "
            f"examples, {self.iterations} steps, {self.seconds['total']:.1f} s\n"
            f"ELBO {self.elbo:.3f} (standard error {self.bound.standard_error:.2g}) = "
            f"{self.expected_log_likelihood:.3f} - {self.kl:.3f} nats per example{learned}"
        )

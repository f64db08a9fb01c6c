r"""Natural-gradient ascent with exact expectations: a handful of full-data iterations, and a certificate at the end.

With linear predictors eta = X z and q = N(mu, P^{-1}), each eta_i is one-dimensional Gaussian with mean m_i and
variance v_i, so E_q[log p(x|z)] = sum_i E_i(m_i, v_i) is exact. Its derivatives give the gradient in mu and the fixed
point of P,

    g  = X' dE/dm - P0 (mu - mu0),        P* = P0 + X' diag(w) X,   w = -2 dE/dv  ( = -E[psi''] ),

with P0 the prior's precision. A step of length rho is

    P <- (1 - rho) P + rho P*,            mu <- mu + rho P*^{-1} g,

which for rho = 1 is the natural-gradient step, and for mu Newton's. Setting v = 0 turns the same step into Newton's
method for the posterior mode, so the Laplace start is this iteration with the variance switched off.

*Acceleration.* The plain iteration alternates around the optimum when predictors are collinear (more than 30 iterations
on the breast-cancer data). So steps are Anderson's (`taut.algorithms.anderson`), over x = (mu, P).

*Safety.* A step is accepted only if the ELBO does not fall; an accelerated step that is rejected falls back to the
plain one, and that to half its length, and so on.

*Certificate.* In the natural metric the ELBO promises to first order another

    decrement = 1/2 g' P*^{-1} g + 1/4 || L' (P* - P) L ||_F^2,        L L' = P^{-1}

nats: the Newton decrement over all parameters of the family. For a mean field only the diagonal of the second term
moves. For a log-concave likelihood the ELBO is concave in (mu, L), so a small decrement certifies the optimum of the
family.

Sources: M. Opper and C. Archambeau, The Variational Gaussian Approximation Revisited, 2009; E. Challis and D. Barber,
Gaussian Kullback-Leibler Approximate Inference, 2013 (concavity); M. Khan and W. Lin, Conjugate-Computation Variational
Inference, 2017.
"""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taut.algorithms.anderson import anderson_step
from taut.algorithms.base import Brings, Stepwise
from taut.algorithms.natural_point import Point, evaluate
from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.gradients import Exact
from taut.problem import Problem

LAPLACE_TOLERANCE = 1e-4
"""Newton decrement, in nats, at which the mode is good enough to start from."""
ACCELERATED, FULL = 0, 1
"""Attempts from one point: first an accelerated step, then a full plain step, then half of it, a quarter, and so on."""
MOST_ATTEMPTS = 40
"""Last attempt from one point, 2^-39 of a plain step, after which the search has stalled."""


class NaturalState(NamedTuple):
    """What the next trial needs.

    Attributes:
        problem: The problem, with the family at the accepted point.
        point: The accepted point.
        variational: False while the mode is sought (v = 0), True afterwards.
        attempt: The next attempt from the accepted point: ACCELERATED, FULL, or a later one with half the length each.
        past: The last accepted (x, G(x)) as vectors `[memory, 2, D + D^2]`, newest first.
        kept: Number of pairs in `past` that are filled.
        accepted: Number of accepted steps, those towards the mode included.
        step: Number of trials, rejected ones included.
    """

    problem: Problem
    point: Point
    variational: Bool[Array, ""]
    attempt: Int[Array, ""]
    past: Float[Array, "memory 2 N"]
    kept: Int[Array, ""]
    accepted: Int[Array, ""]
    step: Int[Array, ""]

    @property
    def length(self) -> Float[Array, ""]:
        """Length of the next plain step: 1, 1/2, 1/4, ..."""
        return 0.5 ** jnp.maximum(self.attempt - FULL, 0).astype(self.point.mean.dtype)


class NaturalGradient(Stepwise):
    """Natural-gradient ascent with exact expectations for models with a linear predictor and a Gaussian prior.

    No learning rate and no gradient estimator: it brings its own, `exact`, and the data are always seen whole.

    Attributes:
        steps: Largest number of trials.
        tolerance: Newton decrement, in nats for the whole data set, at which the algorithm ends; it also ends where
            rounding hides the decrement. An ELBO that is good to 1e-7 has terms that are good to 1e-4 only, hence the
            small default.
        memory: Number of past steps that the acceleration uses.

    Example:
        >>> NaturalGradient().tolerance
        1e-12
    """

    name: ClassVar[str] = "natural gradient"
    chunk: ClassVar[int] = 64
    deterministic: ClassVar[bool] = True
    whole: ClassVar[bool] = True
    brings = Brings(Exact, "exact expectations")
    needs = frozenset(
        {
            Capability.LINEAR_PREDICTOR,
            Capability.CLOSED_LIKELIHOOD,
            Capability.GAUSSIAN_PRIOR,
            Capability.PREDICTOR_MOMENTS,
            Capability.PRECISION,
            Capability.EVIDENCE_BOUND,
        }
    )
    steps: int = eqx.field(static=True, default=1000, converter=plain)
    tolerance: float = eqx.field(static=True, default=1e-12)
    memory: int = eqx.field(static=True, default=3, converter=plain)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 1:
            raise ArgumentError(
                f"steps={self.steps!r}: a positive whole number of iterations is needed, e.g. steps=1000."
            )
        if not self.tolerance > 0:
            raise ArgumentError(f"tolerance={self.tolerance!r}: a positive number of nats is needed, e.g. 1e-12.")

        if not isinstance(self.memory, int) or self.memory < 1:
            raise ArgumentError(f"memory={self.memory!r}: a positive whole number of past steps is needed, e.g. 3.")

    def init(self, problem, dtype):
        """At the family's mean, with nothing known yet: the first trial is accepted whatever it gives."""
        D = problem.family.dim
        zeros, eye = np.zeros(D, dtype), np.eye(D, dtype=dtype)

        def number(x):
            return np.asarray(x, dtype)

        family: Any = problem.family  # a Gaussian, as `needs` says
        start = Point(family.mean.astype(dtype), eye, zeros, eye, number(-np.inf), number(0), number(np.inf))
        count = np.int32(0)
        past = np.zeros((self.memory, 2, D + D * D), dtype)
        return NaturalState(problem, start, np.array(False), np.int32(FULL), past, count, count, count)

    def _candidate(self, state: NaturalState):
        """Mean and precision of the next trial."""
        point, rho = state.point, state.length
        precision = point.precision + jnp.where(state.variational, rho, 1.0) * (point.target - point.precision)
        plain, accelerated = (point.mean + rho * point.step, precision), self._accelerated(state)
        return jax.tree.map(lambda a, p: jnp.where(state.attempt == ACCELERATED, a, p), accelerated, plain)

    def _accelerated(self, state: NaturalState):
        """Anderson's step from the accepted point."""
        new = anderson_step(*state.point.pair, state.past, state.kept)
        D = state.point.mean.size
        return new[:D], new[D:].reshape(D, D)

    def step(self, key, state, batch):
        """One trial: evaluate the candidate, accept it if the ELBO does not fall, else try a safer one next."""
        point = state.point
        mean, precision = self._candidate(state)
        trial, q = evaluate(state.problem, mean, precision, state.variational, batch)
        accepted = (trial.value >= point.value - _rounding(point.value)) & jnp.isfinite(trial.decrement)

        def keep(new, old):
            return jnp.where(accepted, new, old)

        here = jax.tree.map(keep, trial, point)

        # Near the mode the variance is switched on: the value changes its meaning, so nothing of the past is
        # comparable.
        switch = accepted & ~state.variational & (trial.decrement < LAPLACE_TOLERANCE)
        here = here._replace(value=jnp.where(switch, -jnp.inf, here.value))
        remember = accepted & state.variational & jnp.isfinite(point.value)
        past = jnp.concatenate([jnp.stack(point.pair)[None], state.past[:-1]])
        kept = jnp.minimum(state.kept + remember, self.memory)
        new = NaturalState(
            problem=eqx.tree_at(lambda p: p.family, state.problem, jax.tree.map(keep, q, state.problem.family)),
            point=here,
            variational=state.variational | switch,
            attempt=jnp.where(accepted, jnp.where(kept > 0, ACCELERATED, FULL), state.attempt + 1),
            past=jnp.where(remember, past, state.past),
            kept=kept,
            accepted=state.accepted + accepted,
            step=state.step + 1,
        )

        def shown(x):
            return jnp.where(state.variational, x, jnp.nan)

        info = {
            "elbo": shown(trial.value),
            "expected_log_likelihood": shown(trial.expected_log_likelihood),
            "kl": shown(trial.expected_log_likelihood - trial.value),
            "bound": trial.value,
            "decrement": trial.decrement,
            "accepted": accepted,
            "variational": state.variational,
        }
        return new, info

    def converged(self, state):
        """Whether the decrement is below the tolerance, or so small that rounding hides it."""
        point = state.point
        small = point.decrement < jnp.maximum(self.tolerance, _rounding(point.value))
        return state.variational & jnp.isfinite(point.value) & small

    def finished(self, state):
        """Whether it has converged, or no step of any length helps any more."""
        return self.converged(state) | (state.attempt > MOST_ATTEMPTS)

    def healthy(self, info):
        """Always true: a trial that is not finite is rejected and its step halved."""
        return True

    def terms(self, state):
        """Exact, from the accepted point; None before the variance is switched on."""
        point = state.point
        value, likelihood = np.asarray(point.value), np.asarray(point.expected_log_likelihood)
        return (value, likelihood, likelihood - value) if np.asarray(state.variational) and np.isfinite(value) else None

    def certificate(self, state):
        """The Newton decrement."""
        return float(np.asarray(state.point.decrement))

    def iterations(self, state):
        """Number of accepted steps, those of the Laplace start included."""
        return int(state.accepted)

    def diagnose(self, key, state, batch):
        """The terms at the next trial, by name."""
        mean, precision = self._candidate(state)
        trial, _ = evaluate(state.problem, mean, precision, state.variational, batch)
        return {
            "expected_log_likelihood": trial.expected_log_likelihood,
            "bound": trial.value,
            "the gradient of family.mean": trial.step,
            "the precision of family": trial.target,
        }


def _rounding(value):
    """The rounding error of a sum over rows of this size; 0 where there is no value yet."""
    return jnp.where(jnp.isfinite(value), 64 * jnp.finfo(value.dtype).eps * jnp.abs(value), 0.0)

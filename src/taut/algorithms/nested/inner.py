r"""The inner fit: for fixed scales t, q(w) = N(m, V) that maximises the ELBO, for a batch of cells of t at once.

Under q every row's linear predictor is normal, so that its expectations are one-dimensional. With r = E d/d eta log p
and h = -E d2/d eta2 log p the natural gradient's step is

    P <- (1 - rho) P + rho (X' diag(h) X + prior precision),    m <- m + rho P^-1 (X' r - prior precision (m - mean)).

rho is halved while the ELBO falls. Where a likelihood is not log-concave, h may be negative: the fixed point needs
that, and a step after which P is not positive definite counts as one after which the ELBO fell.

The ELBO in t at a fixed q is kept in parts (`Inner.elbo`). So the ELBO of a neighbour's q is known at a new t without
any factorisation, and so is the gradient in t at the optimum (`envelope`).

Sources: M. E. Khan and W. Lin, Conjugate-Computation Variational Inference, 2017; M. Opper and C. Archambeau, The
Variational Gaussian Approximation Revisited, 2009.
"""

from dataclasses import replace

import numpy as np

from taut.algorithms.nested.effects import LOG_2PI, Effects, GaussianEffects
from taut.algorithms.nested.layout import Layout
from taut.algorithms.nested.precision import LARGEST_BATCH, DenseAlgebra, Precision
from taut.algorithms.nested.priors import Prior
from taut.algorithms.nested.scales import Likelihood, Scales
from taut.algorithms.nested.sparse import SparseAlgebra, SparsePrecision
from taut.algorithms.nested.state import State

MOST_STEPS = 200
WIDEST_DENSE = 100
"""Columns of the border above which sums over rows are sparse."""
SHORTEST_STEP = 1e-3
LEAST_WEIGHT = 1e-6
"""Of a row at the start, by the largest."""


class Inner:
    """The inner problem of one data set.

    Args:
        layout: the linear predictor.
        likelihood: p(y given eta, phi), rows in the order of `layout.order`.
        effects: what q says of the eliminated effects.
    """

    def __init__(self, layout: Layout, likelihood: Likelihood, effects: Effects | None = None):
        self.layout, self.likelihood = layout, likelihood
        self.scales = Scales(layout.factors, likelihood)
        self.algebra = (SparseAlgebra if layout.width > WIDEST_DENSE else DenseAlgebra)(layout)
        self.effects = GaussianEffects() if effects is None else effects
        self.batch = max(1, min(self.algebra.batch, int(LARGEST_BATCH // (layout.rows * self.effects.nodes))))
        self.steps = 0

    def elbo(self, state: State, t: np.ndarray) -> np.ndarray:
        """The ELBO `[T]` of each q at its t."""
        total = state.value + state.fixed_term + state.entropy + self.scales.effects_term(t, state.seconds)
        return np.where(np.isfinite(total), total, -np.inf)

    def envelope(self, state: State, t: np.ndarray) -> np.ndarray:
        """The gradient in t of the ELBO plus log p(t), `[T, K]`, at each optimal q.

        q is held: only E log p(u given t), E log p(y given eta, phi) and log p(t) move. Differences of these are exact
        to six digits and more.
        """
        T, K = t.shape
        step = 1e-4
        moved = t + step * np.concatenate([np.eye(K), -np.eye(K)])[:, None]  # [2K, T, K]
        seconds = [np.tile(each, (2 * K, 1, 1)) for each in state.seconds]
        flat = moved.reshape(2 * K * T, K)
        values = (self.scales.log_prior(flat) + self.scales.effects_term(flat, seconds)).reshape(2 * K, T)
        gradient = ((values[:K] - values[K:]) / (2 * step)).T
        own = range(self.scales.own.start, K)
        if own:
            cells, step = np.tile(np.arange(T), len(own)), 1e-6
            nearby = t[cells] + step * np.repeat(np.eye(K)[own], T, axis=0)
            rows = self.effects.again(self, state.take(cells), nearby)[0].reshape(len(own), T)
            gradient[:, own] += ((rows - state.value) / step).T
        return gradient

    def expect(self, m: np.ndarray, v: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The likelihood's expectations at cells t, `[T, n]` each."""
        with np.errstate(over="ignore", invalid="ignore"):
            value, slope, bend = self.likelihood.expect(m, v, self.scales.phi(t))
        # A state is written to, which a likelihood's constants and JAX's arrays do not allow.
        return np.require(value, float, "W"), np.require(slope, float, "W"), np.require(bend, float, "W")

    def start(self, t: np.ndarray) -> State:
        """q after one step of weighted least squares from the likelihood's own start."""
        T, n = len(t), self.layout.rows
        m = np.tile(self.likelihood.start(), (T, 1))
        _, slope, bend = self.expect(m, np.zeros((T, n)), t)
        h = np.maximum(bend, LEAST_WEIGHT * np.maximum(bend.max(1, keepdims=True), np.finfo(float).tiny))
        prior = self.prior(t)
        precision = self._factorise(h, prior)
        working = h * (m - self.layout.offset) + slope
        b, u = self.algebra.gather(working)
        b[:, : len(self.layout.mean)] += self.layout.mean / self.layout.sd**2
        b, u = precision.solve(b, u)
        return self._state(b, u, precision.inverse, h, precision, prior)

    def adopted(self, state: State, t: np.ndarray) -> State:
        """The state of another `Effects` as a start for these."""
        prior = self.prior(t)
        precision = self._factorise(state.h, prior)
        return self._state(state.border, state.groups, state.spread, state.h, precision, prior)

    def solve(self, t: np.ndarray, state: State, tolerance: float = 1e-5) -> State:
        """The best q at each t `[T, K]`, from a neighbour's q.

        Args:
            t: `[T, K]`, the cells.
            state: where each cell starts.
            tolerance: nats left to gain at which a cell is finished.
        """
        state = self._at(state, t)
        prior, elbo, rho = self.prior(t), self.elbo(state, t), np.ones(len(t))
        active = np.arange(len(t))
        for _ in range(MOST_STEPS):
            if not len(active):
                break
            some = len(active) < len(t)
            before, of = (state.take(active), prior.take(active)) if some else (state, prior)
            trial = self.step(before, of, rho[active])
            trial_elbo = self.elbo(trial, t[active])
            with np.errstate(invalid="ignore"):
                gain = trial_elbo - elbo[active]
                better = gain >= -0.1 * tolerance
                # Nodes of quadrature that have moved may lower the ELBO a little on the way to the optimum.
                better |= (gain >= -self.effects.rounding) & (trial.left < tolerance)
            cells = active[better]
            if better.all() and not some:
                state = trial
            else:
                state.put(cells, trial.take(better.nonzero()[0]))
            elbo[cells] = trial_elbo[better]
            done = better & (rho[active] == 1) & (np.minimum(gain, trial.left) < tolerance)
            rho[cells] = np.minimum(1, 2 * rho[cells])
            rho[active[~better]] /= 2
            active = active[~done & (rho[active] > SHORTEST_STEP)]
        return state

    def step(self, state: State, prior: Prior, rho: np.ndarray) -> State:
        """One step of the natural gradient of length rho `[T]`."""
        self.steps += len(rho)
        length = rho[:, None]
        h = (1 - length) * state.h + length * state.bend
        with np.errstate(invalid="ignore", over="ignore"):  # a step too far is found by its ELBO
            precision = self._factorise(h, prior)
            b, u = precision.solve(*self.gradient(state, prior))
            border, groups = state.border + length * b, state.groups + length[..., None] * u
            return self._state(border, groups, state.spread, h, precision, prior)

    def gradient(self, state: State, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
        """The gradient of the ELBO in the mean."""
        rows = self.algebra.gather(state.slope)
        border, groups = (a + b for a, b in zip(rows, prior.gradient(state.border, state.groups), strict=True))
        return border, np.zeros_like(groups) if self.effects.profiled else groups

    def prior(self, t: np.ndarray) -> Prior:
        """p(w given t) at cells t."""
        return Prior.of(self.layout, self.scales, t)

    def _factorise(self, h: np.ndarray, prior: Prior) -> Precision | SparsePrecision:
        return self.algebra.factorise(h, prior.border, prior.groups)

    def precision(self, state: State, t: np.ndarray) -> Precision | SparsePrecision:
        """The covariances of q, when t is where the states were solved."""
        return replace(self._factorise(state.h, self.prior(t)), inverse=state.spread)

    def _state(self, border, groups, spread, h, precision: Precision | SparsePrecision, prior: Prior) -> State:
        """The state of a border's mean, curvatures and their precision; groups and spread are a guess."""
        layout = self.layout
        of = self.effects.at(self, border, groups, spread, precision, prior)
        P = len(layout.mean)
        around = precision.border_variances()[:, :P] + (border[:, :P] - layout.mean) ** 2
        fixed_term = -0.5 * (around / layout.sd**2 + LOG_2PI + 2 * np.log(layout.sd)).sum(1)
        entropy = 0.5 * (layout.width * (1 + LOG_2PI) - precision.log_schur) + of.entropy
        if layout.last is None:  # the stand-in has exactly its prior N(0, 1), whose entropy this is
            entropy = entropy - 0.5 * (1 + LOG_2PI)
        seconds = self._seconds(border, of.groups, replace(precision, inverse=of.spread))
        left = np.zeros(len(border))
        rows = (of.m, of.v, h, of.value, of.slope, of.bend)
        state = State(border, of.groups, of.spread, of.held, *rows, seconds, fixed_term, entropy, left)
        return replace(state, left=self._left(state, precision, prior))

    def _seconds(self, border, groups, precision: Precision | SparsePrecision) -> tuple[np.ndarray, ...]:
        layout, out = self.layout, []
        for k, factor in enumerate(layout.factors):
            if k == layout.last:
                products = precision.group_covariances().sum(-1)
                out.append(products + groups @ groups.swapaxes(1, 2))
                continue
            places = layout.effect_places(k)
            effects = border[:, places]
            products = effects @ effects.swapaxes(1, 2)
            for a in range(factor.width):
                for b in range(factor.width):
                    products[:, a, b] += precision.covariance[:, places[a], places[b]].sum(1)
            out.append(products)
        return tuple(out)

    def _left(self, state: State, precision: Precision | SparsePrecision, prior: Prior) -> np.ndarray:
        """The gain that the next step promises: half the Newton decrement, and the KL of the change of P.

        The latter is tr[(V X' dH X)^2] / 4, here as if the change were spread evenly over the sum(h v) directions
        that the rows determine.
        """
        gradient = self.gradient(state, prior)
        move = precision.solve(*gradient)
        decrement = 0.5 * sum((g * s).reshape(len(g), -1).sum(1) for g, s in zip(gradient, move, strict=True))
        change = (np.abs(state.bend - state.h) * state.v).sum(1)
        directions = np.maximum((np.abs(state.h) * state.v).sum(1), 1)
        return decrement + change**2 / (4 * directions)

    def _at(self, state: State, t: np.ndarray) -> State:
        """A copy of the same q with the expectations of its rows under another phi."""
        state = state.take(np.arange(len(t)))
        if not self.likelihood.parameters:
            return state
        value, slope, bend = self.effects.again(self, state, t)
        return replace(state, value=value, slope=slope, bend=bend)

r"""Draws that are wider than q's, to be weighed: a Student-t distribution in the noise that q's draws are made of.

A draw of q is x = T(eps) with normal eps. Seen from eps the posterior is nearly N(0, I), and where q misses something
it is most often wider: a Gaussian of the best ELBO lies within what it approximates, so that its weights have a long
tail. Draws eps of a Student-t distribution whose location, scale and degrees of freedom are fitted to weighted pilot
draws have weights without such a tail. They take values of log p, and no gradients.

Source: O. Cappe, R. Douc, A. Guillin, J.-M. Marin, C. Robert, Adaptive Importance Sampling in General Mixture Classes,
2008 (the steps of expectation maximisation on weighted draws).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from taut.core.constants import LOG_2PI
from taut.diagnostics.importance import pareto_smoothed
from taut.families import Family
from taut.models.density import Density
from taut.verdict.draws import placed

PILOTS = 1000, 4000, 4000
"""Number of pilot draws of each round, of which each but the first tries what was fitted to the one before."""
FREEDOMS, GIVEN = (3.0, 5.0, 10.0, 20.0), 0.3
"""Degrees of freedom that are tried, and nats that are given for fewer of them: pilot draws say little of tails, and of
two proposals the one with longer tails has the safer weights."""
FIRST, WIDER = 5.0, 1.1
"""Degrees of freedom of the first pilot draws, and their scale."""
SWEEPS = 10
"""Number of steps of expectation maximisation."""
LEAST_SHARE = 0.02
"""Effective share of the pilot draws below which nothing is fitted to them."""


class StudentT(NamedTuple):
    """A multivariate Student-t distribution.

    Attributes:
        mean: `[D]`, its location.
        factor: `[D, D]`, the lower triangular root of its scale matrix.
        freedom: Its degrees of freedom.
    """

    mean: Float[np.ndarray, " D"]
    factor: Float[np.ndarray, "D D"]
    freedom: float

    def draw(self, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n D"]:
        """`n` independent draws."""
        normal = rng.standard_normal((n, self.mean.size)) @ self.factor.T
        return self.mean + normal * np.sqrt(self.freedom / rng.chisquare(self.freedom, n))[:, None]

    def squares(self, x: Float[np.ndarray, "n D"]) -> Float[np.ndarray, " n"]:
        """Squared distances from the location, in units of the scale."""
        return np.sum(np.linalg.solve(self.factor, (x - self.mean).T) ** 2, axis=0)

    def log_prob(self, x: Float[np.ndarray, "n D"]) -> Float[np.ndarray, " n"]:
        """Log density, in nats.

        Example:
            >>> cauchy = StudentT(np.zeros(1), np.eye(1), 1.0)
            >>> bool(np.isclose(cauchy.log_prob(np.array([[2.0]]))[0], -np.log(5 * np.pi)))
            True
        """
        nu, dim = self.freedom, self.mean.size
        constant = gammaln((nu + dim) / 2) - gammaln(nu / 2) - 0.5 * dim * np.log(nu * np.pi)
        width = np.sum(np.log(np.diag(self.factor)))
        return constant - width - 0.5 * (nu + dim) * np.log1p(self.squares(x) / nu)

    def fitted(self, x: Float[np.ndarray, "n D"], weights: Float[np.ndarray, " n"]) -> "StudentT":
        """The distribution of nearly the highest weighted log density; near this one where few draws have weight."""
        ends = [self._replace(freedom=nu)._maximised(x, weights) for nu in FREEDOMS]
        found = np.array([weights @ end.log_prob(x) for end in ends])
        return ends[int(np.argmax(found > found.max() - GIVEN))]

    def _maximised(self, x, weights) -> "StudentT":
        dim, here = self.mean.size, self
        size = 1 / np.sum(weights**2)
        kept = (dim + 2) / (size + dim + 2)
        before = self.factor @ self.factor.T
        for _ in range(SWEEPS):
            shares = weights * (here.freedom + dim) / (here.freedom + here.squares(x))
            mean = shares @ x / shares.sum()
            centred = x - mean
            scale = (1 - kept) * (centred * shares[:, None]).T @ centred + kept * before
            here = here._replace(mean=mean, factor=np.linalg.cholesky(scale))
        return here


class Wide(NamedTuple):
    """Draws with log p and the log density of their own distribution, `[n, D]`, `[n]` and `[n]`."""

    z: Float[np.ndarray, "n D"]
    log_prob: Float[np.ndarray, " n"]
    log_own: Float[np.ndarray, " n"]


class Widened:
    """The distribution of T(eps), eps of a Student-t distribution that is fitted to pilot draws.

    Args:
        family: q, whose draws are T(eps) with normal eps.
        density: log p.
        rng: Random numbers.

    Attributes:
        share: Effective number of the pilot draws of the best distribution, as a share of them.
    """

    def __init__(self, family: Family, density: Density, rng: np.random.Generator):
        self.family, self.density, self.rng = family, density, rng
        self.noise = StudentT(np.zeros(density.dim), WIDER * np.eye(density.dim), FIRST)
        self.share, best = 0.0, self.noise
        for n in PILOTS:
            eps, wide = self._draws(n)
            smoothed = pareto_smoothed(wide.log_prob - wide.log_own)
            share = smoothed.effective_sample_size / n
            if share > self.share:
                self.share, best = share, self.noise
            if not share > LEAST_SHARE:
                break
            self.noise = self.noise.fitted(eps, smoothed.weights)
        self.noise = best

    def draws(self, n: int) -> Wide:
        """`n` independent draws."""
        return self._draws(n)[1]

    def more(self, wide: Wide, n: int) -> Wide:
        """The same draws and others, `n` in all."""
        return Wide(*map(np.concatenate, zip(wide, self.draws(n - len(wide.z)), strict=True)))

    def _draws(self, n: int) -> tuple[np.ndarray, Wide]:
        eps = self.noise.draw(n, self.rng)
        z, log_q = placed(self.family, eps, self.density.dtype)
        normal = -0.5 * np.sum(eps**2, axis=1) - 0.5 * eps.shape[1] * LOG_2PI
        return eps, Wide(z, self.density.values(z)[0], log_q + self.noise.log_prob(eps) - normal)

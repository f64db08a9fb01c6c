r"""The unknowns of a regression with groups, and their prior.

z holds, one after another: the coefficients \(\beta\); for each group term its effects u, `[q, G]`; for each group term
its q log sds and q(q-1)/2 unconstrained partial correlations; and the likelihood's own parameters, unconstrained. The
scales and own parameters together are t, everything before them is w:

    \beta_j \sim p_j,   u_g | t \sim N(0, D R D),   D = diag(sds),   R \sim LKJ(\eta),   sds \sim p.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core.constants import LOG_2PI
from taut.models.likelihoods import Likelihood
from taut.models.own_parameters import OwnParameters
from taut.models.partial_correlations import correlation_root, log_lkj
from taut.models.prior import Prior
from taut.models.stated import Stated, normal


class GroupTerm(eqx.Module):
    r"""The effects of one group term: each level has q of them.

    Attributes:
        name: Of the grouping factor.
        levels: Names of the G levels.
        terms: Names of the q columns whose effects vary.
        sds: The prior of each sd.
        concentration: \(\eta\) of the LKJ prior of the correlations.
    """

    name: str = eqx.field(static=True)
    levels: tuple[str, ...] = eqx.field(static=True)
    terms: tuple[str, ...] = eqx.field(static=True)
    sds: tuple[Stated, ...]
    concentration: float = eqx.field(static=True, default=2.0)

    @property
    def size(self) -> int:
        """Number of effects."""
        return len(self.levels) * len(self.terms)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of terms that are correlated, by rows of the lower triangle."""
        return [(i, j) for i in range(len(self.terms)) for j in range(i)]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its sds and correlations: "sd(herd:Intercept)", "cor(Subject:Intercept,Days)"."""
        sds = [f"sd({self.name}:{term})" for term in self.terms]
        return (*sds, *(f"cor({self.name}:{self.terms[j]},{self.terms[i]})" for i, j in self.pairs))


class Parts(NamedTuple):
    """z in parts, with any axes in front.

    Attributes:
        beta: `[..., P]`.
        effects: `[..., q, G]` of each group term.
        log_sds: `[..., q]` of each.
        partial: `[..., q(q-1)/2]` of each, unconstrained.
        own: `[..., L]`, the likelihood's parameters, unconstrained.
    """

    beta: Any
    effects: tuple[Any, ...]
    log_sds: tuple[Any, ...]
    partial: tuple[Any, ...]
    own: Any


class Hierarchy(Prior):
    """The prior of everything that is unknown in a regression by formula.

    Attributes:
        coefficients: The prior of each coefficient.
        groups: The group terms.
        own: The parameters of the likelihood itself.
        empirical: Places of the coefficients whose common scale the data are still to choose; none once it is chosen.
    """

    coefficients: tuple[Stated, ...]
    groups: tuple[GroupTerm, ...]
    own: OwnParameters
    empirical: tuple[int, ...] = eqx.field(static=True, default=())

    def with_scale(self, scale: float) -> "Hierarchy":
        """The same with N(0, scale) on the coefficients whose common scale was to be chosen."""
        chosen = set(self.empirical)
        each = enumerate(self.coefficients)
        return Hierarchy(tuple(normal(0.0, scale) if j in chosen else p for j, p in each), self.groups, self.own)

    @property
    def dim_w(self) -> int:
        """Number of coefficients and effects."""
        return len(self.coefficients) + sum(group.size for group in self.groups)

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.dim_w + sum(len(group.names) for group in self.groups) + self.own.size

    @property
    def further(self) -> np.ndarray:
        """Where the search starts for unknowns behind all others; there are none here."""
        return np.zeros(0)

    @property
    def gaussian(self) -> bool:
        """Whether every coefficient has a normal prior."""
        return all(prior.kind == "Normal" for prior in self.coefficients)

    def parts(self, z: Any) -> Parts:
        """z, `[..., D]`, in parts."""
        at = len(self.coefficients)
        effects, log_sds, partial = [], [], []
        for group in self.groups:
            flat = z[..., at : at + group.size]
            effects.append(flat.reshape(*z.shape[:-1], len(group.terms), len(group.levels)))
            at += group.size
        for group in self.groups:
            q = len(group.terms)
            log_sds.append(z[..., at : at + q])
            partial.append(z[..., at + q : at + len(group.names)])
            at += len(group.names)
        return Parts(z[..., : len(self.coefficients)], tuple(effects), tuple(log_sds), tuple(partial), z[..., at:])

    def scales(self, z: Any) -> dict[str, Any]:
        """The sds and correlations of the group terms by name, `[...]` each, from z `[..., D]`."""
        parts, found, xp = self.parts(z), {}, np if isinstance(z, np.ndarray) else jnp
        for group, log_sds, partial in zip(self.groups, parts.log_sds, parts.partial, strict=True):
            values = [xp.exp(log_sds[..., i]) for i in range(len(group.terms))]
            root = correlation_root(partial, len(group.terms), xp)
            values += [sum(a * b for a, b in zip(root[i], root[j], strict=False)) for i, j in group.pairs]
            found |= dict(zip(group.names, values, strict=True))
        return found

    def log_prob(self, z):
        """log p(z), in nats."""
        return self._of_parts(self.parts(z))

    def _of_parts(self, parts: Parts) -> Float[Array, ""]:
        total = self._of_coefficients(parts.beta) + self.own.log_prior(parts.own, parts.beta)
        of_groups = zip(self.groups, parts.effects, parts.log_sds, parts.partial, strict=True)
        return total + sum((_of_group(*one) for one in of_groups), jnp.zeros(()))

    def _of_coefficients(self, beta: Float[Array, " P"]) -> Float[Array, ""]:
        """By blocks of neighbours with one kind of prior, so that what is compiled stays small."""
        total, at = jnp.zeros(()), 0
        while at < len(self.coefficients):
            first, end = self.coefficients[at], at + 1
            while end < len(self.coefficients) and self.coefficients[end].kind == first.kind:
                end += 1
            names = [name for name, _ in first.numbers]
            numbers = {n: jnp.asarray([p.number(n) for p in self.coefficients[at:end]]) for n in names}
            total += jnp.sum(type(first.distribution)(**numbers).log_prob(beta[at:end]))
            at = end
        return total

    def draw(self, key, shape):
        """Draws `[n, D]`: the coefficients, then the scales, then the effects given these."""
        keys = iter(jax.random.split(key, 4 + 4 * len(self.groups)))
        beta = [p.distribution.sample(k, shape[:1]) for p, k in _each_key(self.coefficients, next(keys))]
        effects, scales = [], []
        for group in self.groups:
            q = len(group.terms)
            sds = jnp.stack([p.distribution.sample(k, shape[:1]) for p, k in _each_key(group.sds, next(keys))], -1)
            partial = _draw_partial(next(keys), shape[0], q, group.concentration)
            rows = correlation_root(partial, q, jnp)
            noise = jax.random.normal(next(keys), (shape[0], q, len(group.levels)))
            u = [sds[:, i, None] * sum(a[:, None] * noise[:, j] for j, a in enumerate(rows[i])) for i in range(q)]
            effects.append(jnp.stack(u, 1).reshape(shape[0], -1))
            scales += [jnp.log(sds), partial]
        own = self.own.draw(next(keys), shape[0])
        beta, own = self.own.joined(jnp.stack(beta, -1), own)
        return jnp.concatenate([beta, *effects, *scales, own], -1)


def _each_key(priors: tuple[Stated, ...], key: Any) -> list[tuple[Stated, Any]]:
    return list(zip(priors, jax.random.split(key, len(priors)), strict=True))


def _draw_partial(key: Any, n: int, q: int, concentration: float) -> Float[Array, "n pairs"]:
    """Unconstrained partial correlations of LKJ: (tanh + 1) / 2 ~ Beta(b, b), by column of the lower triangle."""
    columns = np.array([j for i in range(q) for j in range(i)], float)
    b = concentration + (q - 2 - columns) / 2
    return jnp.arctanh(2 * jax.random.beta(key, b, b, (n, len(columns))) - 1)


def _of_group(group: GroupTerm, effects: Any, log_sds: Any, partial: Any) -> Any:
    """log p(u, scales) of one group term over the unconstrained scales, in nats."""
    q, total = len(group.terms), log_lkj(partial, len(group.terms), group.concentration, jnp)
    for prior, log_sd in zip(group.sds, log_sds, strict=True):
        total += prior.distribution.log_prob(jnp.exp(log_sd)) + log_sd
    root = correlation_root(partial, q, jnp)
    whitened: list[Any] = []  # L^-1 u, row by row
    for i in range(q):
        left = effects[i] * jnp.exp(-log_sds[i]) - sum((root[i][j] * whitened[j] for j in range(i)), jnp.zeros(()))
        whitened.append(left / root[i][i])
    log_root = sum((jnp.log(root[i][i]) for i in range(q)), jnp.sum(log_sds))
    squares = sum((jnp.sum(e**2) for e in whitened), jnp.zeros(()))
    return total - 0.5 * (squares + group.size * LOG_2PI) - len(group.levels) * log_root


def likelihood_with(own: OwnParameters, likelihood: Likelihood, free: Any) -> Likelihood:
    """The likelihood with its own parameters at unconstrained values `[L]`."""
    return likelihood.with_parameters(own.values(free)) if own.size else likelihood

"""Every admissible estimator x objective x family x control variate: the expected gradient is the gradient, to 1e-6.

Expectations over an estimator's noise are quadratures and enumerations: nodes take the place of the random numbers. The
truth is the objective's expectation by the density of q over a grid of z (or over all outcomes), differentiated in q's
parameters, with the model's log densities written down here once more. No random number decides anything.

Whoever adds an estimator or a control variate to `taut.gradients`, an objective to `taut.objectives` or a family to
`taut.families` finds it in this table; a family also needs a member and the law of its noise below.
"""

import inspect
import itertools
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln

import taut.families
import taut.gradients
import taut.objectives
from taut.core.capabilities import Capability
from taut.core.compilation import PLAIN
from taut.families import (
    Amortized,
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Family,
    FullRank,
    Gamma,
    GammaRate,
    LowRank,
    MeanField,
    Poisson,
    Weibull,
)
from taut.gradients import (
    ControlVariate,
    DeltaMethod,
    Disarm,
    Gradient,
    MeasureValued,
    MovingAverage,
    NoControl,
    OptimalBaseline,
    PathDerivative,
    Reinforce,
    Reparametrization,
    StraightThrough,
)
from taut.gradients.evaluate import closed_parts
from taut.models import LogisticRegression, Normal
from taut.models.target import Target
from taut.objectives import (
    Constrained,
    Draws,
    Elbo,
    FreeBits,
    ImportanceWeighted,
    Objective,
    Renyi,
    Weighted,
    at_least,
)

pytestmark = pytest.mark.usefixtures("x64")
plainly = partial(jax.jit, compiler_options=PLAIN)
rng = np.random.default_rng(8)
MEMBERS = {
    MeanField: MeanField(np.array([0.4]), np.array([-0.5])),
    FullRank: FullRank(np.array([0.4, -0.3]), np.array([-0.9, -1.1]), np.array([[0.0, 0.0], [0.3, 0.0]])),
    LowRank: LowRank(np.array([0.4]), np.array([-0.6]), np.array([[0.6]])),
    Bernoulli: Bernoulli(np.array([0.7, -1.1])),
    Categorical: Categorical(np.array([[0.3, -0.2, 0.9], [0.0, 0.5, -0.7]])),
    Poisson: Poisson(np.array([0.3])),
    Gamma: Gamma(np.log([6.0]), np.log([4.0])),
    GammaRate: GammaRate(np.log([3.5]), shape=4.0),
    Weibull: Weibull(np.log([1.5]), shape=3.0),
    Beta: Beta(np.log([9.0]), np.log([7.0])),
    Dirichlet: Dirichlet(np.log([9.0, 7.0])),
}
OBJECTIVES = [
    Elbo(),
    Weighted(0.5),
    FreeBits(0.1),
    FreeBits(0.1, "example"),
    ImportanceWeighted(),
    Renyi(0.5),
    Renyi(2.0),
    Constrained(minimise="kl", subject_to=at_least("expected_log_likelihood", -2.0)),
]
PUBLIC = {
    room: [part for _, part in inspect.getmembers(room, inspect.isclass)]
    for room in (taut.families, taut.gradients, taut.objectives)
}


def data(D):
    return np.random.default_rng(D).normal(size=(5, D)), np.array([0.0, 1.0, 1.0, 0.0, 1.0])


LOC, SCALE, FACTOR = 0.2, 1.5, 2.0
MODEL = LogisticRegression(Normal(LOC, SCALE))


def target(D):
    return Target(MODEL, data(D), np.ones(5), np.asarray(FACTOR))


def log_likelihood(z):
    X, y = data(z.shape[-1])
    return FACTOR * jnp.sum(y * (z @ X.T) - jnp.logaddexp(0.0, z @ X.T), axis=-1)


def log_priors(z):
    return -0.5 * ((z - LOC) / SCALE) ** 2 - np.log(SCALE) - 0.5 * np.log(2 * np.pi)


# --- The truth: by the density, over a grid of z ---


def grid(q, fine):
    """Points z `[N, D]` and what each counts beside q's density."""
    if isinstance(q, (Bernoulli, Categorical)):
        z = np.asarray(q.outcomes())
        return z, np.ones(len(z))
    if isinstance(q, Poisson):
        return np.arange(30.0)[:, None], np.ones(30)
    x = np.linspace(-12, 9, 1201 if fine else 301)
    h = x[1] - x[0]
    share = 1 / (1 + np.exp(-x))
    if isinstance(q, Beta):
        return share[:, None], h * share * (1 - share)
    if isinstance(q, Dirichlet):
        return np.stack([share, 1 / (1 + np.exp(x))], -1), h * share * (1 - share)
    if isinstance(q, (Gamma, GammaRate, Weibull)):
        positive = np.exp(0.8 * x)
        return positive[:, None], 0.8 * h * positive
    if q.dim == 1:
        return x[:, None], np.full(len(x), h)
    x = np.linspace(-4, 4, 201 if fine else 49)
    return np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2), np.full(len(x) ** 2, (x[1] - x[0]) ** 2)


def marginal_kls(q, z, weight):
    """KL of each coordinate by its own density; over a grid where there is one coordinate."""
    if isinstance(q, Bernoulli):
        log_q = z * jax.nn.log_sigmoid(q.logits) + (1 - z) * jax.nn.log_sigmoid(-q.logits)
        return weight @ (log_q - log_priors(z))
    return (weight @ (jax.vmap(q.log_prob)(z) - jnp.sum(log_priors(z), -1)))[None]


def expected_statistics(q, objective, K):
    several = Capability.MEAN_OVER_DRAWS not in objective.offers and K == 2
    z, cell = grid(q, fine=not several)
    log_q = jax.vmap(q.log_prob)(z)
    weight = cell * jnp.exp(log_q)
    terms = log_likelihood(z), jnp.sum(log_priors(z), -1), log_q
    zero = jnp.zeros(())
    if several:
        pairs = [jnp.stack(jnp.broadcast_arrays(t[:, None], t[None, :]), -1) for t in terms]
        of = jax.vmap(jax.vmap(lambda *t: objective.statistics(Draws(*t, t[2] - t[1], zero))))
        return jax.tree.map(lambda s: weight @ s @ weight, of(*pairs))
    if Capability.MEAN_OVER_DRAWS in objective.offers:
        means = [(weight @ t)[None] for t in terms]
        closed = marginal_kls(q, z, weight) if isinstance(objective, FreeBits) else None
        return objective.statistics(Draws(*means, means[2] - means[1], zero, closed))
    of = jax.vmap(lambda *t: objective.statistics(Draws(*(x[None] for x in t), (t[2] - t[1])[None], zero)))
    return jax.tree.map(lambda s: weight @ s, of(*terms))


# --- The law of the noise ---

NEGLIGIBLE = 1e-15
"""Weight of a node that is left out."""


def herme(points):
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, weights / weights.sum()


def log_gammas(a, step=0.15):
    """log g for g ~ Gamma(a), by the trapezoid rule, which is exact to rounding here."""
    x = np.arange(-36.0, 4.0, step)
    weights = step * np.exp(a * x - np.exp(x) - gammaln(a))
    return x[weights > NEGLIGIBLE], weights[weights > NEGLIGIBLE]


def logits(a, b, step=0.15):
    """logit z for z ~ Beta(a, b), likewise."""
    x = np.arange(-30.0, 30.0, step)
    weights = step * np.exp(a * x - (a + b) * np.logaddexp(0, x) + gammaln(a + b) - gammaln(a) - gammaln(b))
    return x[weights > NEGLIGIBLE], weights[weights > NEGLIGIBLE]


def tensor(rule, n):
    """n independent copies, side by side along a new first axis."""
    nodes, weights = rule
    places, product = np.zeros((1, 0), int), np.ones(1)
    for _ in range(n):
        product = np.outer(product, weights).ravel()
        last = np.tile(np.arange(len(weights)), len(places))[:, None]
        places = np.concatenate([np.repeat(places, len(weights), 0), last], 1)
        places, product = places[product > NEGLIGIBLE], product[product > NEGLIGIBLE]
    return jax.tree.map(lambda a: a[places], nodes), product


def both(*rules):
    """Independent numbers of different laws, end to end."""
    places = np.array(list(itertools.product(*(range(len(w)) for _, w in rules)))).T
    product = np.prod([w[i] for (_, w), i in zip(rules, places, strict=True)], axis=0)
    places = places[:, product > NEGLIGIBLE]
    nodes = np.stack([x[i] for (x, _), i in zip(rules, places, strict=True)], -1)
    return nodes, product[product > NEGLIGIBLE]


def of_draw(q, path=False):
    """Nodes of one draw's noise; where no path through the noise is differentiated, the law of z is all that counts."""
    if isinstance(q, (MeanField, FullRank, LowRank)):
        return tensor(herme(20 if q.dim == 1 else 16), q.dim)
    if isinstance(q, Bernoulli):
        z, p = np.asarray(q.outcomes()), np.asarray(q.mean)
        return np.where(z > 0, p / 2, (1 + p) / 2), np.exp(np.asarray(jax.vmap(q.log_prob)(z)))
    if isinstance(q, Categorical):
        z = np.asarray(q.outcomes())
        return 1e3 * z.reshape(-1, *q.logits.shape), np.exp(np.asarray(jax.vmap(q.log_prob)(z)))
    if isinstance(q, Poisson):
        z = np.arange(22.0)[:, None]
        return z, np.exp(np.asarray(jax.vmap(q.log_prob)(z)))
    if isinstance(q, Gamma):
        return both(log_gammas(np.exp(q.log_shape[0])))
    if isinstance(q, (GammaRate, Weibull)):
        nodes, weights = both(log_gammas(q._time_shape))
        return np.exp(nodes), weights
    assert isinstance(q, (Beta, Dirichlet)), f"{type(q).__name__} has no law of its noise here"
    a, b = np.exp(q.log_concentration if isinstance(q, Dirichlet) else [q.log_a[0], q.log_b[0]])
    one = np.zeros(1), np.ones(1)
    nodes, weights = both(*([log_gammas(x, 0.24) for x in (a, b)] if path else [logits(a, b), one]))
    return nodes[:, :, None] if isinstance(q, Beta) else nodes, weights


def of_branches(q):
    """Nodes of one draw's noise together with that of its branches."""
    if isinstance(q, (Bernoulli, Categorical, Poisson)):
        nodes, weights = of_draw(q)
        return (nodes, ()), weights
    if isinstance(q, (GammaRate, Weibull)):
        nodes, weights = both(log_gammas(q._time_shape), log_gammas(1.0))
        return (np.exp(nodes[:, :1]), np.exp(nodes[:, 1:])), weights
    # A direction in space by its angle to the axis, whose cosine is uniform, and a length with density r^2 N(r; 0, 1).
    n = 10 if q.dim == 1 else 8
    angle, by_angle = np.polynomial.legendre.leggauss(n)
    angle, by_angle = np.pi / 4 * (angle + 1), np.pi / 4 * by_angle * np.sin(np.pi / 4 * (angle + 1))
    length, by_length = half_range(n)
    cosine, length, sign = (a.ravel() for a in np.meshgrid(np.cos(angle), length, [-1.0, 1.0], indexing="ij"))
    weights = np.einsum("i,j,k->ijk", by_angle / by_angle.sum(), by_length, [0.5, 0.5]).ravel()
    e, w = sign * length * cosine, length * np.sqrt(1 - cosine**2)
    (e, w), weights = tensor((np.stack([e, w]).T, weights), q.dim)[0].transpose(2, 0, 1), tensor((e, weights), q.dim)[1]
    return (e, w), weights


def half_range(n):
    """Gauss's rule on the half-line for the density of a Maxwell length, by Stieltjes' procedure on a fine grid."""
    x = np.linspace(0, 12, 4001)[1:]
    density = x**2 * np.exp(-0.5 * x**2)
    density /= density.sum()
    before, now, alpha, beta = np.zeros_like(x), np.ones_like(x), [], [1.0]
    for _ in range(n):
        norm = density @ now**2
        alpha.append(density @ (x * now**2) / norm)
        before, now = now, (x - alpha[-1]) * now - (beta[-1] if len(alpha) > 1 else 0) * before
        beta.append(density @ now**2 / norm)
    J = np.diag(alpha) + np.diag(np.sqrt(beta[1:n]), 1) + np.diag(np.sqrt(beta[1:n]), -1)
    nodes, vectors = np.linalg.eigh(J)
    return nodes, vectors[0] ** 2


def of_pairs(q):
    """One uniform number a coordinate for a mirrored pair: p and 1 - p cut the line into three pieces."""
    pieces = []
    for p in np.asarray(q.mean):
        cuts = np.array([0, min(p, 1 - p), max(p, 1 - p), 1])
        pieces.append(((cuts[:-1] + cuts[1:]) / 2, np.diff(cuts)))
    return both(*pieces)


def chance(gradient, q):
    """All that can happen: nodes of the noise `[N, K, ...]` and their weights."""
    if gradient.name in ("exact", "enumeration"):
        return np.zeros((1, 1)), np.ones(1)
    if isinstance(gradient, Disarm) or getattr(gradient, "draws", None) == "antithetic":
        binary = isinstance(q, Bernoulli)
        half, weights = tensor(of_pairs(q) if binary else of_draw(q), gradient.samples // 2)
        return np.concatenate([half, 1 - half if binary else -half], axis=1), weights
    fresh = gradient.control.fresh_draws if isinstance(gradient, Reinforce) else 0
    path = Capability.REPARAMETRISED in gradient.needs
    rule = of_branches(q) if isinstance(gradient, MeasureValued) else of_draw(q, path)
    return tensor(rule, gradient.samples + fresh)


# --- The table ---


def cases():
    for kind, q in MEMBERS.items():
        shelf = [*taut.gradients.estimators(2), Disarm(samples=2), MeasureValued(samples=1), Disarm(samples=4)]
        if kind in (MeanField, Bernoulli):
            shelf.append(Reinforce(samples=1, control=DeltaMethod(fresh=2)))
        for gradient in shelf:
            large = kind in (FullRank, GammaRate, Weibull)  # two draws would have too many dimensions
            if isinstance(gradient, MeasureValued) and (gradient.samples == 1) != large:
                continue
            works = [o for o in OBJECTIVES if gradient.supports(o, MODEL, q) is None]
            if works:
                yield gradient, kind, works


def label(part):
    return part.label if isinstance(part, Gradient) else getattr(part, "name", "")


UNBIASED = [case for case in dict.fromkeys((g, k) for g, k, _ in cases() if g.unbiased)]
WORKS = {(g, k): works for g, k, works in cases()}


def memory_of(gradient, q, objective, closed, noise):
    """A memory that has seen something, whatever it wants to see."""
    draws = Draws(*np.ones((4, gradient.samples)), np.ones(()), np.ones(q.dim))  # pyright: ignore[reportCallIssue]
    like = jax.eval_shape(objective.statistics, draws)
    memory = gradient.init(jax.tree.map(lambda s: np.zeros(s.shape), like))
    if not jax.tree.leaves(memory):
        return memory

    def seen(m, e):
        return gradient.surrogate(e, objective, target(q.dim), q, closed, m)[1].observed

    leaves, structure = jax.tree.flatten(jax.eval_shape(seen, memory, noise))
    fake = [np.full(leaf.shape, 0.6 + 0.3 * i) for i, leaf in enumerate(leaves)]
    return gradient.update(memory, jax.tree.unflatten(structure, fake))


def found(gradient, q, settings):
    """The estimator's expected gradient of each objective."""
    nodes, weights = chance(gradient, q)
    first = jax.tree.map(lambda a: a[0], nodes)
    memories = [memory_of(gradient, q, *setting, first) for setting in settings]

    def values(q, nodes):
        found = []
        for (objective, closed), memory in zip(settings, memories, strict=True):
            surrogate = partial(
                gradient.surrogate, objective=objective, target=target(q.dim), q=q, closed=closed, memory=memory
            )
            statistics = jax.vmap(lambda noise, of=surrogate: of(noise)[0])(nodes)
            mean = jax.tree.map(lambda s: jnp.tensordot(weights, s, 1), statistics)
            found.append(objective.value(mean, objective.init(), 0))
        return jnp.stack(found)

    return plainly(jax.jacrev(values))(q, nodes)  # the nodes as an argument: constants would be folded for minutes


@lru_cache
def exact(kind, name, K):
    """The gradient of an objective, computed once for all estimators."""
    objective = next(o for o in OBJECTIVES if o.name == name)

    def value(q):
        return objective.value(expected_statistics(q, objective, K), objective.init(), 0)

    return plainly(jax.grad(value))(MEMBERS[kind])


def check(gradient, kind, objectives):
    q = MEMBERS[kind]

    def may_close(o):
        return o.closed_kl and gradient.closed_kl

    settings = [
        (o, closed_parts(o.offers | MODEL.offers | q.offers) if may_close(o) else frozenset()) for o in objectives
    ]
    if gradient.name != "exact" and settings[0][1]:
        settings.append((Elbo(), frozenset()))  # and with nothing closed
    slopes = found(gradient, q, settings)
    for i, (objective, closed) in enumerate(settings):
        K = 1 if Capability.MEAN_OVER_DRAWS in objective.offers else gradient.samples
        a, b = (
            np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(slope)])
            for slope in (jax.tree.map(lambda s, i=i: s[i], slopes), exact(kind, objective.name, K))
        )
        message = f"{objective.name}, closed: {sorted(c.name for c in closed)}"
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * np.max(np.abs(b)), err_msg=message)


def quick(cases):
    """A few that have every family, estimator and control variate among them: the slow ones are all the others."""
    seen = set()
    for gradient, kind in cases:
        new = {gradient.label} | ({kind} if gradient.label in ("measure-valued", "reinforce (none)") else set())
        if not new <= seen:
            seen |= new
            yield gradient, kind


QUICK = list(quick(UNBIASED))
FEW = ("elbo", "renyi=2")


@pytest.mark.parametrize(("gradient", "kind"), QUICK, ids=label)
def test_the_expected_gradient_is_the_gradient(gradient, kind):
    check(gradient, kind, [o for o in WORKS[gradient, kind] if o.name in FEW])


ANTITHETIC = [
    Reparametrization(2, draws="antithetic"),
    PathDerivative(2, draws="antithetic"),
    *(Reinforce(2, c, draws="antithetic") for c in (NoControl(), MovingAverage(), OptimalBaseline(), DeltaMethod())),
]
"""Of the other arrangements, moment-matched draws are declared biased, and Sobol points are uniform one by one, which
test_draws.py counts out: that is all that a mean over draws asks for."""
QUICKLY = [(ANTITHETIC[0], MeanField), (ANTITHETIC[2], Bernoulli)]
SLOWLY = [
    (g, k)
    for g in ANTITHETIC
    for k in (MeanField, Bernoulli)
    if g.supports(Elbo(), MODEL, MEMBERS[k]) is None and (g, k) not in QUICKLY
]


@pytest.mark.parametrize(
    ("gradient", "kind"), [*QUICKLY, *(pytest.param(*c, marks=pytest.mark.slow) for c in SLOWLY)], ids=label
)
def test_mirrored_draws_leave_the_expectation_alone(gradient, kind):
    check(gradient, kind, [o for o in OBJECTIVES if gradient.supports(o, MODEL, MEMBERS[kind]) is None])


@pytest.mark.slow
@pytest.mark.parametrize(("gradient", "kind"), UNBIASED, ids=label)
def test_the_expected_gradient_is_the_gradient_for_every_pair(gradient, kind):
    check(gradient, kind, WORKS[gradient, kind])


def test_everything_public_is_in_the_table():
    def of(room, abstract):
        return {p for p in PUBLIC[room] if issubclass(p, abstract) and p is not abstract}

    tried = list(WORKS)
    assert {type(g) for g, _ in tried} == of(taut.gradients, Gradient)
    assert {type(g.control) for g, _ in tried if isinstance(g, Reinforce)} == of(taut.gradients, ControlVariate)
    # An amortised one is its members; the ladder's families are of Gaussians, bent or mixed, with tests of their own.
    others = {Amortized, taut.families.SinhArcsinh, taut.families.GaussianMixture, taut.families.Flow}
    others |= {taut.families.StretchedGaussian, taut.families.BentCoordinates}
    assert {k for _, k in tried} | others == of(taut.families, Family)
    assert {type(o) for o in OBJECTIVES} == of(taut.objectives, Objective)
    assert {g.label for g, _ in tried if not g.unbiased} == {"straight-through (biased)"}
    assert {k for _, k in QUICK} == set(MEMBERS)
    assert {g.label for g, _ in QUICK} == {g.label for g, _ in UNBIASED}


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_straight_through_is_biased_and_says_so(temperature):
    # The only one that is declared biased is: by at least a hundredth of the gradient, where the table allows 1e-6.
    gradient = StraightThrough(samples=1, temperature=temperature)
    assert not gradient.unbiased
    assert "biased" in gradient.label
    assert StraightThrough.__doc__.startswith("BIASED")  # pyright: ignore[reportOptionalMemberAccess]
    u = (np.arange(400) + 0.5) / 400  # the relaxation sees where in a piece the noise lies
    nodes = np.stack(np.meshgrid(u, u, indexing="ij"), -1).reshape(-1, 1, 2)

    @jax.jit
    @jax.grad
    def slope(q):
        def of(noise):
            return gradient.surrogate(noise, Elbo(), target(2), q, frozenset(), ())[0]

        return Elbo().value(jax.tree.map(jnp.mean, jax.vmap(of)(nodes)), (), 0)

    true, biased = exact(Bernoulli, "elbo", 1).logits, slope(MEMBERS[Bernoulli]).logits
    assert np.max(np.abs(biased - true)) > 0.01 * np.max(np.abs(true))

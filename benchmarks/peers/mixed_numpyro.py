"""NumPyro's NUTS on the stated models: float64, 4 chains one after another, 1,000 draws each after 1,000 of warm-up.

Effects are non-centred, centred, or (an inner factor in an outer one) centred on the outer ones: whichever mixes best.
Gaussian and Student-t responses are standardised inside, which leaves the model as it is stated.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import gammaln
from mixed_clock import serve
from mixed_models import load
from numpyro.infer import MCMC, NUTS

SPREAD = ("gaussian", "student-t")
"""Likelihoods whose response has a scale of its own."""


def outer_of(design):
    """The place in the outer factor that holds each level of the inner one."""
    inner, outer = (next(g for g in design.groups if g.name == name) for name in design.model.inside)
    place = np.zeros(len(inner.levels), int)
    place[inner.index] = outer.index
    assert (place[inner.index] == outer.index).all()
    return place


def intercepts(design, group, sd, drawn):
    """`[G]`, what the levels add to eta, where only intercepts vary."""
    name, size, inside = group.name, len(group.levels), design.model.inside
    if inside and name == inside[0]:  # u of the inner level plus u of the outer one: the outer factor adds nothing more
        return numpyro.sample(f"t_{name}", dist.Normal(drawn[inside[1]][outer_of(design)], sd))
    if name in design.model.centred:
        return numpyro.deterministic(f"u_{name}", numpyro.sample(f"c_{name}", dist.Normal(0, sd).expand([size])))
    return numpyro.deterministic(f"u_{name}", sd * numpyro.sample(f"e_{name}", dist.Normal(0, 1).expand([size])))


def slopes(group, sd):
    """`[G, 2]`, correlated: LKJ(2) of a 2 x 2 matrix has a density proportional to 1 - r^2."""
    r = numpyro.deterministic(f"r_{group.name}", 2 * numpyro.sample(f"b_{group.name}", dist.Beta(2.0, 2.0)) - 1)
    e = numpyro.sample(f"e_{group.name}", dist.Normal(0, 1).expand([len(group.levels), 2]))
    u = jnp.stack([sd[0] * e[:, 0], sd[1] * (r * e[:, 0] + jnp.sqrt(1 - r * r) * e[:, 1])], 1)
    return numpyro.deterministic(f"u_{group.name}", u)


def effects(design):
    """`[n]`, the groups' part of eta; outer factors are drawn before inner ones."""
    eta, drawn, inside = 0.0, {}, design.model.inside
    for group in reversed(design.groups) if inside else design.groups:
        terms = len(group.terms)
        sd = numpyro.sample(f"sd_{group.name}", dist.HalfNormal(1.0).expand([terms] if terms > 1 else []))
        if terms > 1:
            eta = eta + (slopes(group, sd)[group.index] * group.columns).sum(1)
            continue
        drawn[group.name] = intercepts(design, group, sd, drawn)
        if not inside or group.name != inside[1]:
            eta = eta + drawn[group.name][group.index]
    return eta


def observed(design, eta, y):
    """The likelihood."""
    kind = design.model.likelihood
    if kind in ("bernoulli", "binomial"):
        likelihood = dist.Binomial(design.trials, logits=eta)
    elif kind == "poisson":
        numpyro.factor("y", (y * eta - jnp.exp(eta) - gammaln(y + 1)).sum())
        return
    elif kind == "negative-binomial":
        phi = numpyro.sample("phi", dist.Gamma(2.0, 0.1))
        each = gammaln(y + phi) - gammaln(phi) - gammaln(y + 1) + y * eta + phi * jnp.log(phi)
        numpyro.factor("y", (each - (y + phi) * jnp.logaddexp(eta, jnp.log(phi))).sum())
        return
    elif kind == "gaussian":
        likelihood = dist.Normal(eta, numpyro.sample("sigma", dist.HalfNormal(1.0)))
    elif kind == "student-t":
        nu = numpyro.sample("nu", dist.Gamma(2.0, 0.1))
        likelihood = dist.StudentT(nu, eta, numpyro.sample("sigma", dist.HalfNormal(1.0)))
    elif kind == "categorical":
        likelihood = dist.Categorical(logits=jnp.concatenate([jnp.zeros((len(eta), 1)), eta], 1))
    else:
        ordered = dist.ImproperUniform(dist.constraints.ordered_vector, (), (len(design.levels) - 1,))
        c = numpyro.sample("c", ordered)
        numpyro.factor("c_prior", dist.Normal(0, 5.0).log_prob(c).sum())
        likelihood = dist.OrderedLogistic(eta, c)
    numpyro.sample("y", likelihood, obs=y)


def stated(design, y):
    """The model as a function without arguments."""
    kind, X = design.model.likelihood, jnp.asarray(design.X)
    classes = [len(design.levels) - 1] if kind == "categorical" else []

    def model():
        eta = X @ numpyro.sample("b", dist.Normal(0, 2.5).expand([X.shape[1], *classes])) + (
            design.offset[:, None] if classes else design.offset
        )
        if kind != "ordinal":
            eta = eta + numpyro.sample("b0", dist.Normal(0, 2.5).expand(classes))
        observed(design, eta + effects(design), y)

    return model


def named(design, draws, shift, scale):
    """Draws by the reference's names, and those of the effects by factor."""
    found, groups, kind = {}, {}, design.model.likelihood
    for k, level in enumerate(design.levels[1:] if kind == "categorical" else []):
        found[f"{level}:Intercept"] = draws["b0"][:, k]
        found |= {f"{level}:{name}": draws["b"][:, j, k] for j, name in enumerate(design.names)}
    if kind != "categorical":
        if "b0" in draws:
            found["Intercept"] = shift + scale * draws["b0"]
        found |= {name: scale * draws["b"][:, j] for j, name in enumerate(design.names)}
    for j in range(draws["c"].shape[1] if "c" in draws else 0):
        found[f"threshold[{design.levels[j]}|{design.levels[j + 1]}]"] = draws["c"][:, j]
    for group in design.groups:
        sd = scale * draws[f"sd_{group.name}"].reshape(-1, len(group.terms))
        found |= {f"sd({group.name}:{term})": sd[:, j] for j, term in enumerate(group.terms)}
        if f"r_{group.name}" in draws:
            found[f"cor({group.name}:{','.join(group.terms)})"] = draws[f"r_{group.name}"]
        u = draws.get(f"u_{group.name}")
        if u is None:
            u = draws[f"t_{group.name}"] - draws[f"u_{design.model.inside[1]}"][:, outer_of(design)]
        groups[group.name] = scale * u.reshape(len(u), len(group.levels), len(group.terms))
    found |= {name: draws[name] for name in ("phi", "nu") if name in draws}
    if "sigma" in draws:
        found["sigma"] = scale * draws["sigma"]
    return found, groups


def fitter(name, folder):
    """The call of the model."""
    jax.config.update("jax_enable_x64", True)
    design = load(name, folder)
    shift, scale = (design.y.mean(), design.y.std()) if design.model.likelihood in SPREAD else (0.0, 1.0)
    y = jnp.asarray((design.y - shift) / scale if scale != 1.0 else design.y)
    kernel = NUTS(stated(design, y), target_accept_prob=0.9)

    def call():
        chains = {"num_warmup": 1000, "num_samples": 1000, "num_chains": 4, "chain_method": "sequential"}
        sampler = MCMC(kernel, **chains, progress_bar=False)
        sampler.run(jax.random.key(0), extra_fields=("diverging",))
        draws = {name: np.asarray(value) for name, value in sampler.get_samples().items()}
        divergences = int(np.asarray(sampler.get_extra_fields()["diverging"]).sum())

        def finish():
            found, groups = named(design, draws, shift, scale)
            by_chain = np.stack([value.reshape(4, -1) for value in found.values()], -1)
            least = float(np.min(numpyro.diagnostics.effective_sample_size(by_chain)))
            return {
                "parameters": {name: [float(v.mean()), float(v.std())] for name, v in found.items()},
                "groups": {
                    g.name: {"levels": g.levels, "terms": g.terms}
                    | {"mean": groups[g.name].mean(0).tolist(), "sd": groups[g.name].std(0).tolist()}
                    for g in design.groups
                },
                "note": f"least effective sample size {least:.0f}"
                + (f", {divergences} divergences" if divergences else ""),
                "least_ess": least,
            }

        return finish

    return call


if __name__ == "__main__":
    serve(fitter)

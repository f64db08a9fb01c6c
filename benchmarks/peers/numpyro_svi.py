"""NumPyro's SVI with an automatic guide, in its documented way and in the fastest way that we know."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from clock import design, serve
from jax.example_libraries.optimizers import exponential_decay
from numpyro import distributions as dist
from numpyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO, init_to_median
from numpyro.infer.autoguide import AutoMultivariateNormal, AutoNormal


def model(X, y):
    """w ~ N(0, I), y ~ Bernoulli(sigmoid(Xw))."""
    w = numpyro.sample("w", dist.Normal(jnp.zeros(X.shape[1]), 1.0).to_event(1))
    numpyro.sample("y", dist.Bernoulli(logits=X @ w).to_event(1), obs=y)


def inference(family, rate, horizon, decay, particles):
    """The SVI object: Adam whose rate falls from `rate` by the factor `decay` in every `horizon` steps.

    The mean field gets the closed KL, which NumPyro offers for it; the full covariance has none there.
    """
    guide = {"mean-field": AutoNormal, "full-rank": AutoMultivariateNormal}[family]
    loss = {"mean-field": TraceMeanField_ELBO, "full-rank": Trace_ELBO}[family]
    adam = numpyro.optim.Adam(exponential_decay(rate, horizon, decay))
    return SVI(model, guide(model, init_loc_fn=init_to_median), adam, loss(num_particles=particles))


def advance(svi, state, X, y, steps):
    """`steps` updates in one compiled loop."""
    return jax.lax.scan(lambda state, _: (svi.update(state, X, y)[0], None), state, None, length=steps)[0]


def gaussian(family, params):
    """Mean and factor from NumPyro's names."""
    mean, factor = ("w_auto_loc", "w_auto_scale") if family == "mean-field" else ("auto_loc", "auto_scale_tril")
    return np.asarray(params[mean]), np.asarray(params[factor])


def fitter(X, y, family, *, way, steps, seed, **settings):
    """`way` is "run", the documented `svi.run`, or "jit": the start and all steps in one compiled function.

    `svi.run` builds a new function in each call and so compiles again in each; the single function compiles once.
    """
    X, y = jnp.asarray(design(X), jnp.float32), jnp.asarray(y, jnp.float32)
    svi, key = inference(family, **settings), jax.random.key(seed)
    if way == "run":
        return lambda: gaussian(family, svi.run(key, steps, X, y, progress_bar=False).params)
    whole = jax.jit(lambda key, X, y: svi.get_params(advance(svi, svi.init(key, X, y), X, y, steps)))
    return lambda: gaussian(family, whole(key, X, y))


def tracer(X, y, family, *, steps, every, seed, **settings):
    """The same run, its parameters kept `every` so many steps."""
    X, y = jnp.asarray(design(X), jnp.float32), jnp.asarray(y, jnp.float32)
    svi = inference(family, **settings)

    def block(state, _):
        state = advance(svi, state, X, y, every)
        return state, svi.get_params(state)

    run = jax.jit(lambda key: jax.lax.scan(block, svi.init(key, X, y), None, length=steps // every)[1])
    return every * np.arange(1, steps // every + 1), *gaussian(family, run(jax.random.key(seed)))


if __name__ == "__main__":
    serve(fitter, tracer)

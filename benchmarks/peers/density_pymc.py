"""PyMC's full-rank ADVI, 20,000 steps of Adam at the best of three rates, on the same JAX density.

The rate is chosen beforehand by the mean loss over the last thousand steps, and its search is not timed. The density
enters as a potential; PyMC's own form of a model would be differentiated by PyTensor, to the same numbers.
"""

import jax
import numpy as np
import pymc as pm
from density_judge import errors, log_density, serve
from pymc_advi import gaussian
from pytensor import wrap_jax

RATES = (3e-3, 1e-2, 3e-2)
STEPS = 20_000


def fitter(known):
    log_prob, dim = wrap_jax(jax.jit(log_density(known))), known.model.dim(None)
    with pm.Model() as model:
        z = pm.Flat("z", shape=dim, initval=np.zeros(dim))
        pm.Potential("density", log_prob(z))

    def run(rate, seed):
        return pm.fit(
            STEPS,
            "fullrank_advi",
            model=model,
            random_seed=seed,
            progressbar=False,
            obj_optimizer=pm.adam(learning_rate=rate),
        )

    def loss(rate):
        try:
            last = run(rate, 0).hist[-1000:]
        except FloatingPointError:  # PyMC stops at a loss that is not finite
            return np.inf
        return float(last.mean()) if np.isfinite(last).all() else np.inf

    best = min(RATES, key=loss)

    def call(seed):
        mean, factor = gaussian(run(best, seed))

        def finish():
            return errors(known, mean + np.random.default_rng(0).standard_normal((8000, dim)) @ factor.T)

        return {"rate": best, "gradients": STEPS, "finish": finish}

    return call


if __name__ == "__main__":
    serve(fitter)

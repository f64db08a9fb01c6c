"""NumPyro's SVI with AutoMultivariateNormal, 10,000 steps of Adam at the best of five rates.

The rate is chosen beforehand by the mean loss over the last thousand steps, and its search is not timed.
"""

import jax
import numpy as np
import numpyro
from density_judge import errors, log_density, serve
from numpyro import distributions as dist
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoMultivariateNormal

RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
STEPS = 10_000


def fitter(known):
    log_prob, dim = log_density(known), known.model.dim(None)

    def model():
        z = numpyro.sample("z", dist.ImproperUniform(dist.constraints.real_vector, (), (dim,)))
        numpyro.factor("density", log_prob(z))

    guide = AutoMultivariateNormal(model, init_loc_fn=numpyro.infer.init_to_value(values={"z": np.zeros(dim)}))

    def run(rate, seed):
        svi = SVI(model, guide, numpyro.optim.Adam(rate), Trace_ELBO())
        return svi.run(jax.random.key(seed), STEPS, progress_bar=False)

    def loss(rate):
        last = np.asarray(run(rate, 0).losses[-1000:])
        return float(last.mean()) if np.isfinite(last).all() else np.inf

    best = min(RATES, key=loss)

    def call(seed):
        params = run(best, seed).params
        mean, factor = np.asarray(params["auto_loc"]), np.asarray(params["auto_scale_tril"])

        def finish():
            return errors(known, mean + np.random.default_rng(0).standard_normal((8000, dim)) @ factor.T)

        return {"rate": best, "gradients": STEPS, "finish": finish}

    return call


if __name__ == "__main__":
    serve(fitter)

"""Makes `truths/`: a long NUTS run of each target that has no exact answer.

    python -m targets.nuts logistic-100 horseshoe        (in the folder benchmarks)

NumPyro's NUTS in double precision on the unconstrained density, four chains in one `vmap`. Errors of means and sds from
the effective sample sizes of x and (x - mean)^2.
"""

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS

from .sampled import MODELS, TRUTHS

SETTINGS = {
    "logistic-100": {"warmup": 1000, "draws": 5000, "target_accept": 0.8},
    "horseshoe": {"warmup": 3000, "draws": 40000, "target_accept": 0.99},
}


def run(name: str, seed: int = 0) -> None:
    """Sample the target and store its moments."""
    settings, model, started = SETTINGS[name], MODELS[name](), time.perf_counter()
    dim = model.dim(None)

    def potential(z):
        return -(jnp.sum(model.log_likelihood(z, None)) + model.prior.log_prob(z))

    kernel = NUTS(potential_fn=potential, target_accept_prob=settings["target_accept"])
    mcmc = MCMC(
        kernel,
        num_warmup=settings["warmup"],
        num_samples=settings["draws"],
        num_chains=4,
        chain_method="vectorized",
        progress_bar=False,
    )
    start = 0.1 * np.random.default_rng(seed).normal(size=(4, dim))
    mcmc.run(jax.random.key(seed), init_params=jnp.asarray(start), extra_fields=("diverging", "num_steps"))
    z = mcmc.get_samples(group_by_chain=True)
    values = {k: np.asarray(v) for k, v in jax.vmap(jax.vmap(model.constrain))(z).items()}
    extra = mcmc.get_extra_fields()
    mean = {k: v.mean((0, 1)) for k, v in values.items()}
    squares = {k: (v - mean[k]) ** 2 for k, v in values.items()}
    sd = {k: np.sqrt(v.mean((0, 1))) for k, v in squares.items()}
    ess = {k: effective_sample_size(v) for k, v in values.items()}
    mean_error = {k: sd[k] / np.sqrt(ess[k]) for k in values}
    sd_error = {k: v.std((0, 1)) / np.sqrt(effective_sample_size(v)) / (2 * sd[k]) for k, v in squares.items()}
    worst = max(float(np.max(split_gelman_rubin(v))) for v in values.values())
    how = (
        f"NUTS of NumPyro {numpyro.__version__}, 4 chains of {settings['draws']} draws after {settings['warmup']}, "
        f"target acceptance {settings['target_accept']}, seed {seed}; split R-hat at most {worst:.4f}, effective "
        f"sample size at least {min(float(np.min(e)) for e in ess.values()):.0f}, "
        f"{int(extra['diverging'].sum())} divergences"
    )
    record = {"how": how} | {
        key: {k: np.asarray(v).tolist() for k, v in part.items()}
        for key, part in (("mean", mean), ("sd", sd), ("mean_error", mean_error), ("sd_error", sd_error))
    }
    TRUTHS.mkdir(exist_ok=True)
    (TRUTHS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    relative = max(float(np.max(mean_error[k] / sd[k])) for k in values)
    print(f"{name}: {time.perf_counter() - started:.0f} s; worst error of a mean {relative:.4f} sd; {how}")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    for name in sys.argv[1:]:
        run(name)

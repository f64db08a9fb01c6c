"""BlackJAX's multi-path Pathfinder: sixteen paths from U(-2, 2), a thousand draws each, weights by PSIS."""

import blackjax
import jax
import numpy as np
from blackjax.vi.multipathfinder import psis_weights
from density_judge import errors, log_density, serve

PATHS, DRAWS = 16, 1000


def fitter(known):
    log_prob, dim = log_density(known), known.model.dim(None)
    algorithm = blackjax.multipathfinder(log_prob)

    @jax.jit
    def run(key):
        start, paths = jax.random.split(key)
        first = jax.random.uniform(start, (PATHS, dim), minval=-2.0, maxval=2.0)
        state, _ = algorithm.init(paths, first, num_samples=DRAWS)
        log_weights, k_hat = psis_weights(state)
        return state.samples.reshape(-1, dim), log_weights, k_hat

    def call(seed):
        draws, log_weights, k_hat = map(np.asarray, run(jax.random.key(seed)))
        weights = np.exp(log_weights - np.max(log_weights))
        return {"k_hat": float(k_hat), "finish": lambda: errors(known, draws, np.nan_to_num(weights))}

    return call


if __name__ == "__main__":
    serve(fitter)

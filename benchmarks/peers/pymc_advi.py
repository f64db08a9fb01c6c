"""PyMC's ADVI and full-rank ADVI with Adam."""

import numpy as np
import pymc as pm
from clock import design, serve


def state(X, y):
    """w ~ N(0, I), y ~ Bernoulli(sigmoid(Xw)), the likelihood written by hand: y eta - softplus(eta).

    `pm.Bernoulli(logit_p=eta)` says the same, but in PyMC 5.28 its gradient is NaN for y = 0 and eta >= 37, where the
    sigmoid rounds to 1; the wide start of full-rank ADVI draws such logits and stops on them within 20 steps.
    """
    with pm.Model() as model:
        w = pm.Normal("w", 0.0, 1.0, shape=1 + X.shape[1])
        eta = pm.math.dot(design(X), w)
        pm.Potential("y", pm.math.sum(y * eta - pm.math.log1pexp(eta)))
    return model


def gaussian(approximation):
    """Mean and factor from PyMC's parameters: sd = softplus(rho), or L by rows, its diagonal through softplus too."""
    values = {p.name: p.get_value() for p in approximation.params}
    if "rho" in values:
        return values["mu"], np.logaddexp(0.0, values["rho"])
    factor = np.zeros((values["mu"].size,) * 2)
    factor[np.tril_indices(values["mu"].size)] = values["L_tril"]
    np.fill_diagonal(factor, np.logaddexp(0.0, np.diag(factor)))
    return values["mu"], factor


def fit(model, family, steps, seed, rate, callbacks=None):
    """One run of `pm.fit`."""
    method = {"mean-field": "advi", "full-rank": "fullrank_advi"}[family]
    more = {"obj_optimizer": pm.adam(learning_rate=rate), "random_seed": seed, "callbacks": callbacks}
    return pm.fit(steps, method, model=model, progressbar=False, **more)


def fitter(X, y, family, *, steps, seed, rate):
    """`pm.fit` compiles its step in each call, from the second on with what PyTensor has kept on disk."""
    model = state(X, y)
    return lambda: gaussian(fit(model, family, steps, seed, rate))


def tracer(X, y, family, *, steps, every, seed, rate):
    """The same run, its parameters kept `every` so many steps."""
    kept = []

    def look(approximation, _, i):
        if i % every == 0:
            kept.append((i, *gaussian(approximation)))

    fit(state(X, y), family, steps, seed, rate, [look])
    return tuple(np.stack(column) for column in zip(*kept, strict=True))


if __name__ == "__main__":
    serve(fitter, tracer)

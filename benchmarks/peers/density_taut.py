"""Taut as documented: `taut.fit(model)`, the verdict included."""

import numpy as np
from density_judge import compared, serve

import taut


def fitter(known):
    def call(seed):
        fit = taut.fit(known.model, seed=seed)
        found = {name: (mean, sd) for name, mean, sd in fit.summary().select("name", "mean", "sd").iter_rows()}
        mean, sd = np.array([found[name] for name in known.names]).T
        verdict = fit.verdict
        return {
            "gradients": fit.gradient_evaluations,
            "converged": verdict.converged.answer,
            "trust": verdict.trust.answer,
            "family": fit.posterior.name,
            "shift": float(np.abs(verdict.trust.shift).max()),
            "judging": fit.seconds["evaluate"],
            "learning": fit.seconds["learn"],
            "elbo": fit.elbo,
            "finish": lambda: compared(known, mean, sd),
        }

    return call


if __name__ == "__main__":
    serve(fitter)

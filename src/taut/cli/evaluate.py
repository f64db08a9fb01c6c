"""`taut evaluate`: the figures of a saved autoencoder on its test split."""

import dataclasses

from taut.cli import vae_options
from taut.cli.guard import say
from taut.cli.outputs import claim, show, show_json
from taut.cli.pictures import load_run, read_again
from taut.errors import ArgumentError


def evaluate(
    run: vae_options.Run,
    draws: vae_options.EvaluationDraws = 500,
    annealed: vae_options.Annealed = 0,
    seed: vae_options.Seed = 0,
    as_json: vae_options.PlainJson = False,
) -> None:
    """Evaluate a saved autoencoder on its test images: ELBO, log p(x) by importance sampling, units, information.

    The images are read again from where they were, and must be the same. The figures are kept in RUN, for its page.
    """
    import taut
    from taut.cli.vae import evaluated, to_json
    from taut.core.cache import keep_compilations

    keep_compilations()
    claim(run)
    fit, evidence = load_run(run)
    splits = read_again(evidence.record)
    images = len(splits.data.test.rows)
    if annealed > images:
        raise ArgumentError(f"--ais {annealed}: there are {images} test images; give at most as many.")
    record = evidence.record | {
        "evaluation": evaluated(fit, splits, draws=draws, annealed=annealed, seed=seed),
    }
    evidence = dataclasses.replace(evidence, record=record)
    fit = dataclasses.replace(fit, evidence=fit.evidence | evidence.arrays())
    fit.save(run)
    if as_json:
        show_json(to_json(fit))
    else:
        show(taut.report.table(fit))
    say(f"the figures are kept in {run}; taut report {run} shows them.")

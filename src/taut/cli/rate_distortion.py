"""`taut rate-distortion`: the curve of images from two sweeps, which must be one."""

from pathlib import Path

from taut.cli import options, vae_options
from taut.cli.guard import say
from taut.cli.networks import autoencoder, usual_rate
from taut.cli.outputs import check_file, claim, show, show_json, write_text
from taut.cli.pictures import numbers, read_splits, usual_binarisation


def rate_distortion(
    data: vae_options.Images,
    betas: vae_options.Betas = "0.5,1,2,4",
    alphas: vae_options.Alphas = None,
    binarize: vae_options.Binarize = None,
    likelihood: vae_options.Likelihood = "bernoulli",
    latent: vae_options.Latent = 20,
    hidden: vae_options.Hidden = None,
    convolutional: vae_options.Convolutional = False,
    steps: vae_options.Steps = 3000,
    batch_size: vae_options.BatchSize = None,
    learning_rate: vae_options.LearningRate = None,
    seed: options.Seed = 0,
    out: vae_options.OutCurve = None,
    as_json: vae_options.Json = False,
) -> None:
    """Fit images with each weight beta and under each bound alpha, and draw rate against distortion on the test split.

    A fit with beta and one whose learned multiplier is 1/beta must meet on one curve, whose slope is -multiplier there.
    """
    if out is not None:
        check_file(out, ".svg")
    given = numbers(betas, "--betas")
    bounds = None if alphas is None else numbers(alphas, "--alphas")
    splits = read_splits(data, binarize or usual_binarisation(likelihood), seed)
    path = out or Path(f"taut-rate-distortion-{splits.images.name.replace(':', '-')}.svg")
    claim(path)

    import taut
    from taut.algorithms import StochasticGradient
    from taut.core.cache import keep_compilations
    from taut.report.figures.rate import as_svg, curve_table

    keep_compilations()
    model, family = autoencoder(
        splits.images.shape, likelihood=likelihood, latent=latent, hidden=hidden, convolutional=convolutional, seed=seed
    )
    table = taut.rate_distortion(
        model,
        splits.data,
        betas=given,
        alphas=bounds,
        family=family,
        algorithm=StochasticGradient(steps=steps or 3000, learning_rate=learning_rate or usual_rate(convolutional)),
        batch_size=batch_size,
        seed=seed,
        report=lambda done, of, what: say(f"{done} of {of}: {what}."),
    )
    write_text(path, as_svg(table))
    say(f"the curve is {path}.")
    record = {name: value for name, value in splits.record().items() if name != "source"}
    if as_json:
        show_json({**record, "seed": seed, "steps": steps, "taut": taut.__version__, "curve": table.to_dicts()})
    else:
        show(curve_table(table))

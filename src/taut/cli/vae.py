"""`taut vae`: images in, an autoencoder out."""

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from taut.cli import options, vae_options
from taut.cli.ending import end
from taut.cli.fit import present, with_origin
from taut.cli.guard import say
from taut.cli.networks import autoencoder, usual_rate
from taut.cli.outputs import check_folder, save
from taut.cli.pictures import Splits, read_splits, usual_binarisation
from taut.cli.tensorboard import TensorBoard

if TYPE_CHECKING:
    from taut.results.latent import LatentFit

BATCH = 128
STEPS = 5000
"""Budget of a training with a constraint, which stops by no patience."""
TERMS = ("elbo", "expected_log_likelihood", "kl", "elbo_standard_error")


def vae(
    context: typer.Context,
    data: vae_options.Images,
    binarize: vae_options.Binarize = None,
    likelihood: vae_options.Likelihood = "bernoulli",
    latent: vae_options.Latent = 20,
    hidden: vae_options.Hidden = None,
    convolutional: vae_options.Convolutional = False,
    discrete: vae_options.Discrete = False,
    objective: vae_options.Objective = "elbo",
    epochs: vae_options.Epochs = None,
    steps: vae_options.Steps = None,
    batch_size: vae_options.BatchSize = None,
    learning_rate: vae_options.LearningRate = None,
    patience: vae_options.Patience = None,
    seed: options.Seed = 0,
    draws: vae_options.Draws = 100,
    out: options.Out = None,
    resume: options.Resume = None,
    log_dir: vae_options.LogDir = None,
    as_json: vae_options.Json = False,
) -> None:
    """Fit a variational autoencoder to images: evaluate it on the test split, write a page of what it makes.

    Ctrl-C keeps the last good state. Exit codes: 0 an answer, 2 something to mend, 3 diverged, 130 interrupted.
    """
    check_folder(out, resume)
    patience, most = _patience(objective, patience, epochs, steps)
    splits = read_splits(data, binarize or usual_binarisation(likelihood), seed)
    say(f"{splits.images}")

    import taut
    from taut.algorithms import StochasticGradient
    from taut.core.cache import keep_compilations
    from taut.learning.checkpoints import Checkpoint

    keep_compilations()
    model, family = autoencoder(
        splits.images.shape,
        likelihood=likelihood,
        latent=latent,
        hidden=hidden,
        convolutional=convolutional,
        discrete=discrete,
        seed=seed,
    )
    batch = batch_size or min(BATCH, len(splits.images.train))
    steps = steps or (most if epochs is None else epochs * max(len(splits.images.train) // batch, 1))
    with TensorBoard(log_dir) if log_dir else contextlib.nullcontext() as log:
        fit: Any = taut.fit(
            model,
            splits.data,
            family=family,
            objective=objective,
            algorithm=StochasticGradient(steps=steps, learning_rate=learning_rate or usual_rate(convolutional)),
            batch_size=batch,
            seed=seed,
            patience=patience,
            checkpoint=None if out is None else Checkpoint(out, resume=bool(resume)),
            callback=log,
        )
    fit = _evaluated(with_origin(fit, splits.origin, context, images=f"{splits.size:,}"), splits, draws, out)
    present(fit, out, splits.images.name.replace(":", "-"), to_json(fit) if as_json else None)
    end(fit, out)


def _evaluated(fit: "LatentFit", splits: Splits, draws: int, out: Path | None) -> Any:
    """The fit with the evidence of its page and, where it is usable, its figures on the test split."""
    if out is not None:  # the evaluation may be long: what was learned is safe before it
        save(with_evidence(fit, splits, None), out)
    usable = fit.ended.word not in ("interrupted", "diverged")
    return with_evidence(fit, splits, evaluated(fit, splits, draws=draws) if usable else None)


def with_evidence(fit: "LatentFit", splits: Splits, evaluation: dict[str, Any] | None) -> Any:
    """The fit with what its page needs of the test images, and the record that goes with every figure."""
    from taut.report import LatentEvidence

    record = splits.record() | {"evaluation": evaluation}
    test = splits.data.test
    evidence = LatentEvidence.gather(fit, test.rows, test.labels, record, splits.grey)
    return dataclasses.replace(fit, evidence=fit.evidence | evidence.arrays())


def evaluated(fit: "LatentFit", splits: Splits, *, draws: int, annealed: int = 0, seed: int = 0) -> dict[str, Any]:
    """The figures on the test split, which training never sees."""
    from taut.diagnostics.evaluation import evaluate

    seen = evaluate(
        fit.problem,
        splits.data.test.rows,
        draws=draws,
        annealed=annealed,
        seed=seed,
        step=fit.iterations,
        dtype=fit.dtype,
    )
    return seen.to_json()


def to_json(fit: "LatentFit") -> dict[str, Any]:
    """What the table shows, in one object: the ELBO and its terms are those of the test split, null without one."""
    from taut.diagnostics.evaluation import Evaluation
    from taut.report import LatentEvidence
    from taut.report.words.latent import learned

    facts = fit.to_json()
    evidence = LatentEvidence.from_arrays(fit.evidence)
    record = dict(evidence.record) if evidence is not None else {}
    names = [name for name in (*Evaluation._fields, "active_units") if name not in ("seed", "seconds")]
    of_test = record.pop("evaluation", None) or dict.fromkeys(names)
    saddle = [dataclasses.asdict(one) for one in learned(fit)]
    betas = {one["constraint"]: one["equivalent_beta"] for one in saddle} or None
    return {
        **facts,
        "validation": {name: facts[name] for name in TERMS},
        **{name: value for name, value in of_test.items() if name in names},
        **record,
        "equivalent_beta": betas,
        "saddle": saddle or None,
    }


def _patience(objective: str, asked: int | None, epochs: int | None, steps: int | None) -> tuple[int | None, int]:
    """Looks without a rise of the ELBO after which training stops, and the steps that it gets where none are asked for.

    The looks are None, for never, where the objective has constraints.
    """
    if epochs is not None and steps is not None:
        raise typer.BadParameter(f"{epochs} and --steps {steps} are two budgets; give one.", param_hint="--epochs")

    from taut.fitting.stopping import MOST_STEPS
    from taut.learning.monitors import PATIENCE
    from taut.objectives.parse import parse_objective

    if not parse_objective(objective, STEPS)[0].constraints:
        return asked or PATIENCE, MOST_STEPS
    if asked is not None:
        raise typer.BadParameter(
            f"{asked} is not for a constraint, which keeps the best iterate that meets it; leave it out.",
            param_hint="--patience",
        )
    return None, STEPS

"""`taut fit`: a table in, a posterior out."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from taut.cli import options
from taut.cli.guard import INTERRUPTED, say
from taut.cli.inputs import read
from taut.cli.outputs import check_folder, save, show, show_json
from taut.cli.sentences import Sentences

if TYPE_CHECKING:
    from taut.results.fit import Fit

DIVERGED = 3
"""Exit code of a fit that is not usable."""


def fit(
    data: options.Data,
    target: options.Target = None,
    positive: options.Positive = None,
    missing: options.Missing = "refuse",
    model: options.Model = "logistic",
    prior_scale: options.PriorScale = 1.0,
    standardise: options.Standardise = True,
    intercept: options.Intercept = True,
    family: options.Family = None,
    gradient: options.Gradient = None,
    samples: options.Samples = None,
    control: options.Control = None,
    algorithm: options.Algorithm = None,
    learning_rate: options.LearningRate = None,
    steps: options.Steps = None,
    batch_size: options.BatchSize = None,
    seed: options.Seed = 0,
    dtype: options.Dtype = "float64",
    out: options.Out = None,
    resume: options.Resume = None,
    as_json: options.Json = False,
) -> None:
    """Fit a Bayesian regression: print its posterior and how it ended, write a report page.

    Ctrl-C keeps the last good state. Exit codes: 0 an answer, 2 something to mend, 3 diverged, 130 interrupted.
    """
    sentences = Sentences(
        family=family,
        gradient=gradient,
        samples=samples,
        control=control,
        algorithm=algorithm,
        learning_rate=learning_rate,
        batch_size=batch_size,
        model=model,
        prior_scale=prior_scale,
        standardise=standardise,
        intercept=intercept,
    )
    sentences.check()
    if resume is not None and out is None:
        raise typer.BadParameter("a checkpoint lies in the folder of a run; name it with --out.", param_hint="--resume")
    if resume and not sentences.stepwise:
        raise typer.BadParameter(
            f"the {algorithm} algorithm ends within seconds and saves no checkpoint to go on from.",
            param_hint="--resume",
        )
    if out is not None:
        check_folder(out, resume)
    inputs = read(data, target)

    import taut
    from taut.cli.cache import keep_compilations
    from taut.learning.checkpoints import Checkpoint
    from taut.report.evidence import has_probabilities

    keep_compilations()
    result = taut.fit(
        data=(inputs.features, inputs.target),
        missing=missing,
        positive=positive,
        steps=steps,
        seed=seed,
        dtype=dtype,
        checkpoint=Checkpoint(out, resume=bool(resume)) if out is not None and sentences.stepwise else None,
        **sentences.arguments(),
    )
    if has_probabilities(result):
        evidence = taut.report.Evidence.gather(result, (inputs.features, inputs.target))
        result = dataclasses.replace(result, evidence=evidence.arrays())
    if out is not None:
        save(result, out)
        say(f"the fit is saved in {out}.")
    if not as_json:
        show(taut.report.table(result))
    page = Path(f"taut-report-{inputs.name}.html") if out is None else out / "report.html"
    say(f"the report page is {taut.report.page(result, page)}.")
    if as_json:  # last: should anything go wrong before, standard output is empty
        show_json(result.to_json())
    end(result, out)


def end(result: "Fit", out: Path | None) -> None:
    """The exit code that says how the fit ended, and on standard error what to do about it."""
    from taut.learning.ended import Ended

    if result.ended is Ended.DIVERGED:
        say(f"{result.ended.value}. {result.reason}")
        raise typer.Exit(DIVERGED)
    if result.ended is Ended.INTERRUPTED:
        say(f"{result.ended.value}." + (f" Add --resume to go on with {out}." if out is not None else ""))
        raise typer.Exit(INTERRUPTED)

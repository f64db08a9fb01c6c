"""`taut fit`: a table in, a posterior out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from taut.cli import options
from taut.cli.ending import end
from taut.cli.guard import COMMAND_LINE, as_options, say
from taut.cli.option_groups import in_groups
from taut.cli.outputs import check_folder, save, show, show_json
from taut.cli.regressions import asked
from taut.cli.sentences import Sentences
from taut.cli.table_options import TableOptions

if TYPE_CHECKING:
    from taut.results.fit import Fit

SPOKEN = {
    "likelihood": "the likelihood is ",
    "categories": "",
    "interactions": "",
    "dates": "",
    "missing values": "",
    "remarks": "",
}
"""What became of the table and is said at once, on standard error, with how the sentence begins."""


@in_groups
def fit(
    context: typer.Context,
    data: options.Data,
    formula: options.Formula = None,
    *,
    table: TableOptions,
    likelihood: options.Likelihood = None,
    sentences: Sentences,
    steps: options.Steps = None,
    seed: options.Seed = 0,
    dtype: options.Dtype = "float64",
    out: options.Out = None,
    resume: options.Resume = None,
    as_json: options.Json = False,
) -> None:
    """Fit a Bayesian regression: print its posterior and how it ended, write a report page.

    With a formula, as of lme4 and brms, the response may be counts, grades, amounts or times, and effects may vary by
    group. Without one it is the logistic regression of --target on every other column.

    Ctrl-C keeps the last good state. Exit codes: 0 an answer, 2 something to mend, 3 diverged, 130 interrupted.
    """
    sentences.check()
    regression = asked(context, data, formula, likelihood, sentences, table)
    _check_folder(regression.stepwise, out, resume)
    inputs = regression.read(data, table)

    import taut
    from taut.core.cache import keep_compilations
    from taut.learning.checkpoints import Checkpoint

    keep_compilations()
    result = taut.fit(
        regression.model(inputs),
        inputs.given,
        sample_weight=inputs.weights,
        **inputs.reading,
        steps=steps,
        seed=seed,
        dtype=dtype,
        checkpoint=Checkpoint(out, resume=bool(resume)) if out is not None and regression.stepwise else None,
        **sentences.arguments(),
    )
    result = regression.with_evidence(result, inputs)
    result = with_origin(result, inputs.path or inputs.name, context, separator=table.separator)
    _say_what_became(result)
    present(result, out, inputs.name, result.to_json() if as_json else None)
    end(result, out)


def _say_what_became(result: Any) -> None:
    """What became of the table, as far as nobody asked for it."""
    for about, begun in SPOKEN.items():
        if about in result.provenance:
            say(f"{begun}{result.provenance[about].removesuffix('.')}.")


def with_origin(result: Any, data: Path | str, context: typer.Context, **about: str | None) -> Any:
    """The fit with its data file and its command line.

    Args:
        result: The fit.
        data: Path of the file or the folder, or the name of other data.
        context: Of the command.
        **about: What else is known of the data; None where it was not said.
    """
    from taut.data.provenance import of_path

    words = {"data": data} if isinstance(data, str) else of_path(data)
    words |= {name: said for name, said in about.items() if said is not None}
    words |= {name: said for name, said in result.provenance.items() if name != "call"}
    if "remarks" in words:
        words["remarks"] = as_options(words["remarks"])
    return result.replaced(provenance=words | {"command": context.meta[COMMAND_LINE]})


def _check_folder(stepwise: bool, out: Path | None, resume: bool | None) -> None:
    """Refuse a folder, or a wish to go on from it, that this run cannot serve."""
    check_folder(out, resume)
    if resume and not stepwise:
        raise typer.BadParameter(
            "only algorithms that learn step by step save a checkpoint to go on from.",
            param_hint="--resume",
        )


def present(result: "Fit", out: Path | None, name: str, said: dict[str, Any] | None) -> None:
    """Save the fit and its page, and print the table or the JSON object.

    Args:
        result: The fit.
        out: The folder of the run, or None for a page in the current folder and no saved fit.
        name: Name of the data, for the page.
        said: The JSON object to print in place of the table, or None.
    """
    import taut

    if out is not None:
        save(result, out)
        say(f"the fit is saved in {out}.")
    if said is None:
        show(taut.report.table(result))
    page = Path(f"taut-report-{name}.html") if out is None else out / "report.html"
    say(f"the report page is {taut.report.page(result, page)}.")
    if said is not None:  # last: should anything go wrong before, standard output is empty
        show_json(said)

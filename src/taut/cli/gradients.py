"""`taut gradients`: every admissible estimator on your data, or on a toy whose variances are known."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from taut.cli import options
from taut.cli.guard import say
from taut.cli.inputs import read
from taut.cli.outputs import check_file, show, show_json, write_bytes

PLACES = (1, 100, 2000)
"""Steps of reparametrized training at whose ends estimators are compared: the start, the way, the answer."""

Toy = Annotated[
    Literal["square", "exp", "cos"] | None,
    typer.Option(help="A one-dimensional cost under N(1, 1) in place of data: (x - k)^2, exp(-k x^2) or cos(k x)."),
]
DataOrNone = Annotated[
    str | None, typer.Argument(metavar="[DATA]", show_default=False, help="The data, as for taut fit; none for a toy.")
]
Repeats = Annotated[int, typer.Option(metavar="N", min=10, help="Gradients of each estimator at each place.")]
OutPlot = Annotated[
    Path | None, typer.Option("--out", dir_okay=False, help="Draw variances into this .png, .svg or .pdf file.")
]


def gradients(
    data: DataOrNone = None,
    toy: Toy = None,
    target: options.Target = None,
    family: options.Family = "mean-field",
    repeats: Repeats = 500,
    seed: options.Seed = 0,
    out: OutPlot = None,
    as_json: options.Json = False,
) -> None:
    """Compare gradient estimators: mean against the exact gradient, variance, and what a gradient costs.

    On data they are compared at the start, on the way and at the end of a training run; on a toy, over a range of k,
    with the closed-form variances beside the measured ones.
    """
    if (data is None) == (toy is None):
        raise typer.BadParameter("name either DATA or a --toy.", param_hint="DATA")
    if out is not None:
        check_file(out)
    inputs = None if data is None else read(data, target)

    from taut.cli.cache import keep_compilations
    from taut.report.estimators import estimator_table, toy_curves, variances

    keep_compilations()
    if toy is not None:
        from taut.comparison import study

        table = study(toy, repeats=10 * repeats, seed=seed)  # they cost next to nothing
        picture = toy_curves
    else:
        assert inputs is not None
        table = _along_a_run(inputs, family, repeats, seed)
        picture = variances
    if out is not None:
        import io

        content = io.BytesIO()
        picture(table).savefig(content, format=out.suffix.lstrip(".") or "png", dpi=150)
        write_bytes(out, content.getvalue())
        say(f"the variances are drawn in {out}.")
    if as_json:
        return show_json({"rows": table.to_dicts()})
    return show(estimator_table(table))


def _along_a_run(inputs, family, repeats, seed):
    """A row for each estimator, place and parameter."""
    import taut
    from taut.data import prepare

    model = taut.models.LogisticRegression()
    supervised = prepare(inputs.features, inputs.target)
    places = [
        taut.fit(model, supervised, family=family, gradient="reparametrization", steps=steps, seed=seed,
                 progress=False).posterior
        for steps in PLACES
    ]  # fmt: skip
    return taut.gradients.compare(model, None, supervised, at=places, repeats=repeats, seed=seed)

"""`taut gradients`: every admissible estimator on your data, or on a toy whose variances are known."""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from taut.cli import names, options
from taut.cli.guard import say
from taut.cli.inputs import read
from taut.cli.option_groups import in_groups
from taut.cli.outputs import check_file, show, show_json, write_figure
from taut.cli.table_options import TableOptions

PLACES = (1, 100, 2000)
"""Steps of reparametrized training at whose ends estimators are compared: the start, the way, the answer."""
PAGES = (".html", ".htm")

Toy = Annotated[
    Literal["square", "exp", "cos"] | None,
    typer.Option(
        parser=names.reader(["square", "exp", "cos"]),
        help="A one-dimensional cost under N(1, 1) in place of data: (x - k)^2, exp(-k x^2) or cos(k x).",
    ),
]
DataOrNone = Annotated[
    str | None, typer.Argument(metavar="[DATA]", show_default=False, help="The data, as for taut fit; none for a toy.")
]
Repeats = Annotated[int, typer.Option(metavar="N", min=64, help="Gradients of each estimator at each place.")]
ClaimsToo = Annotated[
    bool, typer.Option("--claims", help="Also measure the two claims, unbiased and consistent; a page always does.")
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", dir_okay=False, help="Write a page (.html), or draw the variances (.png, .svg or .pdf)."),
]


@in_groups
def gradients(
    data: DataOrNone = None,
    toy: Toy = None,
    *,
    table: TableOptions,
    model: options.Model = "logistic",
    family: options.Family = "mean-field",
    repeats: Repeats = 500,
    claims: ClaimsToo = False,
    seed: options.Seed = 0,
    out: OutFile = None,
    as_json: options.Json = False,
) -> None:
    """Compare gradient estimators: mean against the exact gradient, variance, and what a gradient costs.

    On data they are compared at the start, on the way and at the end of a training run; on a toy, over a range of k,
    with the closed-form variances beside the measured ones. The two claims are measured on the way, and for a toy in
    the middle of that range.
    """
    if (data is None) == (toy is None):
        raise typer.BadParameter("name either DATA or a --toy.", param_hint="DATA")
    if out is not None:
        check_file(out)
    inputs = None if data is None else read(data, table)

    from taut.core.cache import keep_compilations
    from taut.report.estimator_summary import estimator_summary
    from taut.report.terminal.claims import claims_table
    from taut.report.terminal.estimators import estimator_table

    keep_compilations()
    page = out is not None and out.suffix.lower() in PAGES
    if toy is not None:
        repeats = 10 * repeats  # they cost next to nothing
        measured = _of_a_toy(toy, repeats, seed, claims or page)
    else:
        measured = _along_a_run(inputs, model, family, repeats, seed, claims or page)
    if out is not None:
        _write(out, page, measured, toy, repeats, seed)
    if as_json:
        found = {"claims": measured.found.table.to_dicts()} if measured.found else {}
        estimators = estimator_summary(measured.table).to_dicts()
        return show_json({"estimators": estimators, "rows": measured.table.to_dicts(), **found})
    show(estimator_table(measured.table))
    return show(claims_table(measured.found)) if claims else None


class Measured(NamedTuple):
    """The comparison, what it was on, and the claims where they were asked for."""

    table: Any
    what: str
    found: Any


def _of_a_toy(toy: str, repeats: int, seed: int, claims: bool) -> Measured:
    """Over the usual range of k."""
    from taut.families import MeanField
    from taut.gradients import MeasureValued, NoControl, Reinforce, Reparametrization
    from taut.studies.claims import gradient_claims as measure
    from taut.studies.compare import compare_on_toy
    from taut.studies.toys import RANGES, Toy

    table = compare_on_toy(toy, repeats=repeats, seed=seed)
    middle = Toy(toy, sum(RANGES[toy]) / 2)
    exact = MeanField([middle.gradient("mean")], [middle.gradient("sd") * middle.sd])
    tried = [Reparametrization(samples=1), Reinforce(samples=1, control=NoControl()), MeasureValued(samples=1)]
    found = (
        measure(
            middle.model,
            middle.family,
            objective=middle.objective,
            exact=exact,
            gradients=tried,
            repeats=repeats,
            seed=seed,
        )
        if claims
        else None
    )
    return Measured(table, {"square": "(x - k)²", "exp": "exp(-k x²)", "cos": "cos(k x)"}[toy], found)


def _along_a_run(inputs: Any, name: str, family: Any, repeats: int, seed: int, claims: bool) -> Measured:
    """A row for each estimator, place and parameter."""
    import taut
    from taut.choosing.names import REGRESSIONS
    from taut.data import prepare
    from taut.studies.claims import gradient_claims as measure

    model = REGRESSIONS[name]()
    supervised = prepare(inputs.features, inputs.target, target=model.target, weights=inputs.weights, **inputs.reading)
    places = [
        taut.fit(
            model, supervised, family=family, gradient="reparametrization", steps=steps, seed=seed, progress=False
        ).posterior
        for steps in PLACES
    ]
    table = taut.compare_gradients(model, None, supervised, at=places, repeats=repeats, seed=seed)
    found = measure(model, None, supervised, at=places[1], repeats=repeats, seed=seed) if claims else None
    return Measured(table, f"{model.name} on {len(supervised.y):,} rows", found)


def _write(out: Path, page: bool, measured: Measured, toy: str | None, repeats: int, seed: int) -> None:
    """The page, or the figure of the variances alone."""
    if page:
        from taut.report.pages.estimators import Compared, estimators_page

        steps = () if toy else PLACES
        estimators_page(Compared(measured.table, measured.found, measured.what, steps, repeats, seed), out)
        return say(f"the page is {out}.")
    from taut.report.figures.estimator_variances import estimator_variances
    from taut.report.figures.toy_variances import toy_variances

    write_figure(out, (toy_variances if toy else estimator_variances)(measured.table))
    return say(f"the variances are drawn in {out}.")

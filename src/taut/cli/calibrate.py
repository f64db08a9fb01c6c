"""`taut calibrate`: is the whole pipeline calibrated, on data like these?"""

from pathlib import Path
from typing import Annotated

import typer

from taut.cli import options
from taut.cli.guard import say
from taut.cli.inputs import read
from taut.cli.option_groups import in_groups
from taut.cli.outputs import check_file, show_json, write_figure
from taut.cli.table_options import TableOptions

Repeats = Annotated[int, typer.Option(min=10, help="Refits; 200 tell something.")]
OutPlot = Annotated[
    Path | None, typer.Option("--out", dir_okay=False, help="Draw the ranks into this .png, .svg or .pdf file.")
]


@in_groups
def calibrate(
    data: options.Data,
    table: TableOptions,
    model: options.Model = "logistic",
    repeats: Repeats = 200,
    prior_scale: options.PriorScale = 1.0,
    family: options.Family = None,
    seed: options.Seed = 0,
    out: OutPlot = None,
    as_json: options.Json = False,
) -> None:
    """Simulate weights from the prior and a target from them on these features, refit, rank the truth, many times.

    For a calibrated pipeline the ranks are uniform. A density of your own is calibrated from Python: taut.calibrate.
    """
    if out is not None:
        check_file(out)
    inputs = read(data, table)

    import jax
    import jax.numpy as jnp

    import taut
    from taut.choosing.names import REGRESSIONS
    from taut.core.cache import keep_compilations
    from taut.data import prepare

    keep_compilations()
    regression = REGRESSIONS[model](prior=taut.models.Normal(0, prior_scale))
    prepared = prepare(
        inputs.features, inputs.target, target=regression.target, weights=inputs.weights, **inputs.reading
    )
    A, X = prepared.design.original_scale(), prepared.X

    def simulate_prior(key):
        w = prior_scale * jax.random.normal(key, (X.shape[1],))
        return dict(zip(prepared.design.names, A @ w, strict=True))

    def simulate_data(key, truth):
        w = jnp.linalg.solve(A, jnp.stack([truth[name] for name in prepared.design.names]))
        return prepared._replace(y=regression.draw(key, X @ w))

    sentences = {} if family is None else {"family": family}
    found = taut.calibrate(simulate_prior, simulate_data, regression, repeats=repeats, seed=seed, **sentences)
    if out is not None:
        write_figure(out, taut.report.rank_plot(found))
        say(f"the ranks are drawn in {out}.")
    if as_json:
        show_json(found.to_json())
    else:
        typer.echo(str(found))

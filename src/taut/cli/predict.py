"""`taut predict`: new rows through a saved fit."""

from typing import TYPE_CHECKING, Any

import typer

from taut.cli import options
from taut.cli.guard import say
from taut.cli.outputs import check_file, show_json, write_text

if TYPE_CHECKING:
    import polars as pl

    from taut.results.regression import RegressionFit


def predict(
    run: options.Run,
    new: options.New,
    out: options.OutTable = None,
    level: options.Level = 0.95,
    as_json: options.PredictJson = False,
) -> None:
    """Print the prediction for each new row, and how sure the posterior is of it.

    One line a row; for a logistic regression probability of the positive label, sd, lower, upper. If the fit dropped
    rows with missing values, such a line is empty.
    """
    if out is not None:
        if as_json:
            raise typer.BadParameter("is for the table, and --json prints none; leave one out.", param_hint="--out")
        check_file(out)

    from taut.data import read_table

    table = read_table(new)

    import taut
    from taut.cli.cache import keep_compilations

    keep_compilations()
    fit: Any = taut.load(run)
    rows = _predictions(fit, table, level)
    label = fit.labels.classes[1] if fit.labels else None
    what = "the prediction" if label is None else f"the probability of '{label}'"
    if as_json:
        show_json({"positive": label, "level": level, "rows": rows.height, "predictions": rows.to_dicts()})
    elif out is None:
        typer.echo(rows.write_csv(), nl=False)
    else:
        write_text(out, rows.write_csv())
    say(f"{what} for {rows.height} rows" + (f" is in {out}." if out is not None else "."))


def _predictions(fit: "RegressionFit", table: "pl.DataFrame", level: float) -> "pl.DataFrame":
    """One row for each row of the table; empty where the fit drops it, so that the two can be put side by side."""
    import numpy as np
    import polars as pl

    prediction = fit.predict(table, level)._asdict()
    complete = fit.design.complete_rows(table)
    columns = {name: np.full(table.height, np.nan) for name in prediction}
    for name, values in prediction.items():
        columns[name][complete] = values
    return pl.DataFrame(columns).fill_nan(None)

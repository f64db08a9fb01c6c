"""`taut predict`: new rows through a saved fit."""

from typing import TYPE_CHECKING, Any

import typer

from taut.cli import options
from taut.cli.guard import say
from taut.cli.outputs import check_file, show_json, write_text
from taut.cli.table_options import names
from taut.data.wording import quoted, suggestion

if TYPE_CHECKING:
    import polars as pl

    from taut.results.formula import FormulaFit
    from taut.results.regression import RegressionFit


DIGITS = 4
"""Significant digits on standard output."""


def predict(
    run: options.Run,
    new: options.New,
    out: options.OutTable = None,
    keep: options.Keep = None,
    level: options.Level = 0.95,
    new_groups: options.NewGroups = None,
    decimal: options.Decimal = None,
    separator: options.Separator = None,
    as_json: options.PredictJson = False,
) -> None:
    """Print the prediction for each new row, and how sure the posterior is of it.

    One line a row. For two labels it is the probability of the positive one, its sd, lower, upper; for more the
    probability and sd of each; for numbers mean, sd, lower, upper of what is expected, and new_lower, new_upper of a
    new response. If the fit dropped rows with missing values, such a line is empty. The columns are read as the kinds
    that the fit saw. On standard output numbers have four digits, with --out and --json all of them.
    """
    if out is not None:
        if as_json:
            raise typer.BadParameter("is for the table, and --json prints none; leave one out.", param_hint="--out")
        check_file(out)

    import taut
    from taut.core.cache import keep_compilations
    from taut.data import read_table

    keep_compilations()
    fit: Any = taut.load(run)
    table = read_table(new, text=True, separator=separator or fit.provenance.get("separator"))
    kept = names(keep, table.columns)
    if absent := [name for name in kept if name not in table.columns]:
        raise typer.BadParameter(
            f"{new} has no column '{absent[0]}'.{suggestion(absent[0], table.columns)} There are "
            f"{quoted(table.columns, 20)}.",
            param_hint="--keep",
        )
    fit = fit if decimal is None else fit.with_decimal(decimal)
    rows = _predictions(fit, table, level, new_groups, kept)
    import polars.selectors as cs

    if as_json:
        show_json({"positive": fit.positive, "level": level, "rows": rows.height, "predictions": rows.to_dicts()})
    elif out is None:
        typer.echo(rows.with_columns(cs.float().round_sig_figs(DIGITS)).write_csv(), nl=False)
    else:
        write_text(out, rows.write_csv())
    say(f"{fit.predicts} for {rows.height} rows" + (f" is in {out}." if out is not None else "."))


def _predictions(
    fit: "RegressionFit | FormulaFit",
    table: "pl.DataFrame",
    level: float,
    new_groups: Any,
    kept: tuple[str, ...],
) -> "pl.DataFrame":
    """One row for each row of the table; empty where the fit drops it, so that the two can be put side by side."""
    import polars as pl

    predicted = pl.DataFrame(fit.predict_rows(table, level, new_groups)).fill_nan(None)
    if twice := [name for name in kept if name in predicted.columns]:
        raise typer.BadParameter(f"'{twice[0]}' is the name of a prediction: rename the column.", param_hint="--keep")
    return table.select(kept).hstack(predicted) if kept else predicted

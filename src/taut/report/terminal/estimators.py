"""Gradient estimators side by side, as a table for the terminal."""

from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table

from taut.report.estimator_summary import estimator_summary

if TYPE_CHECKING:
    import polars as pl


def estimator_table(table: "pl.DataFrame") -> RenderableType:
    """One line for each estimator and place (for a toy, each k), with variances added up over the parameters.

    *p (unbiased)* is the p-value of the largest distance of a mean from the exact gradient, corrected for all means
    that the table holds: a small one speaks against an unbiased estimator. *Work* is the variance times the
    evaluations of one gradient.

    Args:
        table: The table of `taut.compare_gradients` or of `taut.studies.compare_on_toy`.
    """
    toy = "k" in table.columns
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("k" if toy else "where")
    grid.add_column("estimator")
    titles = ("variance", *(("closed form",) if toy else ()), "p (unbiased)", "evaluations", "microseconds", "work")
    for title in titles:
        grid.add_column(title, justify="right", no_wrap=True)
    for row in estimator_summary(table).to_dicts():
        grid.add_row(
            row["place"],
            row["estimator"],
            f"{row['variance']:.3g}",
            *((f"{row['closed_form_variance']:.3g}",) if toy else ()),
            "" if row["p_value"] is None else f"{row['p_value']:.2g}",
            f"{row['evaluations']}",
            # A gradient without noise is not timed: the compiler takes what never changes out of the loop.
            f"{1e6 * row['seconds']:.0f}" if row["variance"] else "",
            f"{row['work']:.3g}",
        )
    return grid

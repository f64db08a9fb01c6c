"""The two claims made of gradient estimators, unbiased and consistent, as a table for the terminal."""

from rich import box
from rich.console import RenderableType
from rich.table import Table

from taut.report.words.claims import claim_words
from taut.studies.claims import Claims


def claims_table(found: Claims) -> RenderableType:
    """One line for each estimator and place: the worst error of a mean in standard errors, the slope, and both answers.

    Args:
        found: The claims, from `taut.gradient_claims`.
    """
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("estimator")
    for title in ("gradients", "worst mean (se)", "p-value", "seems unbiased", "slope", "consistent"):
        grid.add_column(title, justify="right", no_wrap=True)
    for row in found.table.to_dicts():
        grid.add_row(row["estimator"], f"{row['gradients']:,}", *claim_words(row).values())
    return grid

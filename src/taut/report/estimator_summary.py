"""The table of a comparison of gradient estimators, with the parameters added up."""

from typing import TYPE_CHECKING

from taut.studies.claims import corrected_p_value

if TYPE_CHECKING:
    import polars as pl

PLACE_NAMES = {0: "start", 1: "on the way", 2: "answer"}
"""What the places of a training run are called, by their number."""


def estimator_summary(table: "pl.DataFrame") -> "pl.DataFrame":
    """One row for each estimator and place (`point`, or `k` for a toy), with variances added up over the parameters.

    `p_value` is that of the largest distance of a mean from the exact gradient, corrected for all the means that the
    table holds; null where nothing is exact or an estimator has no noise. `work` and `time` are the variance times the
    evaluations, and times the seconds, of one gradient: what a unit of precision costs.

    Args:
        table: The table of `taut.compare_gradients` or of `taut.studies.compare_on_toy`.
    """
    import polars as pl

    toy = "k" in table.columns
    z = pl.when(pl.col("standard_error") > 0).then(
        ((pl.col("mean") - pl.col("exact")) / pl.col("standard_error")).abs()
    )
    looked_at = table.select(z.count()).item()
    return (
        table.group_by(["k" if toy else "point", "estimator"], maintain_order=True)
        .agg(
            pl.col("declared_unbiased").first(),
            pl.col("variance").sum(),
            pl.col("evaluations").first(),
            pl.col("seconds").first(),
            z.max().alias("worst"),
            *([pl.col("closed_form_variance").sum()] if toy else []),
        )
        .with_columns(
            p_value=pl.col("worst").map_elements(lambda z: corrected_p_value(z, looked_at), pl.Float64),
            work=pl.col("variance") * pl.col("evaluations"),
            time=pl.col("variance") * pl.col("seconds"),
            place=pl.col("k").map_elements(lambda k: f"{k:.2g}", pl.String)
            if toy
            else pl.col("point").map_elements(lambda p: PLACE_NAMES.get(p, str(p)), pl.String),
        )
    )


def sampled_summary(table: "pl.DataFrame") -> "pl.DataFrame":
    """The summary without estimators that have no noise, for which a logarithmic axis has no place.

    Args:
        table: The table of `taut.compare_gradients`.
    """
    summary = estimator_summary(table)
    return summary.filter(summary["variance"] > 0)

"""Gradient estimators side by side as one HTML file: their cost, their variance, and the two claims."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import taut
from taut.report.estimator_summary import estimator_summary
from taut.report.figures.consistency import consistency
from taut.report.figures.estimator_costs import estimator_costs
from taut.report.figures.estimator_variances import estimator_variances
from taut.report.figures.style import inline
from taut.report.figures.toy_variances import toy_variances
from taut.report.figures.unbiasedness import unbiasedness
from taut.report.pages.html import environment, replace_file
from taut.report.words.claims import claim_words
from taut.studies.claims import FALSE_ALARM, Claims

if TYPE_CHECKING:
    import polars as pl


class Compared(NamedTuple):
    """What was measured, and on what.

    Attributes:
        table: The table of `taut.compare_gradients` along a run, or of `taut.studies.compare_on_toy`.
        found: The claims, from `taut.gradient_claims`.
        what: The problem, as the page names it, such as "logistic regression on 569 rows"; for a toy its cost.
        steps: Number of training steps before each place; none for a toy.
        repeats: Number of gradients of each estimator at each place.
        seed: Seed of all draws.
    """

    table: "pl.DataFrame"
    found: Claims
    what: str
    steps: tuple[int, ...]
    repeats: int
    seed: int


def estimators_page(compared: Compared, path: str | Path) -> Path:
    """Write the page.

    Args:
        compared: What was measured.
        path: The path of the file, which is written whole or left as it was.

    Returns:
        The path.

    Raises:
        ArgumentError: the path cannot be written.
    """
    template = environment().get_template("estimators.html.jinja")
    return replace_file(Path(path), template.render(_content(compared)))


def _content(compared: Compared) -> dict[str, Any]:
    """Everything that the template fills in."""
    table, found, toy = compared.table, compared.found, "k" in compared.table.columns
    rows = estimator_summary(table).to_dicts()
    groups = [(place, list(of)) for place, of in groupby(rows, lambda row: row["place"])]
    names = list(dict.fromkeys(table["estimator"]))
    parameters = max(found.table["parameters"])
    figures = (
        {"curves": inline(toy_variances, table)}
        if toy
        else {"variances": inline(estimator_variances, table), "costs": inline(estimator_costs, table)}
    )
    what = (
        f"{len(names)} estimators of the gradient of E[{compared.what}] under N(1, 1), one draw each, by k."
        if toy
        else f"{len(names)} estimators of the gradient of the ELBO of a {compared.what}, at three places of one run."
    )
    return {
        "title": "Gradient estimators, side by side",
        "what": what,
        "best": _best(groups[-1][1], "" if toy else "At the answer "),
        "toy": toy,
        "parameters": parameters,
        "groups": [(f"k = {place}" if toy else place, _lines(of)) for place, of in groups],
        "steps": ", ".join(f"{n:,}" for n in compared.steps),
        "where": "In the middle of the range of k." if toy else "On the way.",
        "gradients": f"{max(found.table['gradients']):,}",
        "alarms": f"{1 / FALSE_ALARM:,.0f}",
        "claims": [row | claim_words(row) for row in found.table.to_dicts()],
        "unbiased": inline(unbiasedness, found),
        "consistent": inline(consistency, found),
        "particulars": _particulars(compared),
        **figures,
    }


def _best(rows: list[dict[str, Any]], where: str) -> str:
    """A sentence that says which unbiased sampled estimator is the cheapest, and by how much."""
    able = sorted((r for r in rows if r["declared_unbiased"] and r["variance"] > 0), key=lambda r: r["time"])
    if len(able) < 2:
        return ""
    first, second = able[:2]
    start = f"{where}{first['estimator']} is" if where else f"At k = {first['place']} {first['estimator']} is"
    times = second["time"] / first["time"]
    ahead = f"{times:.1f} times less than that of" if times > 1.15 else "about that of"  # timings differ by so much
    return (
        f"{start} the cheapest of those that sample: its variance times its time is {ahead} {second['estimator']}, the "
        "runner-up."
    )


def _lines(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of one place as text, in which the cheapest of the unbiased estimators that sample are marked."""
    able = [r for r in rows if r["declared_unbiased"] and r["variance"] > 0]
    least = {name: min((r[name] for r in able), default=None) for name in ("work", "time")}
    return [
        {
            "estimator": r["estimator"],
            "declared_unbiased": r["declared_unbiased"],
            "variance": f"{r['variance']:.3g}",
            "closed": f"{r.get('closed_form_variance', 0.0):.3g}",
            "p_value": "" if r["p_value"] is None else f"{r['p_value']:.2g}",
            "evaluations": f"{r['evaluations']:,}",
            "microseconds": f"{1e6 * r['seconds']:,.0f}" if r["variance"] else "",  # without noise: not timed
            "work": f"{r['work']:.3g}",
            "time": f"{r['time']:.3g}",
            "least_work": r in able and r["work"] == least["work"],
            "least_time": r in able and r["time"] == least["time"],
        }
        for r in rows
    ]


def _particulars(compared: Compared) -> list[tuple[str, str]]:
    """What is needed to measure the same again, as pairs of name and value."""
    gradients = max(compared.found.table["gradients"])
    return [
        ("gradients", f"{compared.repeats:,} for means and variances, {gradients:,} for the two claims"),
        ("draws in a gradient", "one" if not compared.steps else "each estimator's own default"),
        ("seed", str(compared.seed)),
        ("page by", f"Taut {taut.__version__}"),
    ]

"""The page of gradient estimators: what it says is what was measured. No JAX here: the tables are made up."""

import io
import re

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy.stats import norm

from taut.report.estimator_summary import estimator_summary
from taut.report.figures.consistency import consistency
from taut.report.figures.estimator_costs import estimator_costs
from taut.report.figures.estimator_variances import estimator_variances
from taut.report.figures.unbiasedness import BEYOND, unbiasedness
from taut.report.pages.estimators import Compared, estimators_page
from taut.report.terminal.estimators import estimator_table
from taut.studies.claims import Claims

NAMES = ("exact", "reparametrization", "straight-through (biased)", "their own")
VARIANCE = {"exact": 0.0, "reparametrization": 2.0, "straight-through (biased)": 0.1, "their own": 8.0}


@pytest.fixture(scope="module")
def table():
    """Two parameters at three places, as `compare` has them."""
    rows = [
        {
            "estimator": name,
            "declared_unbiased": "biased" not in name,
            "point": point,
            "parameter": f"mean[{i}]",
            "mean": 1.0 + (0.5 if "biased" in name else 0.0),
            "exact": 1.0,
            "variance": VARIANCE[name] / 2 / 10**point,
            "standard_error": np.sqrt(VARIANCE[name] / 2 / 10**point / 100),
            "seconds": 1e-5,
            "evaluations": 10,
        }
        for point in range(3)
        for name in NAMES
        for i in range(2)
    ]
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def found():
    """Claims of the same."""
    table, means, errors = [], [], []
    for name in NAMES:
        biased, exact = "biased" in name, name == "exact"
        table.append(
            {
                "estimator": name,
                "point": 0,
                "declared_unbiased": not biased,
                "gradients": 512,
                "parameters": 2,
                "exact": 1.0,
                "bias": 0.5,
                "worst": 40.0 if biased else 1.0,
                "p_value": 0.0 if biased else 0.6,
                "seems_unbiased": not biased,
                "slope": None if exact else -0.1 if biased else -0.5,
                "slope_error": None if exact else 0.01,
                "seems_consistent": not biased,
            }
        )
        means += [
            {
                "estimator": name,
                "point": 0,
                "parameter": i,
                "error": 0.0 if exact else 0.4 if biased else 0.01,
                "standard_error": 0.0 if exact else 0.01,
            }
            for i in range(2)
        ]
        errors += [
            {"estimator": name, "point": 0, "gradients": n, "draws": n, "error": 0.0 if exact else n**-0.5}
            for n in (1, 2, 4)
        ]
    return Claims(pl.DataFrame(table), pl.DataFrame(means), pl.DataFrame(errors))


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("</style>")[1]))


def test_the_page_says_what_was_measured(table, found, tmp_path):
    compared = Compared(table, found, "logistic regression on 40 rows", (1, 100, 2000), 100, 7)
    page = estimators_page(compared, tmp_path / "page.html").read_text()
    text = text_of(page)
    assert "4 estimators of the gradient of the ELBO of a logistic regression on 40 rows" in text
    assert "At the answer reparametrization is the cheapest" in text
    assert "4.0 times less than that of their own" in text  # the biased one does not compete
    assert "after 1, 100, 2,000 steps" in text
    for words in ("start", "on the way", "answer", "−0.100 ± 0.010", "no noise", "NO", "512", "seed 7"):
        assert words in text, words
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "http" not in page.replace("http-equiv", "")  # nothing from the network
    rows = re.findall(r'<tr class="">.*?</tr>', page)
    assert sum("<b>" in row for row in rows) == 3  # one winner in each group
    exact = next(row for row in rows if ">exact<" in row)
    assert "<td>10</td><td></td>" in exact  # evaluations, and no time: the compiler takes it out of the loop


def test_a_toys_page_has_its_curves(found, tmp_path):
    rows = [
        {
            "estimator": name,
            "declared_unbiased": True,
            "point": 0,
            "parameter": parameter,
            "mean": 0.0,
            "exact": 0.0,
            "variance": k,
            "standard_error": 0.1,
            "seconds": 1e-6,
            "evaluations": 1,
            "cost": "cos",
            "k": k,
            "closed_form_variance": k,
        }
        for k in (1.0, 2.0)
        for name in ("reparametrization", "measure-valued")
        for parameter in ("mean", "sd")
    ]
    compared = Compared(pl.DataFrame(rows), found, "cos(k x)", (), 50, 0)
    page = estimators_page(compared, tmp_path / "toy.html").read_text()
    text = text_of(page)
    assert "E[cos(k x)]" in text
    assert "closed form" in text
    assert "k = 1" in text
    assert "At k = 2 reparametrization is the cheapest of those that sample" in text
    assert "its variance times its time is about that of" in text


def test_the_summary_adds_up_and_knows_the_worst(table):
    seen = estimator_summary(table).filter(pl.col("point") == 0)
    assert seen["variance"].to_list() == [VARIANCE[name] for name in NAMES]
    assert seen["work"].to_list() == [10 * VARIANCE[name] for name in NAMES]
    biased = seen.filter(~pl.col("declared_unbiased"))["p_value"][0]
    z = 0.5 / np.sqrt(0.05 / 100)
    assert biased == pytest.approx(2 * 18 * norm.sf(z))  # three estimators with noise, two parameters, three places
    assert seen["p_value"].to_list()[:2] == [None, 1.0]  # exact; and reparametrization, whose means are right


def test_figures_draw_each_sampled_estimator_once(table, found):
    for figure in (estimator_variances(table), estimator_costs(table)):
        (legend,) = figure.legends
        assert [t.get_text() for t in legend.get_texts()] == list(NAMES[1:])
    (legend,) = consistency(found).legends
    slopes = [t.get_text() for t in legend.get_texts()][:2]
    assert slopes == ["reparametrization: −0.50", "straight-through (biased): −0.10"]
    ax = unbiasedness(found).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == list(NAMES)
    drawn = {tuple(line.get_xdata()) for line in ax.lines}
    assert (BEYOND,) * 2 in drawn  # 40 standard errors are drawn at the edge


def test_the_terminal_shows_a_p_value_that_knows_how_many_were_looked_at():
    # The worst of 62 means of an unbiased estimator is 2.5 standard errors off, and that is nothing.
    z = np.abs(np.random.default_rng(0).normal(size=62))
    z[0] = 2.5
    rows = [
        {"estimator": "fair", "declared_unbiased": True, "point": 0, "parameter": f"mean[{i}]", "mean": 1 + e / 10}
        | {"exact": 1.0, "variance": 1.0, "standard_error": 0.1, "seconds": 1e-6, "evaluations": 1}
        for i, e in enumerate(np.minimum(z, 2.5))
    ]
    console = Console(width=200, file=io.StringIO())
    console.print(estimator_table(pl.DataFrame(rows)))
    text = console.file.getvalue()
    assert "p (unbiased)" in text
    assert "bias (se)" not in text
    assert f"{62 * 2 * norm.sf(2.5):.2g}" in text

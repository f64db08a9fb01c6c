"""Signs of numbers on a page, hyphens that are none, and where long names break."""

import pytest

from taut.report.pages.html import environment

MINUS = environment().filters["minus"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-18.435", "−18.435"),
        ("ELBO -23.2 = -18.4 - 4.8 nats", "ELBO −23.2 = −18.4 − 4.8 nats"),
        ("elbo>=-18: met", "elbo>=−18: met"),
        ("(-0.5, -.25)", "(−0.5, −.25)"),
        ("1.2e-05", "1.2e−05"),
        ("held-out examples", "held-out examples"),
        ("2026-11-27", "2026-11-27"),
        ("trust: suspect - the rest", "trust: suspect - the rest"),
        ("half-variance of q-1 units", "half-variance of q-1 units"),
    ],
)
def test_only_signs_become_minus_signs(text, shown):
    assert MINUS(text) == shown


def test_the_head_breaks_long_names_where_their_parts_meet():
    figures = [("largest shift", "-0.02 sd", "of the mean of savings_status=A63")]
    verdict = [("trust", "good", "- no reason", "good")]
    page = environment().get_template("verdict.html.jinja").render(verdict=verdict, verdict_figures=figures)
    assert "of the mean of savings_<wbr>status=<wbr>A63" in page
    assert "−0.02 sd" in page

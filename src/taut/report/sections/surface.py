"""The predictive probability over two features, and how unsure the posterior is of it."""

from taut.report.figures import surface as figures
from taut.report.figures.drawings import Colours
from taut.report.sections.base import NEEDS_DATA, Content, left_out, section
from taut.report.subjects.regression import RegressionSubject
from taut.report.words.numbers import label


@section("Uncertainty surface", RegressionSubject, figures=("probability", "sd"))
def surface(subject: RegressionSubject) -> Content | None:
    """Both figures, where the regression predicts probabilities, the data are known and there are two features."""
    if not subject.predicts_probabilities:
        return None
    if subject.evidence is None:
        return left_out(NEEDS_DATA)
    if len(subject.features) != 2:
        return left_out("the table has one feature, and a surface needs two")
    seen = figures.surface(subject.fit, subject.evidence, subject.features)
    negative, positive = subject.outcomes
    return {
        "x": label(seen.x.name, 60),
        "y": label(seen.y.name, 60),
        "others": len(subject.fit.design.columns) - 2,
        "points": len(seen.points),
        "spread": seen.spread,
        "even_odds": seen.even_odds,
        "positive": positive,
        "negative": negative,
        "probability": Colours.of(figures.draw_probability, seen, positive),
        "sd": Colours.of(figures.draw_sd, seen, positive),
    }

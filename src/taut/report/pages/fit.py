"""A fit as one HTML file: figures inside, no network, no script."""

from pathlib import Path
from typing import Any

from taut.report.pages.html import draw, environment, replace_file
from taut.report.subjects.kinds import subject_of
from taut.report.words import verdict as verdict_words
from taut.results.fit import Fit


def page(fit: Fit, path: str | Path, data: Any = None, *, features: Any = None) -> Path:
    """Write the report of a fit: the verdict, what was fitted and how it ended, and the sections of its kind.

    Args:
        fit: The fit.
        path: The path of the file, which is written whole or left as it was.
        data: `(X, y)` as they were fitted, for the calibration and the surface of a regression; held-out examples, or
            (examples, labels), for a latent-variable model. Without them what the fit itself keeps (`fit.evidence`) is
            shown, and where it keeps nothing the page says so.
        features: Names of the two columns that the surface is drawn over; by default the two numeric ones with the
            largest |mean| / sd. A fit keeps the data points of two features only, so others need `data` for theirs.

    Returns:
        The path.

    Raises:
        ArgumentError: `features` that are not there, or a path that cannot be written.
        DataError: data unlike those of the fit.

    Example:
        >>> import taut, tempfile
        >>> X, y = [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [3.0, 0.0]], [0, 0, 1, 1]
        >>> result = taut.fit(taut.models.LogisticRegression(), (X, y))
        >>> page(result, tempfile.mkdtemp() + "/report.html", (X, y)).name
        'report.html'
    """
    subject = subject_of(fit, data, features)
    said = subject.facts["verdict"]
    html = environment().get_template("fit.html.jinja")
    return replace_file(
        Path(path),
        html.render(
            title=subject.title,
            subject=subject,
            verdict=verdict_words.lines_of(subject.facts),
            verdict_figures=verdict_words.figures(said) if said else [],
            sections=draw(subject.sections(), subject),
        ),
    )

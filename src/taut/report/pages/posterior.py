"""A fit as one HTML file: figures inside, no network, no script."""

from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

import taut
from taut.core.files import write_file
from taut.errors import ArgumentError
from taut.report.evidence import Evidence, named
from taut.report.figures import forest, noise
from taut.report.figures.calibration import calibration
from taut.report.figures.style import inline
from taut.report.figures.surface import draw_probability, draw_sd, surface
from taut.report.figures.trace import LONG, path_of, trace
from taut.report.posterior_table import Table, posterior_table
from taut.report.words import numbers as words
from taut.report.words import verdict as verdict_words

MOST_LINES = 2000
"""Lines of the table on the page; a network's weights are read otherwise."""

SENTENCES = ("model", "family", "objective", "gradient", "algorithm")

TEMPLATES = Path(__file__).parents[1] / "templates"


def page(fit: Any, path: str | Path, data: Any = None, *, features: Any = None) -> Path:
    """Write the report of a fit: the verdict, what was fitted and how it ended, the posterior table, and figures.

    Args:
        fit: the fit.
        path: of the file, replaced in one move.
        data: `(X, y)` as they were fitted, for the calibration and the surface of a regression; held-out examples, or
            (examples, labels), for a latent-variable model. Without them what the fit itself keeps (`fit.evidence`) is
            shown, and where it keeps nothing the page says so.
        features: names of the two columns that the surface is drawn over; by default the two numeric ones with the
            largest |mean| / sd. A fit keeps the data points of two features only, so others need `data` for theirs.

    Returns:
        The path.

    Raises:
        ArgumentError: `features` that are not there, or a path that cannot be written.
        DataError: data unlike those of the fit.

    Example:
        >>> import tempfile
        >>> X, y = [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [3.0, 0.0]], [0, 0, 1, 1]
        >>> result = taut.fit(taut.models.LogisticRegression(), (X, y))
        >>> page(result, tempfile.mkdtemp() + "/report.html", (X, y)).name
        'report.html'
    """
    if fit.design is None and features is not None:
        raise ArgumentError(f"features={features!r}: a {fit.model.name} has no surface over features; leave them out.")
    if fit.model.local:
        return replace_file(Path(path), environment().get_template("latent.html.jinja").render(_latent(fit, data)))
    evidence = _evidence(fit, data, features) if fit.design is not None else None
    content = _content(fit, evidence, features)
    return replace_file(Path(path), environment().get_template("page.html.jinja").render(content))


def environment() -> jinja2.Environment:
    """Where the templates are, and how they show numbers and names."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        minus=lambda text: str(text).replace("-", "\N{MINUS SIGN}"),
        measured=words.measured,
        probability=words.probability,
        breakable=_breakable,
    )
    return made


def _latent(fit: Any, data: Any) -> dict[str, Any]:
    """The content of the other template, for models in which each example has a z of its own."""
    from taut.report.latent_evidence import LatentEvidence
    from taut.report.pages.latent import latent_content

    if data is None:
        return latent_content(fit, LatentEvidence.from_arrays(fit.evidence))
    examples, labels = data if isinstance(data, tuple) else (data, None)
    return latent_content(fit, LatentEvidence.gather(fit, examples, labels))


def _evidence(fit: Any, data: Any, features: Any) -> Evidence | None:
    if data is not None:
        return Evidence.gather(fit, data, features)
    return Evidence.from_arrays(fit.evidence) if fit.evidence else None


def _content(fit: Any, evidence: Evidence | None, features: Any) -> dict[str, Any]:
    """Everything that the template fills in."""
    facts = fit.to_json()
    table = posterior_table(fit, facts)
    word, sentence = words.ending(facts, fit.ended.value)
    noisy = not fit.algorithm.deterministic
    steps, _ = path_of(fit.history)
    return {
        "title": f"Posterior of a {facts['model']}",
        **verdict_words.content(facts["verdict"]),
        "what": words.what(fit, facts),
        "word": word,
        "ended": sentence,
        "state": facts["ended"],
        "bound": words.bound(facts),
        "choices": [(s, facts[s], words.opened(facts["reasons"].get(s, "given"))) for s in SENTENCES],
        "table": table,
        "most_lines": MOST_LINES,
        "standardised": fit.design is not None and fit.design.standardise,
        "forest": _forest(fit, table),
        "undrawn": len(table.entries) - len(forest.shown(table)),
        "trace": inline(trace, fit.history, fit.elbo, noisy) if len(steps) else None,
        "noisy": noisy,
        **noise.noise_content(fit),
        "long": len(steps) and steps[-1] > LONG,
        "mode_steps": int(np.sum(~np.asarray(fit.history.get("variational", []), bool))),
        "regression": fit.design is not None,
        **_of_the_data(fit, evidence, features),
        "particulars": _particulars(fit, facts),
    }


def _breakable(name: str) -> Markup:
    """A name, escaped, that a narrow column may break where its parts meet: `savings_status=A65`."""
    return Markup(escape(name).replace("=", Markup("=<wbr>")).replace("_", Markup("_<wbr>")))


def _forest(fit: Any, table: Table) -> str:
    if not table.regression:
        return inline(forest.forest, table, "")
    scale = "one standard deviation of the column" if fit.design.standardise else "one unit of the column"
    return inline(forest.forest, table, f"log-odds for {scale}")


def _of_the_data(fit: Any, evidence: Evidence | None, features: Any) -> dict[str, Any]:
    """Calibration and surface, None where there is nothing to draw them from."""
    if evidence is None:
        return {"positive": None, "calibration": None, "surface": None, "rows": 0}
    positive = words.label(fit.labels.classes[1])
    pair = list(evidence.features) if features is None else named(fit, features)
    content: dict[str, Any] = {"positive": positive, "rows": int(evidence.count.sum()), "surface": None}
    if len(pair) == 2:
        seen = surface(fit, evidence, pair)
        content["surface"] = {
            "x": words.label(seen.x.name, 60),
            "y": words.label(seen.y.name, 60),
            "others": len(fit.design.columns) - 2,
            "points": len(seen.points),
            "spread": seen.spread,
            "even_odds": seen.even_odds,
            "negative": words.label(fit.labels.classes[0]),
            "probability": inline(draw_probability, seen, positive),
            "sd": inline(draw_sd, seen, positive),
        }
    return {**content, "calibration": inline(calibration, evidence, positive)}


def _particulars(fit: Any, facts: dict[str, Any]) -> list[tuple[str, str]]:
    seconds = ", ".join(f"{phase} {value:.3g}" for phase, value in facts["seconds"].items() if phase != "total")
    rejected = len(fit.history.get("elbo", ())) - facts["iterations"]
    trials = f", and {words.count(rejected, 'rejected trial')}" if rejected > 0 else ""
    exact = facts["gradient"] == "exact"
    return [
        ("seed", str(facts["seed"])),
        ("dtype", facts["dtype"]),
        ("iterations", words.count(facts["iterations"], "step") + trials),
        ("gradient evaluations", f"{facts['gradient_evaluations']:,.6g} (over the full data, at one draw)"),
        ("samples", "none, the expectations are exact" if exact else f"{facts['samples']} for each step"),
        ("rows for each step", "all" if facts["batch_size"] is None else f"{facts['batch_size']:,}"),
        ("seconds", f"{facts['seconds']['total']:.3g} ({seconds})"),
        ("page by", f"Taut {taut.__version__}"),
    ]


def replace_file(path: Path, text: str) -> Path:
    """Write a file so that there is the old one or the new one, never a half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, lambda file: file.write(text.encode()))
    except OSError as error:
        raise ArgumentError(f"The page cannot be written to {path} ({error.strerror}): choose another path.") from error
    return path

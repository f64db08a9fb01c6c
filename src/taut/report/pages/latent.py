"""A fitted latent-variable model as one HTML file: what it makes of examples, its codes, and how training went."""

from typing import Any

import numpy as np
from scipy.special import ndtri

from taut.diagnostics.activity import THRESHOLD
from taut.objectives import Constrained
from taut.report.figures import noise
from taut.report.figures.codes import kl_bars, latent_map
from taut.report.figures.pictures import image_shape, inline_png
from taut.report.figures.rate import rate_point
from taut.report.figures.style import inline
from taut.report.figures.terms import multipliers, terms
from taut.report.latent_evidence import LatentEvidence
from taut.report.words import latent as latent_words
from taut.report.words import numbers as words
from taut.report.words import verdict as verdict_words

COLUMNS = 10
SAMPLES = 60
TRAVERSED = 8
"""Units that are traversed, the most active first."""
STEPS = 9
GRID = 15


def latent_content(fit: Any, evidence: LatentEvidence | None) -> dict[str, Any]:
    """Everything that the template `latent.html.jinja` fills in."""
    facts = fit.to_json()
    shown, on = latent_words.held_out(fit, evidence)
    word, sentence = words.ending(facts, fit.ended.value)
    sentences = ("model", "family", "objective", "gradient", "algorithm")
    return {
        "title": f"{words.opened(fit.model.name)}{latent_words.of(evidence)}",
        **verdict_words.content(facts["verdict"]),
        "what": latent_words.what(fit, evidence),
        "bound": latent_words.bound(shown),
        "on": on,
        "word": word,
        "ended": sentence,
        "state": facts["ended"],
        "choices": [(s, facts[s], words.opened(facts["reasons"].get(s, "given"))) for s in sentences],
        "latent": fit.model.latent,
        "binary": fit.posterior.latent == "bernoulli",
        "figures": latent_words.figures(fit, evidence),
        "learned": [*map(latent_words.coefficient, latent_words.learned(fit)), *latent_words.feasible(evidence)],
        **_pictures(fit, evidence),
        **_codes(fit, evidence),
        **_training(fit, shown),
        **noise.noise_content(fit),
        "particulars": _particulars(fit, evidence, facts),
    }


def _pictures(fit: Any, evidence: LatentEvidence | None) -> dict[str, Any]:
    """Pictures of what the decoder makes, None where the examples are no images."""
    nothing: dict[str, Any] = dict.fromkeys(("reconstructions", "samples", "traversal", "manifold"))
    shape = image_shape(evidence.originals.shape[1:]) if evidence is not None else None
    if shape is None or evidence is None:
        return nothing

    def decoded(z):
        return fit.decode(z).reshape(-1, *shape)

    originals = evidence.originals[: 2 * COLUMNS].reshape(-1, *shape)
    again = decoded(evidence.codes[: len(originals)])
    grey = evidence.grey.reshape(-1, *shape)
    kinds = [*([grey] if len(grey) else []), originals, again]
    rows = [one[i : i + COLUMNS] for i in range(0, len(originals), COLUMNS) for one in kinds]
    flat = fit.model.latent == 2 and fit.posterior.latent == "gaussian"
    return {
        "reconstructions": inline_png(np.concatenate(rows), min(COLUMNS, len(originals))),
        "drawn": len(grey) > 0,
        "samples": inline_png(fit.sample(SAMPLES, fit.seed)["x"].reshape(-1, *shape), COLUMNS),
        "traversal": inline_png(decoded(traversal(fit, evidence)), STEPS),
        "traversed": [int(unit) for unit in evidence.active[:TRAVERSED]],
        "manifold": inline_png(decoded(_plane()), GRID) if flat else None,
    }


def traversal(fit: Any, evidence: LatentEvidence) -> np.ndarray:
    """Codes `[units * 9, latent]`: the first example's, with one unit at a time moved from -3 to 3 (or 0 to 1)."""
    binary = fit.posterior.latent == "bernoulli"
    ends = (0.0, 1.0) if binary else (-3.0, 3.0)
    base = np.round(evidence.codes[0]) if binary else evidence.codes[0]
    units = evidence.active[:TRAVERSED]
    codes = np.tile(base, (len(units), STEPS, 1))
    for row, unit in enumerate(units):
        codes[row, :, unit] = np.linspace(*ends, STEPS)
    return codes.reshape(-1, codes.shape[-1])


def _plane() -> np.ndarray:
    """Codes on a grid at equal steps of the prior's probability, the second unit upwards."""
    ticks = ndtri((np.arange(GRID) + 0.5) / GRID)
    return np.stack([np.tile(ticks, GRID), np.repeat(ticks[::-1], GRID)], axis=1)


def _codes(fit: Any, evidence: LatentEvidence | None) -> dict[str, Any]:
    """The map of codes and the KL of each unit."""
    content: dict[str, Any] = {"map": None, "kl_bars": None, "labelled": False}
    if evidence is None:
        return content
    if fit.model.latent >= 2:
        pair = [0, 1] if fit.model.latent == 2 else sorted(int(unit) for unit in evidence.active[:2])
        content |= {
            "map": inline(latent_map, evidence.codes, evidence.labels, pair),
            "pair": pair,
            "mapped": len(evidence.codes),
            "labelled": len(evidence.labels) > 0,
        }
    kl = (evidence.evaluation or {}).get("kl_per_dimension")
    if kl:
        content["kl_bars"] = inline(kl_bars, np.array(kl), np.var(evidence.codes, axis=0) > THRESHOLD)
    return content


def _training(fit: Any, shown: dict[str, Any]) -> dict[str, Any]:
    """Curves, the multipliers' way, and the place between rate and distortion."""
    content: dict[str, Any] = {"terms": None, "multipliers": None, "rate": None}
    if not len(fit.history.get("elbo", ())):
        return content
    looks = _looks(fit)
    content["terms"] = inline(terms, fit.history, looks, shown)
    content["validated"] = len(looks["elbo"]) > 0
    content["rate"] = inline(rate_point, fit.history, -shown["expected_log_likelihood"], shown["kl"])
    if fit.multiplier:
        names = list(fit.multiplier)
        mirror = [name.startswith("kl") for name in names]
        content["multipliers"] = inline(multipliers, fit.history, names, mirror)
    return content


def _looks(fit: Any) -> dict[str, np.ndarray]:
    """The looks of early stopping at the validation examples; those at constraints have no ELBO."""
    stopping = not isinstance(fit.problem.objective, Constrained)

    def kept(name):
        return fit.evidence.get(f"validation.{name}", np.zeros(0)) if stopping else np.zeros(0)

    likelihood, kl = kept("terms").reshape(-1, 2).T
    return {"steps": kept("steps"), "elbo": kept("scores"), "expected_log_likelihood": likelihood, "kl": kl}


def _particulars(fit: Any, evidence: LatentEvidence | None, facts: dict[str, Any]) -> list[tuple[str, str]]:
    import taut

    seconds = ", ".join(f"{phase} {value:.3g}" for phase, value in facts["seconds"].items() if phase != "total")
    speed = f", {facts['images_per_second']:,.0f} images/s" if facts["images_per_second"] else ""
    evaluation = evidence.evaluation if evidence else None
    draws = f"; evaluation: {evaluation['draws']} draws, seed {evaluation['seed']}" if evaluation else ""
    return [
        *latent_words.provenance(fit, evidence),
        ("networks", latent_words.networks(fit)),
        ("steps", f"{facts['iterations']:,} of {facts['batch_size']} examples{speed}"),
        ("seed", f"{facts['seed']}{draws}"),
        ("precision", facts["dtype"]),
        ("seconds", f"{facts['seconds']['total']:.3g} ({seconds})"),
        ("Taut", taut.__version__),
    ]

"""The ELBO and its two terms at each step."""

import numpy as np

from taut.report.figures.drawings import Lines
from taut.report.figures.terms import terms
from taut.report.sections.base import Content, left_out, section
from taut.report.subjects.latent import LatentSubject
from taut.results.fit import Fit


@section("Training", LatentSubject, figures=("training",))
def training(subject: LatentSubject) -> Content | None:
    """The curves with the looks at validation examples, where a step was made."""
    if not subject.stepped:
        return left_out("no step was made")
    looks = validation_looks(subject.fit)
    shown, _ = subject.held_out
    return {"validated": len(looks["elbo"]) > 0, "figure": Lines.of(terms, subject.fit.history, looks, shown)}


def validation_looks(fit: Fit) -> dict[str, np.ndarray]:
    """The looks of early stopping at the validation examples; those at constraints have no ELBO."""
    stopping = not fit.problem.objective.constraints
    kept = {
        name: fit.evidence.get(f"validation.{name}", np.zeros(0)) if stopping else np.zeros(0)
        for name in ("steps", "scores", "terms")
    }
    likelihood, kl = kept["terms"].reshape(-1, 2).T
    return {"steps": kept["steps"], "elbo": kept["scores"], "expected_log_likelihood": likelihood, "kl": kl}

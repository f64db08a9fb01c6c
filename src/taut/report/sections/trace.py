"""The ELBO at each step."""

import numpy as np

from taut.report.figures import trace as figures
from taut.report.figures.style import inline
from taut.report.sections.base import Content, left_out, section
from taut.report.subjects.posterior import PosteriorSubject


@section("ELBO against steps", PosteriorSubject)
def trace(subject: PosteriorSubject) -> Content | None:
    """The ELBO at each step, where one is known."""
    fit = subject.fit
    steps, _ = figures.path_of(fit.history)
    if not len(steps):
        return left_out("no step was made that has an ELBO")
    noisy = not fit.algorithm.deterministic
    return {
        "noisy": noisy,
        "mode_steps": int(np.sum(~np.asarray(fit.history.get("variational", []), bool))),
        "figure": inline(figures.trace, fit.history, fit.elbo, noisy),
    }

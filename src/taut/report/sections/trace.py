"""The ELBO at each step."""

import numpy as np

from taut.report.figures import trace as figures
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, left_out, section
from taut.report.subjects.posterior import PosteriorSubject


@section("ELBO against steps", PosteriorSubject, figures=("trace",))
def trace(subject: PosteriorSubject) -> Content | None:
    """The ELBO at each step, where one is known."""
    fit = subject.fit
    steps, _ = figures.path_of(fit.history)
    if not len(steps):
        return left_out("no step was made that has an ELBO")
    noisy = not fit.algorithm.deterministic
    return {
        "noisy": noisy,
        "exact": fit.gradient is not None and fit.gradient.noiseless,
        "mode_steps": int(np.sum(~np.asarray(fit.history.get("variational", []), bool))),
        "figure": Lines.of(figures.trace, fit.history, fit.elbo, noisy),
    }

"""The ELBO at each step."""

import numpy as np

from taut.report.figures.style import inline
from taut.report.figures.trace import path_of, trace
from taut.report.sections.base import Section, left_out
from taut.report.subjects.posterior import PosteriorSubject


class Trace(Section[PosteriorSubject]):
    """The whole way of the ELBO, and its end from close by."""

    needs = PosteriorSubject
    title = "ELBO against steps"
    template = "trace"

    def content(self, subject):
        """The figure, where a step has an ELBO."""
        fit = subject.fit
        steps, _ = path_of(fit.history)
        if not len(steps):
            return left_out("no step was made that has an ELBO")
        noisy = not fit.algorithm.deterministic
        return {
            "noisy": noisy,
            "mode_steps": int(np.sum(~np.asarray(fit.history.get("variational", []), bool))),
            "figure": inline(trace, fit.history, fit.elbo, noisy),
        }

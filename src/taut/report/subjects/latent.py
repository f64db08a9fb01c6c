"""A latent-variable model: each example has a z of its own, and what can be shown is what becomes of examples."""

import dataclasses
import functools
from typing import Any

import numpy as np

import taut
from taut.report.latent_evidence import LatentEvidence
from taut.report.subjects.base import FitSubject, refuse_features
from taut.report.words import latent as latent_words
from taut.report.words import numbers as words
from taut.results.latent import LatentFit

UNITS = {"bernoulli": "binary", "gaussian": "Gaussian"}


@dataclasses.dataclass(frozen=True)
class LatentSubject(FitSubject[LatentFit]):
    """The fit of a latent-variable model.

    Attributes:
        evidence: Held-out examples; None without any.
    """

    evidence: LatentEvidence | None = None

    @classmethod
    def of(cls, fit, data, features):
        """Data are examples, or (examples, labels)."""
        refuse_features(fit, features)
        if data is None:
            return cls(fit, LatentEvidence.from_arrays(fit.evidence))
        examples, labels = data if isinstance(data, tuple) else (data, None)
        return cls(fit, LatentEvidence.gather(fit, examples, labels))

    @property
    def title(self):
        """The model and the name of the data."""
        return f"{words.opened(self.fit.model.name)}{latent_words.of(self.evidence)}"

    @property
    def what(self):
        """Examples, units, likelihood and objective."""
        fit = self.fit
        units = words.count(fit.model.latent, f"{UNITS[fit.posterior.latent]} unit")
        return (
            f"A latent-variable model of {words.count(fit.rows, 'example')}{latent_words.of(self.evidence)}: {units}, "
            f"{fit.model.likelihood.name} likelihood, objective {fit.problem.objective.name}."
        )

    @functools.cached_property
    def held_out(self) -> tuple[dict[str, Any], str]:
        """The bound to show by name, and what it was taken on: the test split where there is an evaluation."""
        evaluation = self.evidence.evaluation if self.evidence else None
        if evaluation:
            return evaluation, f"the {words.count(evaluation['images'], 'example')} of the test split"
        return self.facts, "held-out examples, or those trained on where none were held out"

    @property
    def bound(self):
        """In nats per example."""
        return f"{words.bound(self.held_out[0])} per example"

    @property
    def bound_meaning(self):
        """That of the ELBO, whatever was trained."""
        return (
            f"The evidence lower bound on {self.held_out[1]}: expected log-likelihood minus Kullback-Leibler "
            "divergence from prior to posterior. The true one, whatever objective was trained; a bound on log p(x), "
            "not log p(x) itself."
        )

    @property
    def bound_place(self):
        """The held-out examples."""
        return f" ({self.held_out[1]})"

    @property
    def speed(self) -> str:
        """Images a second, "" where that is not known."""
        return f"{self.facts['images_per_second']:,.0f} images/s" if self.facts["images_per_second"] else ""

    @property
    def how(self):
        """Steps, speed and seconds, and where the data come from."""
        parts = [words.count(self.fit.iterations, "step"), self.speed, f"{self.fit.seconds['total']:.1f} s."]
        provenance = latent_words.provenance(self.evidence)
        return [", ".join(filter(None, parts)), *(f"{name}: {value}." for name, value in provenance)]

    @property
    def particulars(self):
        """Data, networks, steps and seeds."""
        facts = self.facts
        evaluation = self.evidence.evaluation if self.evidence else None
        draws = f"; evaluation: {evaluation['draws']} draws, seed {evaluation['seed']}" if evaluation else ""
        speed = f", {self.speed}" if self.speed else ""
        return [
            *latent_words.provenance(self.evidence),
            ("networks", latent_words.networks(self.fit)),
            ("steps", f"{facts['iterations']:,} of {facts['batch_size']} examples{speed}"),
            ("seed", f"{facts['seed']}{draws}"),
            ("precision", facts["dtype"]),
            *self.cost,
            ("Taut", taut.__version__),
        ]

    @property
    def learned(self) -> list[str]:
        """Sentences on each constraint and its learned coefficient, and on what its bound can reach."""
        return [
            *latent_words.coefficients(self.fit),
            *latent_words.feasible(self.evidence),
        ]

    @property
    def binary(self) -> bool:
        """Whether codes are 0 and 1."""
        return self.fit.posterior.latent == "bernoulli"

    @property
    def stepped(self) -> bool:
        """Whether a step was made."""
        return len(self.fit.history.get("elbo", ())) > 0

    @functools.cached_property
    def image_shape(self) -> tuple[int, ...] | None:
        """How an example is shown as an image; None without examples, or where they are no images."""
        from taut.report.figures.pictures import image_shape

        return None if self.evidence is None else image_shape(self.evidence.originals.shape[1:])

    def images(self, values: np.ndarray) -> np.ndarray:
        """Examples in the shape of images, `[n, h, w]` or `[n, h, w, channels]`."""
        assert self.image_shape is not None
        return values.reshape(-1, *self.image_shape)

    def sections(self):
        """The list of all pages about latent-variable models."""
        from taut.report.sections import LATENT

        return LATENT

    def tables(self):
        """The figures on held-out examples, and what was learned of constraints."""
        from taut.report.terminal.held_out import held_out_table

        return held_out_table(latent_words.figures(self.evidence), self.learned)

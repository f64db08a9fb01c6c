"""The options that choose a sentence, checked against each other and turned into Taut's parts."""

from typing import Any, NamedTuple

import typer

from taut.cli import names, options


class Sentences(NamedTuple):
    """What was asked for, None where nothing was; the fields are the options of that name."""

    model: options.Model = "logistic"
    prior: options.Prior = None
    prior_scale: options.PriorScale = 1.0
    standardise: options.Standardise = True
    intercept: options.Intercept = True
    family: options.Family = None
    gradient: options.Gradient = None
    samples: options.Samples = None
    control: options.Control = None
    algorithm: options.Algorithm = None
    learning_rate: options.LearningRate = None
    batch_size: options.BatchSize = None
    fallbacks: options.Fallbacks = True

    @property
    def scale_asked(self) -> float | None:
        """The scale of the prior where it is another than the default."""
        return None if self.prior_scale == 1.0 else self.prior_scale

    def check(self) -> None:
        """Refuse options that no sentence would take, before anything is read or loaded.

        Raises:
            typer.BadParameter: naming the option and what to do.
        """
        draws = "--gradient reparametrization or reinforce"
        gradient, algorithm = names.GRADIENTS.get(self.gradient or ""), names.ALGORITHMS.get(self.algorithm or "")
        noiseless = gradient is not None and gradient.says["noiseless"]
        whole = algorithm is not None and algorithm.says["whole"]
        no_rate = algorithm is not None and "learning_rate" not in algorithm.takes
        instead = f"is not for the {self.algorithm} algorithm: use --algorithm stochastic"
        for option, asked, misplaced, reason in (
            (
                "--control",
                self.control,
                gradient is None or "control" not in gradient.takes,
                "is for REINFORCE: add --gradient reinforce",
            ),
            (
                "--prior-scale",
                self.scale_asked,
                "empirical" in (self.prior or ()),
                "is not for --prior empirical, which finds it",
            ),
            ("--samples", self.samples, self.gradient is None, f"is for a gradient that draws: add {draws}"),
            ("--samples", self.samples, noiseless, f"is not for the {self.gradient} gradient, which draws nothing"),
            ("--samples", self.samples, self.gradient == "auto", "is not for auto, which chooses the draws too"),
            ("--learning-rate", self.learning_rate, no_rate, instead),
            ("--batch-size", self.batch_size, whole, instead),
        ):
            if asked is not None and misplaced:
                raise typer.BadParameter(f"{asked} {reason}.", param_hint=option)

    def arguments(self) -> dict[str, Any]:
        """The parts but the model as arguments of `taut.fit`; what was not asked for is left for it to choose."""
        return {
            "family": self.family,
            "gradient": self._gradient(),
            "algorithm": self._algorithm(),
            "batch_size": self.batch_size,
            "fallbacks": self.fallbacks,
        }

    def _gradient(self) -> Any:
        from taut.choosing.names import CONTROLS, GRADIENTS

        if self.gradient is None or (self.samples is None and self.control is None):
            return self.gradient
        asked: dict[str, Any] = {} if self.samples is None else {"samples": self.samples}
        if self.control is not None:
            asked["control"] = CONTROLS[self.control]()
        return GRADIENTS[self.gradient](**asked)

    def _algorithm(self) -> Any:
        from taut.algorithms import Algorithm
        from taut.choosing.names import ALGORITHMS, named

        if self.learning_rate is None:
            return self.algorithm
        # A rate chooses the stochastic algorithm where none is named.
        kind = named("algorithm", self.algorithm or "stochastic", ALGORITHMS, Algorithm)
        return kind(learning_rate=self.learning_rate)

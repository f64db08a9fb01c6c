"""Which regression `taut fit` is asked for: one by formula, or the logistic one of every column."""

from pathlib import Path
from typing import Any, NamedTuple

import typer

from taut.cli import names
from taut.cli.inputs import Inputs, read, read_for_formula
from taut.cli.priors import priors, written
from taut.cli.sentences import Sentences
from taut.cli.table_options import TableOptions

NOT_BY_FORMULA = {
    "model": "is for a fit without a formula; here --likelihood says what the response is.",
    "prior_scale": "is for a fit without a formula; write e.g. --prior 'Normal(0,1)', or --prior 'age=Normal(0,1)'.",
    "standardise": "is for a fit without a formula; the columns of numbers of a formula are always standardised.",
    "intercept": "is for a fit without a formula; a formula says it, with 0 + or 1 +.",
}
"""Options that a formula leaves no place for, and what to do."""


class EveryColumn(NamedTuple):
    """A regression of the target on every column.

    Attributes:
        sentences: The options.
    """

    sentences: Sentences

    @property
    def stepwise(self) -> bool:
        """Whether the fit saves checkpoints; what is chosen where nothing is asked for does."""
        return self.sentences.algorithm is None or _by_steps(self.sentences.algorithm)

    def read(self, data: str, table: TableOptions) -> Inputs:
        """The features and the target."""
        return read(data, table)

    def model(self, inputs: Inputs) -> Any:
        """The regression."""
        import taut
        from taut.choosing.names import REGRESSIONS

        sentences = self.sentences
        word = (sentences.prior or ["normal"])[-1]
        prior = word if word == "empirical" else taut.models.Normal(0.0, sentences.prior_scale)
        return REGRESSIONS[sentences.model](
            prior=prior, standardise=sentences.standardise, intercept=sentences.intercept
        )

    def with_evidence(self, result: Any, inputs: Inputs) -> Any:
        """The fit with what its page needs of the data, so that the page can be made again without them."""
        from taut.report.evidence import Evidence, has_probabilities

        if not has_probabilities(result):
            return result
        return result.replaced(evidence=Evidence.gather(result, inputs.data).arrays())


class ByFormula(NamedTuple):
    """A regression by formula.

    Attributes:
        sentences: The options.
        formula: Its text; None for the target on every other column.
        likelihood: Its name; None finds one.
    """

    sentences: Sentences
    formula: str | None
    likelihood: str | None

    @property
    def stepwise(self) -> bool:
        """Whether the fit saves checkpoints; what is chosen where nothing is asked for does not."""
        asked = self.sentences
        if asked.algorithm is not None:
            return _by_steps(asked.algorithm)
        return any(option is not None for option in (asked.gradient, asked.learning_rate, asked.batch_size))

    def read(self, data: str, table: TableOptions) -> Inputs:
        """The whole table."""
        return read_for_formula(data, table, self.formula)

    def model(self, inputs: Inputs) -> Any:
        """The regression."""
        import taut

        return taut.models.Regression(
            inputs.formula, likelihood=self.likelihood, prior=priors(self.sentences.prior or ())
        )

    def with_evidence(self, result: Any, inputs: Inputs) -> Any:
        """The fit as it is: it keeps its rows."""
        return result


def asked(
    context: typer.Context,
    data: str,
    formulas: list[str] | None,
    likelihood: str | None,
    sentences: Sentences,
    table: TableOptions,
) -> EveryColumn | ByFormula:
    """The regression that the options ask for.

    Raises:
        typer.BadParameter: Options that do not go together, or more than one formula.
    """
    if len(formulas or ()) > 1:
        raise typer.BadParameter(
            f"{len(formulas or ())} words came where one formula is taken; put it in quotation marks: "
            "taut fit DATA 'y ~ x + (1 | group)'.",
            param_hint="FORMULA",
        )
    formula = formulas[0] if formulas else None
    if formula is None and likelihood is None:
        if named := [text for text in sentences.prior or () if written(text)]:
            raise typer.BadParameter(
                f"{named[0]} is for a regression by formula; give one, such as 'y ~ x + (1 | group)', or --likelihood.",
                param_hint="--prior",
            )
        return EveryColumn(sentences)
    if formula is not None and "~" in data and Path(formula).exists():
        raise typer.BadParameter("the data come first: taut fit DATA FORMULA.", param_hint="FORMULA")
    if formula is not None and "~" not in formula and Path(formula).exists():
        raise typer.BadParameter(
            f"{formula} is a second table, and one is fitted; what comes behind DATA is a formula, see taut fit -h.",
            param_hint="FORMULA",
        )
    if formula is not None and table.target is not None:
        raise typer.BadParameter(
            "the formula names the response before '~'; leave --target out.", param_hint="--target"
        )
    for option, reason in NOT_BY_FORMULA.items():
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(reason, param_hint=f"--{option.replace('_', '-')}")
    return ByFormula(sentences, formula, likelihood)


def _by_steps(algorithm: str) -> bool:
    return "Stepwise" in names.ALGORITHMS[algorithm].bases

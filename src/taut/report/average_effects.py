"""Average marginal effects as they are shown, where they say more than the coefficients."""

from taut.diagnostics.predictive.marginal import OF_LEVELS
from taut.report.posterior_table import LEVEL, Entry
from taut.report.words import numbers as words
from taut.results.formula import FormulaFit


def average_effects(fit: FormulaFit) -> list[Entry]:
    """A line each; none where they are the coefficients: columns by themselves, in the unit of the response."""
    alone = all(len(term.components) <= 1 for term in fit.design.terms)
    plain = alone and not any(component.called for component in fit.design.components)
    if fit.model.likelihood.in_units_of_y and plain:
        return []
    entries = []
    for line in fit.effects(LEVEL).to_dicts():
        against, of = line.pop("against"), line.pop("level")
        name = line["name"] + (f" against {against}" if against is not None else "")
        entries.append(Entry(**line | {"name": name + (f": {of}" if of is not None else "")}))
    return entries


def changed(fit: FormulaFit) -> str:
    """What the effects are changes of."""
    response = words.quoted(fit.design.response.name)
    if fit.positive is not None:
        return f"the probability that {response} is {words.quoted(fit.positive)}"
    if fit.model.likelihood.target in OF_LEVELS:
        return f"the probability of each level of {response}"
    if "trials" in fit.model.likelihood.parts:
        return f"the probability of a success ({response})"
    return f"the expected {response}"


def explained(fit: FormulaFit) -> str:
    """What the effects are, in a sentence."""
    return (
        f"Average marginal effects: by how much {changed(fit)} changes, averaged over the rows, for one unit more of a "
        "column of numbers, or for a level against another. Rows keep their groups."
    )

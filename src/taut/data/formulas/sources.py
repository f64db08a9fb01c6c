"""Which columns of the table a formula is made of, and of which kind they are."""

from dataclasses import replace

import polars as pl
from formulae import expr as tree

from taut.data.formulas.functions import CATEGORICAL
from taut.data.formulas.understanding import Understood
from taut.data.tables import disguise
from taut.data.tables.choices import Columns
from taut.data.tables.columns import Column
from taut.data.tables.problems import Problems
from taut.errors import DataError

ROWS = 10
"""Rows for each level with which text that looks like numbers is categories; a formula names its columns one by one."""


def source_columns(frame: pl.DataFrame, asked: Understood, choices: Columns) -> tuple[Column, ...]:
    """The columns that terms are made of, by their kinds.

    Raises:
        DataError: dates, identifiers, text that looks like numbers; all that is wrong in one message.
    """
    declared = _categorical(asked)
    said = [n for n in asked.columns if frame[n].dtype == pl.String and (n in declared or _has_few_levels(frame[n]))]
    said = [name for name in said if name not in choices.names("numeric")]
    choices = replace(choices, categorical=(*choices.names("categorical"), *said))
    problems, found = Problems(), []
    for name in asked.columns:
        series = frame[name]
        with problems.noted():
            column = Column.of_kind(series, choices)
            found.append(column.learned(series) if column.kind == "date" else column)
            if name in asked.dotted and column.kind == "numeric" and name not in choices.names("numeric"):
                suspicion = disguise.of_numbers(name, series.drop_nulls().to_numpy())
                if suspicion:
                    raise DataError(suspicion)
    problems.refuse()
    return tuple(found)


def _has_few_levels(series: pl.Series) -> bool:
    """Whether text may be taken for categories whatever it looks like: "0", "1", "2", "3+"."""
    present = series.drop_nulls()
    return present.n_unique() <= min(disguise.MANY, len(present) / ROWS)


def _categorical(asked: Understood) -> set[str]:
    """Columns that stand in C(...): the formula says that they are categories."""
    found = set()
    for atom in asked.atoms:
        if isinstance(atom.tree, tree.Call) and atom.tree.callee.name.lexeme in CATEGORICAL and atom.tree.args:
            match atom.tree.args[0]:
                case tree.Variable():
                    found.add(atom.tree.args[0].name.lexeme)
                case tree.QuotedName():
                    found.add(atom.tree.args[0].expression.lexeme[1:-1])
    return found

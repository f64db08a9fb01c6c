"""The options of the commands: what each is called, takes and means."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from taut.cli import names
from taut.cli.priors import PRIORS, written
from taut.cli.run_options import Run as Run

if TYPE_CHECKING:
    FamilyName = GradientName = ControlName = AlgorithmName = RegressionName = ResponseName = str
else:  # a type checker cannot see values that come from the rooms
    FamilyName = Literal[tuple(names.FAMILIES)]
    GradientName = Literal[("auto", *names.GRADIENTS)]
    ControlName = Literal[tuple(names.CONTROLS)]
    AlgorithmName = Literal[tuple(names.ALGORITHMS)]
    RegressionName = Literal[tuple(names.REGRESSIONS)]
    ResponseName = Literal[tuple(names.RESPONSES)]


def positive(text: str) -> float:
    """A finite number above zero.

    Example:
        >>> positive("0.5")
        0.5
    """
    value = _number(text)
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{text!r} is no number above zero; give e.g. 0.01.")
    return value


def probability(text: str) -> float:
    """A number between 0 and 1, both left out.

    Example:
        >>> probability("0.95")
        0.95
    """
    value = _number(text)
    if not 0 < value < 1:
        raise typer.BadParameter(f"{text!r} is no probability between 0 and 1; give e.g. 0.95.")
    return value


def prior(text: str) -> str:
    """A word, or a prior as `taut.cli.priors` reads it.

    Example:
        >>> prior("Empirical"), prior("age=Normal(0, 1)")
        ('empirical', 'age=Normal(0, 1)')
    """
    return text if written(text) else names.reader(PRIORS)(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which lies in no range


# Headings in the help.
DATA = "Data"
MODEL = "Model"
INFERENCE = "Inference (what is left out is chosen, with the reason)"
RUN = "Run"

TABLE = "a .csv, .csv.gz, .tsv or .parquet file"
Data = Annotated[
    str, Argument(metavar="DATA", show_default=False, help=f"The data: {TABLE}, or the bundled breast-cancer.")
]
Formula = Annotated[
    list[str] | None,
    Argument(
        metavar="FORMULA",
        show_default=False,
        help="A regression by formula, such as 'y ~ x + (1 | group)'; without it every column predicts --target.",
    ),
]
New = Annotated[
    str, Argument(metavar="NEW", show_default=False, help=f"New rows, {TABLE} with the columns of the fit.")
]

Target = Annotated[
    str | None,
    Option(metavar="NAME", rich_help_panel=DATA, help="The column to predict; if it holds labels, any two."),
]
Positive = Annotated[
    str | None,
    Option(metavar="LABEL", rich_help_panel=DATA, help="The label that counts as 1; else the later in order."),
]
Weights = Annotated[
    str | None,
    Option(
        metavar="COL", rich_help_panel=DATA, help="The column that says how often each row counts; it is no feature."
    ),
]
Missing = Annotated[
    Literal["refuse", "drop", "impute"],
    Option(
        parser=names.reader(["refuse", "drop", "impute"]),
        rich_help_panel=DATA,
        help="What to do with missing values: drop leaves out their rows; impute puts the mean (or the most common "
        "level) in their place and adds a 0/1 column that says where.",
    ),
]
Drop = Annotated[
    list[str] | None, Option(metavar="COL,..", rich_help_panel=DATA, help="Columns that are left out as features.")
]
Only = Annotated[
    list[str] | None, Option(metavar="COL,..", rich_help_panel=DATA, help="The only columns that are features.")
]
Categorical = Annotated[
    list[str] | None,
    Option(metavar="COL,..", rich_help_panel=DATA, help="Columns of categories, whatever they look like."),
]
Numeric = Annotated[
    list[str] | None,
    Option(metavar="COL,..", rich_help_panel=DATA, help="Columns of numbers, such as '$ 1,234.50', or row numbers."),
]
Dates = Annotated[
    Literal["refuse", "number", "day-first", "month-first", "drop"],
    Option(
        parser=names.reader(["refuse", "number", "day-first", "month-first", "drop"]),
        rich_help_panel=DATA,
        help="What to do with dates: a number is days since the first; the next two say how to read 03/04/2019.",
    ),
]
Decimal = Annotated[
    Literal[".", ","] | None, Option(rich_help_panel=DATA, help="The decimal mark of the numbers in a text file.")
]
Separator = Annotated[
    str | None,
    Option(metavar="CHAR", rich_help_panel=DATA, help="What stands between columns; 'tab', or by the file's ending."),
]

Model = Annotated[
    RegressionName,
    Option(parser=names.reader(names.REGRESSIONS), rich_help_panel=MODEL, help="The regression."),
]
Likelihood = Annotated[
    ResponseName | None,
    Option(
        parser=names.reader(names.RESPONSES),
        rich_help_panel=MODEL,
        help="Of the response; with a formula it is found if left out. With --target the formula is 'TARGET ~ .'.",
    ),
]
Prior = Annotated[
    list[str] | None,
    Option(
        metavar="normal|empirical|NAME=DIST",
        parser=prior,
        rich_help_panel=MODEL,
        help="Normal with sd --prior-scale, or with the sd of the highest ELBO. With a formula, once for each term, "
        "group or parameter: 'age=Normal(0,1)', 'district=HalfNormal(1)'.",
    ),
]
PriorScale = Annotated[
    float,
    Option(metavar="S", parser=positive, rich_help_panel=MODEL, help="Sd of the prior of each standardised weight."),
]
Standardise = Annotated[
    bool, Option(rich_help_panel=MODEL, help="Scale columns to mean 0 and sd 1; undone in what is printed.")
]
Intercept = Annotated[bool, Option(rich_help_panel=MODEL, help="Add an intercept.")]

Family = Annotated[
    FamilyName | None,
    Option(parser=names.reader(names.FAMILIES), rich_help_panel=INFERENCE, help="The shape of the posterior."),
]
Gradient = Annotated[
    GradientName | None,
    Option(
        parser=names.reader(["auto", *names.GRADIENTS]),
        rich_help_panel=INFERENCE,
        help="The estimator; auto measures which is soonest there. Naming one chooses the stochastic algorithm.",
    ),
]
Samples = Annotated[
    int | None, Option(metavar="K", min=1, rich_help_panel=INFERENCE, help="Draws in each step, if the gradient draws.")
]
Control = Annotated[
    ControlName | None,
    Option(parser=names.reader(names.CONTROLS), rich_help_panel=INFERENCE, help="The control variate of reinforce."),
]
Algorithm = Annotated[
    AlgorithmName | None,
    Option(parser=names.reader(names.ALGORITHMS), rich_help_panel=INFERENCE, help="How the posterior moves."),
]
LearningRate = Annotated[
    float | None,
    Option(
        metavar="R", parser=positive, rich_help_panel=INFERENCE, help="At the start; chooses the stochastic algorithm."
    ),
]
Steps = Annotated[int | None, Option(metavar="N", min=1, rich_help_panel=INFERENCE, help="The budget of steps.")]
BatchSize = Annotated[
    int | None,
    Option(metavar="B", min=1, rich_help_panel=INFERENCE, help="Rows in each step; chooses the stochastic algorithm."),
]
Fallbacks = Annotated[
    bool,
    Option(
        rich_help_panel=INFERENCE,
        help="Where the posterior is doubtful try richer families and chains, up to half a minute.",
    ),
]

Seed = Annotated[
    int, Option(metavar="N", min=0, max=2**32 - 1, rich_help_panel=RUN, help="The seed of every random number.")
]
Dtype = Annotated[
    Literal["float64", "float32"],
    Option(parser=names.reader(["float64", "float32"]), rich_help_panel=RUN, help="The precision."),
]
Out = Annotated[
    Path | None,
    Option(metavar="DIR", rich_help_panel=RUN, help="Keep checkpoints, the fit and its page in this folder."),
]
Resume = Annotated[
    bool | None,
    Option("--resume/--no-resume", rich_help_panel=RUN, help="Go on from the checkpoint in --out, or begin anew."),
]
Json = Annotated[bool, Option("--json", rich_help_panel=RUN, help="Print one JSON object in place of the table.")]

Level = Annotated[float, Option(metavar="P", parser=probability, help="The probability of the interval.")]
Keep = Annotated[
    list[str] | None,
    Option(metavar="COL,..", help="Columns of NEW to print before the predictions, such as an identifier."),
]
OutTable = Annotated[Path | None, Option(metavar="FILE.csv", help="Write the table here, not to standard output.")]
OutPage = Annotated[Path | None, Option(metavar="FILE.html", help="Write the page here, not to RUN/report.html.")]
NewGroups = Annotated[
    Literal["refuse", "sample", "mean"] | None,
    Option(
        parser=names.reader(["refuse", "sample", "mean"]),
        help="What becomes of groups that the fit has not seen: refused if left out; sample draws their effects, mean "
        "takes zero.",
    ),
]
PredictJson = Annotated[bool, Option("--json", help="Print one JSON object in place of the table.")]

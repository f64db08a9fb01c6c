"""The stated models of `../shared/data/mixed` for the entrants of `mixed.py`: formulas, and designs by numpy alone.

Every tool except Taut gets the design matrix that is made here. Taut gets the table and the formula.
"""

import csv
import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Model:
    """A model as it is stated.

    Attributes:
        file: of the table.
        formula: what Taut reads.
        likelihood: by Taut's name.
        response: column of the response.
        fixed: `x`, a number; `C(x)`, categories; `I(x^2)`, the square; `a:b`, a product of coded columns.
        groups: the columns and the terms whose slopes vary by group.
        event: level of the response that counts as 1.
        trials: column of the binomial's trials.
        exposure: column whose logarithm is the offset.
        centred: factors whose effects NUTS draws directly, which it mixes better with.
        inside: an inner factor and the outer one that holds it, likewise for NUTS.
    """

    file: str
    formula: str
    likelihood: str
    response: str
    fixed: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    event: str | None = None
    trials: str | None = None
    exposure: str | None = None
    centred: tuple[str, ...] = ()
    inside: tuple[str, str] | None = None


EPIL = Model(
    "epil.csv",
    "y ~ lbase * trt + lage + V4 + (1 | subject)",
    "poisson",
    "y",
    ("lbase", "C(trt)", "lbase:C(trt)", "lage", "V4"),
    (("subject", ()),),
)
CONTRACEPTION = Model(
    "contraception.csv",
    "use ~ age + I(age**2) + livch + urban + (1 | district)",
    "bernoulli",
    "use",
    ("age", "I(age^2)", "C(livch)", "C(urban)"),
    (("district", ()),),
    event="Y",
)
MODELS = {
    "cbpp": Model(
        "cbpp.csv",
        "incidence / size ~ C(period) + (1 | herd)",
        "binomial",
        "incidence",
        ("C(period)",),
        (("herd", ()),),
        trials="size",
    ),
    "contraception": CONTRACEPTION,
    "contraception_slope": replace(
        CONTRACEPTION,
        formula="use ~ age + I(age**2) + livch + urban + (1 + urban | district)",
        groups=(("district", ("C(urban)",)),),
    ),
    "verbagg": Model(
        "verbagg.csv",
        "r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)",
        "bernoulli",
        "r2",
        ("Anger", "C(Gender)", "C(btype)", "C(situ)", "C(mode)"),
        (("id", ()), ("item", ())),
        event="Y",
        centred=("id", "item"),
    ),
    "epil": EPIL,
    "epil_nb": replace(EPIL, likelihood="negative-binomial", centred=("subject",)),
    "grouseticks": Model(
        "grouseticks.csv",
        "TICKS ~ C(YEAR) + HEIGHT + (1 | BROOD) + (1 | LOCATION)",
        "poisson",
        "TICKS",
        ("C(YEAR)", "HEIGHT"),
        (("BROOD", ()), ("LOCATION", ())),
        inside=("BROOD", "LOCATION"),
    ),
    "insurance": Model(
        "insurance.csv",
        "Claims ~ Group + Age + offset(log(Holders)) + (1 | District)",
        "poisson",
        "Claims",
        ("C(Group)", "C(Age)"),
        (("District", ()),),
        exposure="Holders",
        centred=("District",),
    ),
    "sleepstudy": Model(
        "sleepstudy.csv",
        "Reaction ~ Days + (1 + Days | Subject)",
        "gaussian",
        "Reaction",
        ("Days",),
        (("Subject", ("Days",)),),
    ),
    "wine": Model(
        "wine.csv",
        "rating ~ temp + contact + (1 | judge)",
        "ordinal",
        "rating",
        ("C(temp)", "C(contact)"),
        (("judge", ()),),
    ),
    "iris": Model(
        "iris.csv",
        "Species ~ .",
        "categorical",
        "Species",
        ("Sepal_Length", "Sepal_Width", "Petal_Length", "Petal_Width"),
    ),
    "stackloss": Model(
        "stackloss.csv",
        "stack_loss ~ .",
        "student-t",
        "stack_loss",
        ("Air_Flow", "Water_Temp", "Acid_Conc"),
    ),
    "insteval": Model(
        "insteval.csv.gz",
        "y ~ C(service) + lectage + studage + (1 | s) + (1 | d)",
        "gaussian",
        "y",
        ("C(service)", "lectage", "studage"),
        (("s", ()), ("d", ())),
    ),
}


@dataclass(frozen=True)
class Group:
    """A grouping factor.

    Attributes:
        name: of the column.
        levels: G of them, as text.
        index: `[n]`, the level of each row.
        columns: `[n, q]`, what varies by level, the intercept first.
        terms: names of these columns.
    """

    name: str
    levels: list[str]
    index: np.ndarray
    columns: np.ndarray
    terms: list[str]


@dataclass(frozen=True)
class Design:
    """A stated model and its table as arrays.

    Attributes:
        model: as stated.
        X: `[n, P]`, coded columns without the intercept.
        names: of these columns.
        y: `[n]`, numbers, or places among `levels`.
        levels: of an ordinal or categorical response.
        groups: the factors.
        offset, trials: `[n]`.
    """

    model: Model
    X: np.ndarray
    names: list[str]
    y: np.ndarray
    levels: list[str]
    groups: list[Group]
    offset: np.ndarray
    trials: np.ndarray


def read(path: Path) -> dict[str, list[str]]:
    """The columns of a table, as text."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))


def in_order(values: list[str]) -> list[str]:
    """Distinct values, as numbers where all are numbers and as text elsewhere."""
    try:
        return sorted(set(values), key=float)
    except ValueError:
        return sorted(set(values))


def coded(term: str, table: dict[str, list[str]]) -> tuple[list[str], np.ndarray]:
    """Names and columns `[n, k]` of one term: numbers standardised, categories against the first level."""
    if ":" in term:
        (a, A), (b, B) = (coded(part, table) for part in term.split(":"))
        return [f"{i}:{j}" for i in a for j in b], np.einsum("ni,nj->nij", A, B).reshape(len(A), -1)
    if term.startswith("C("):
        values = np.array(table[term[2:-1]])
        levels = np.unique(values)[1:]
        return [f"{term[2:-1]}[{level}]" for level in levels], (values[:, None] == levels) * 1.0
    square = term.startswith("I(")
    x = np.array(table[term[2:-3] if square else term], float) ** (2 if square else 1)
    return [term], ((x - x.mean()) / x.std())[:, None]


def load(name: str, folder: Path) -> Design:
    """The model of this name and its data."""
    model = MODELS[name]
    table = read(folder / model.file)
    names, columns = zip(*(coded(term, table) for term in model.fixed), strict=True)
    response = table[model.response]
    rows, levels = len(response), []
    if model.event:
        y = np.array([value == model.event for value in response], float)
    elif model.likelihood in ("ordinal", "categorical"):
        levels = in_order(response)
        y = np.array([levels.index(value) for value in response])
    else:
        y = np.array(response, float)
    groups = []
    for factor, slopes in model.groups:
        found = in_order(table[factor])
        place = {level: i for i, level in enumerate(found)}
        varying = [(["Intercept"], np.ones((rows, 1))), *(coded(term, table) for term in slopes)]
        groups.append(
            Group(
                factor,
                found,
                np.array([place[value] for value in table[factor]]),
                np.hstack([column for _, column in varying]),
                [term for terms, _ in varying for term in terms],
            )
        )
    return Design(
        model=model,
        X=np.hstack(columns),
        names=[name for some in names for name in some],
        y=y,
        levels=levels,
        groups=groups,
        offset=np.log(np.array(table[model.exposure], float)) if model.exposure else np.zeros(rows),
        trials=np.array(table[model.trials], float) if model.trials else np.ones(rows),
    )

"""What R is given, coded columns x1, x2, ... and factors g1, g2, ..., and how its answer gets back to their names."""

import csv
import re
from pathlib import Path

import numpy as np
from mixed_clock import Answer
from mixed_models import Design

SCRIPT = Path(__file__).with_suffix(".R")
FITS = ("gaussian", "bernoulli", "binomial", "poisson", "negative-binomial", "ordinal")
"""Likelihoods that it has."""


def formula(design: Design) -> str:
    """R's formula over the coded columns."""
    x = {name: f"x{i}" for i, name in enumerate(design.names, 1)} | {"Intercept": "1"}
    groups = [f"({' + '.join(x[term] for term in group.terms)} | g{i})" for i, group in enumerate(design.groups, 1)]
    response = "cbind(y, trials - y)" if design.model.trials else "y"
    offset = ["offset(offset)"] if design.model.exposure else []
    return f"{response} ~ {' + '.join([*(x[name] for name in design.names), *offset, *groups])}"


def write(design: Design, folder: Path) -> None:
    """`rows.csv`."""
    y = np.array(design.levels)[design.y] if design.levels else design.y
    columns = {"y": y, "trials": design.trials, "offset": design.offset}
    columns |= {f"x{i}": x for i, x in enumerate(design.X.T, 1)}
    columns |= {f"g{i}": np.array(group.levels)[group.index] for i, group in enumerate(design.groups, 1)}
    with (folder / "rows.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def answer(design: Design, folder: Path) -> Answer:
    """What the script left in the folder, by the reference's names."""
    own = {"(Intercept)": "Intercept"} | {f"x{i}": name for i, name in enumerate(design.names, 1)}
    own |= {f"g{i}": group.name for i, group in enumerate(design.groups, 1)}

    def named(text: str) -> str:
        return re.sub(r"\(Intercept\)|\b[xg]\d+\b", lambda found: own[found.group()], text)

    def rows(name: str) -> list[dict[str, str]]:
        with (folder / name).open(newline="") as file:
            return list(csv.DictReader(file))

    clock = rows("clock.csv")
    parameters = {
        named(row["name"]): [float(row["value"]), None if row["sd"] in ("NA", "NaN") else float(row["sd"])]
        for row in rows("parameters.csv")
    }
    groups = {}
    for group in design.groups:
        place = {level: i for i, level in enumerate(group.levels)}
        mean = np.full((len(group.levels), len(group.terms)), np.nan)
        for row in rows("groups.csv"):
            if own[row["factor"]] == group.name:
                mean[place[row["level"]], group.terms.index(named(row["term"]))] = float(row["mean"])
        groups[group.name] = {"levels": group.levels, "terms": group.terms, "mean": mean.tolist(), "sd": None}
    return {
        "wall": [float(row["wall"]) for row in clock],
        "cpu": [float(row["cpu"]) for row in clock],
        "parameters": parameters,
        "groups": groups,
        "note": "; ".join((folder / "note.txt").read_text().split("\n")).strip("; "),
    }

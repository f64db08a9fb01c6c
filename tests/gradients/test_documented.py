"""`docs/gradients.md` holds what the code says about its pairs; run this file to write it anew."""

from pathlib import Path

import numpy as np

import taut.families
import taut.gradients
from taut.families import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    FullRank,
    Gamma,
    GammaRate,
    LowRank,
    MeanField,
    Poisson,
    Weibull,
)
from taut.gradients import Enumeration, Gradient, Reinforce, StraightThrough
from taut.models import LatentVariableModel, LogDensity, LogisticRegression, real
from taut.objectives import Constrained, Elbo, FreeBits, ImportanceWeighted, Renyi, Weighted, at_least

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gradients.md"
MARK = "<!-- Below: generated from the code by tests/gradients/test_documented.py. -->\n"
TWO = np.zeros(2)
FAMILIES = [
    MeanField(TWO, TWO),
    FullRank(TWO, TWO, np.zeros((2, 2))),
    LowRank(TWO, TWO, np.zeros((2, 1))),
    Gamma(TWO, TWO),
    GammaRate(TWO),
    Weibull(TWO),
    Beta(TWO, TWO),
    Dirichlet(TWO),
    Bernoulli(TWO),
    Categorical(np.zeros((1, 2))),
    Poisson(TWO),
]
BOUNDED = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))
OBJECTIVES = [Elbo(), Weighted(4.0), FreeBits(0.5), BOUNDED, ImportanceWeighted(), Renyi(0.5)]
ANY = LogDensity(lambda v: v["z"][0], parameters={"z": real(2)})
CLOSED = LogisticRegression()
EXAMPLES = LatentVariableModel(lambda z: z, latent=2)
CONTROLS = {"delta", "double", "leave-one-out", "moving-average", "none", "optimal"}


def shelf():
    return list(taut.gradients.estimators())


def table(head, rows):
    lines = [["", *head], ["---"] * (len(head) + 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def mark(gradient, objective, model, family):
    if gradient.supports(objective, model, family) is not None:
        return ""
    return "yes" if gradient.unbiased else "biased"


def families():
    """Each estimator with each family, for the ELBO of a log density; `closed` where a closed likelihood is needed."""

    def cell(g, q):
        if found := mark(g, Elbo(), ANY, q):
            return found
        return "closed" if mark(g, Elbo(), CLOSED, q) else ""

    return table([q.name for q in FAMILIES], [[f"`{g.label}`", *(cell(g, q) for q in FAMILIES)] for g in shelf()])


def objectives():
    """Each estimator with each objective, for whichever family serves it."""

    def cell(g, o):
        tried = [mark(g, o, model, q) for q in FAMILIES for model in (ANY, CLOSED, EXAMPLES)]
        return next(filter(None, tried), "")

    heads = ["`elbo`", "`beta=4`", "`free-bits=0.5`", "constraints", "`iwae=50`", "`renyi=0.5:50`"]
    return table(heads, [[f"`{g.label}`", *(cell(g, o) for o in OBJECTIVES)] for g in shelf()])


def costs():
    """Evaluations of the log density for one gradient of a unit with 20 coordinates."""
    normal, binary = MeanField(np.zeros(20), np.zeros(20)), Bernoulli(np.zeros(20))

    def cell(g, q):
        serves = any(mark(g, Elbo(), m, q) for m in (ANY, CLOSED))
        return str(g.evaluations(q)) if serves else ""

    rows = [[f"`{g.label}`", str(g.samples), cell(g, normal), cell(g, binary)] for g in shelf()]
    return table(["draws by default", "Gaussian", "Bernoulli"], rows)


def generated():
    return (
        f"\n## Which family\n\n{families()}\n`yes`: for any model that the estimator can use at all; `closed`: for a "
        f"model with a closed likelihood.\n\n## Which objective\n\n{objectives()}\n## What a gradient costs\n\n"
        f"Evaluations of the log density for one gradient of 20 coordinates.\n\n{costs()}"
    )


def test_the_page_is_current():
    head, found, tail = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert found, f"{PAGE.name} has lost the line that says where the generated part begins"
    assert tail == generated(), "the pairs have changed: run python tests/gradients/test_documented.py"
    for part in {type(g).__name__ for g in shelf()}:
        assert part in head, f"{part} is not introduced in {PAGE.name}"


def test_everything_public_is_in_the_tables():
    public = {p for p in vars(taut.families).values() if isinstance(p, type) and issubclass(p, taut.families.Family)}
    rooms = taut.families
    others = {rooms.Family, rooms.Amortized, rooms.SinhArcsinh, rooms.GaussianMixture, rooms.Flow}
    others |= {rooms.StretchedGaussian, rooms.BentCoordinates}
    assert {type(q) for q in FAMILIES} == public - others  # of the ladder's families docs/choose.md speaks
    assert {g.control.name for g in shelf() if isinstance(g, Reinforce)} == CONTROLS
    assert all(isinstance(g, Gradient) for g in shelf())


def test_the_tables_say_what_the_code_says():
    rows = {line.split("|")[1].strip(" `"): line for line in families().splitlines()}
    assert "biased" in rows[StraightThrough().label]
    assert rows[Enumeration().label].count("yes") == 2


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(page + MARK + generated(), encoding="utf-8")

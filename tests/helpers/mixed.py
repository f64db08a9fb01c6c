"""Mixed models for the tests of nested inference: likelihoods in NumPy, small data, and the stated models."""

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
from scipy.special import erf, gammaln

from taut.algorithms.nested.layout import Factor, Layout
from taut.algorithms.nested.rows import CompiledRows
from taut.algorithms.nested.solution import mixed
from taut.algorithms.nested.thresholds import Graded, graded, thresholds
from taut.models.expectations import SLOPES, WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TAUT_SHARED", ROOT.parent / "shared")) / "data" / "mixed"


def softplus_expectations(m, v):
    """E softplus, E sigmoid, E sigmoid' by the mixture of eight normal cdfs."""
    softplus, sigmoid, slope = np.zeros_like(m), np.zeros_like(m), np.zeros_like(m)
    for p, c in zip(WEIGHTS, SLOPES, strict=True):
        d = np.sqrt(1 + c * c * v)
        a = c * m / d
        cdf, pdf = 0.5 * (1 + erf(a * np.sqrt(0.5))), np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi)
        softplus += p * (m * cdf + d / c * pdf)
        sigmoid += p * cdf
        slope += p * c / d * pdf
    return softplus, sigmoid, slope


class Rows:
    """A likelihood holds what its rows are; `take` gives some of them."""

    parameters = 0

    def __init__(self, **rows):
        self.rows = {key: np.asarray(value, float) for key, value in rows.items()}
        self.__dict__.update(self.rows)

    def take(self, rows):
        return type(self)(**{key: value[rows] for key, value in self.rows.items()})

    def initial(self):
        return np.zeros(self.parameters)

    def log_prior(self, phi):
        return np.zeros(len(phi))

    def log_prob(self, eta, phi):
        return self.expect(eta, np.zeros_like(eta), phi)[0]


class Binomial(Rows):
    """y of trials."""

    def start(self):
        return np.log((self.y + 0.5) / (self.trials - self.y + 0.5))

    def expect(self, m, v, phi):
        softplus, sigmoid, slope = softplus_expectations(m, v)
        constant = gammaln(self.trials + 1) - gammaln(self.y + 1) - gammaln(self.trials - self.y + 1)
        return constant + self.y * m - self.trials * softplus, self.y - self.trials * sigmoid, self.trials * slope


class Poisson(Rows):
    def start(self):
        return np.log(self.y + 0.5)

    def expect(self, m, v, phi):
        mean = np.exp(m + v / 2)
        return self.y * m - mean - gammaln(self.y + 1), self.y - mean, mean


class NegativeBinomial(Rows):
    """phi = (log size), size ~ Gamma(2, rate 0.1)."""

    parameters = 1
    start = Poisson.start

    def expect(self, m, v, phi):
        size = np.exp(phi)
        softplus, sigmoid, slope = softplus_expectations(m - phi, v)
        total = self.y + size
        constant = gammaln(total) - gammaln(size) - gammaln(self.y + 1) - self.y * phi
        return constant + self.y * m - total * softplus, self.y - total * sigmoid, total * slope

    def log_prior(self, phi):
        return 2 * phi[:, 0] - 0.1 * np.exp(phi[:, 0]) + 2 * np.log(0.1)


class Gaussian(Rows):
    """phi = (log sigma), sigma ~ half-Normal(1)."""

    parameters = 1

    def start(self):
        return self.y

    def expect(self, m, v, phi):
        precision = np.exp(-2 * phi)
        value = -0.5 * ((self.y - m) ** 2 + v) * precision - phi - 0.5 * np.log(2 * np.pi)
        return value, (self.y - m) * precision, np.broadcast_to(precision, m.shape)

    def log_prior(self, phi):
        return half_normal_of_log(phi[:, 0])


class StudentT(Rows):
    """phi = (log sigma, log nu), sigma ~ half-Normal(1), nu ~ Gamma(2, rate 0.1); 40 Gauss-Hermite nodes."""

    parameters = 2

    def initial(self):
        return np.array([-0.5, 2.0])

    def start(self):
        return self.y

    def expect(self, m, v, phi):
        sigma, nu = np.exp(phi[:, :1]), np.exp(phi[:, 1:])
        value, slope, bend = 0.0, 0.0, 0.0
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        for x, w in zip(nodes, weights / weights.sum(), strict=True):
            e = (self.y - m - np.sqrt(v) * x) / sigma
            d = nu + e * e
            value = value - w * (nu + 1) / 2 * np.log1p(e * e / nu)
            slope = slope + w * (nu + 1) * e / d / sigma
            bend = bend + w * (nu + 1) * (nu - e * e) / d**2 / sigma**2
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - phi[:, :1]
        return value + constant, slope, bend

    def log_prior(self, phi):
        return half_normal_of_log(phi[:, 0]) + 2 * phi[:, 1] - 0.1 * np.exp(phi[:, 1]) + 2 * np.log(0.1)


def Ordinal(y):
    """Four levels, compiled: `thresholds` is their one implementation."""
    return CompiledRows(Graded((1.0, 1.0), 5.0), y)


def half_normal_of_log(log_sd):
    return 0.5 * np.log(2 / np.pi) - 0.5 * np.exp(2 * log_sd) + log_sd


def problem(kind, factors=((6, 1),), rows=60, seed=0):
    """Random rows of a likelihood, two fixed columns, and factors of (levels, effects of each level)."""
    rng = np.random.default_rng(seed)
    fixed = np.column_stack([np.ones(rows), rng.normal(size=rows)])
    made = []
    for levels, width in factors:
        index = np.concatenate([np.arange(levels), rng.integers(levels, size=rows - levels)])
        columns = np.column_stack([np.ones(rows), rng.normal(size=(rows, width - 1))])
        made.append(Factor(rng.permutation(index), columns))
    layout = Layout(
        fixed, made, offset=0.1 * rng.normal(size=rows), mean=np.array([0.3, -0.2]), sd=np.array([2.0, 1.0])
    )
    draw = {
        Gaussian: lambda: {"y": rng.normal(size=rows)},
        StudentT: lambda: {"y": rng.standard_t(3, size=rows)},
        Poisson: lambda: {"y": rng.poisson(2.0, size=rows)},
        NegativeBinomial: lambda: {"y": rng.poisson(rng.gamma(2.0, 1.0, size=rows))},
        Binomial: lambda: {"y": rng.binomial(3, 0.4, size=rows), "trials": np.full(rows, 3)},
        Ordinal: lambda: {"y": np.where(np.arange(rows) < rows - 2, np.arange(rows) % 4, np.arange(rows) - rows)},
    }[kind]
    return layout, kind(**draw())


def whole_design(layout):
    """The dense `[n, d]` of all unknowns, in the order of w."""
    blocks = [layout.dense().T]
    if layout.last is not None:
        levels = (layout.index[:, None] == np.arange(layout.eliminated.levels)) * 1.0
        blocks += [levels * z[:, None] for z in layout.columns]
    return np.hstack(blocks)


def prior_covariance(layout, scales, t):
    """The dense prior covariance of w at one t `[K]`."""
    size = layout.size if layout.last is not None else layout.width
    out = np.zeros((size, size))
    P = len(layout.mean)
    out[:P, :P] = np.diag(layout.sd**2)
    for k, factor in enumerate(layout.factors):
        place = layout.effects(k)
        root = scales.root(t[None], k)[0]
        out[place, place] = np.kron(root @ root.T, np.eye(factor.levels))
    return out


CONTRACEPTION = ["age", "age^2", "C(livch)", "C(urban)"]
EPIL = ["lbase", "C(trt)", "lbase:C(trt)", "lage", "V4"]
VERBAGG = ["Anger", "C(Gender)", "C(btype)", "C(situ)", "C(mode)"]
MODELS = {  # name: file, likelihood, target, fixed terms, (group, slopes)
    "cbpp": ("cbpp.csv", "binomial", "incidence", ["C(period)"], [("herd", [])]),
    "contraception": ("contraception.csv", "bernoulli", "use=Y", CONTRACEPTION, [("district", [])]),
    "contraception_slope": ("contraception.csv", "bernoulli", "use=Y", CONTRACEPTION, [("district", ["C(urban)"])]),
    "verbagg": ("verbagg.csv", "bernoulli", "r2=Y", VERBAGG, [("id", []), ("item", [])]),
    "epil": ("epil.csv", "poisson", "y", EPIL, [("subject", [])]),
    "epil_nb": ("epil.csv", "negative binomial", "y", EPIL, [("subject", [])]),
    "grouseticks": ("grouseticks.csv", "poisson", "TICKS", ["C(YEAR)", "HEIGHT"], [("BROOD", []), ("LOCATION", [])]),
    "insurance": ("insurance.csv", "poisson", "Claims", ["C(Group)", "C(Age)"], [("District", [])]),
    "sleepstudy": ("sleepstudy.csv", "gaussian", "Reaction", ["Days"], [("Subject", ["Days"])]),
    "wine": ("wine.csv", "ordinal", "rating", ["C(temp)", "C(contact)"], [("judge", [])]),
    "stackloss": ("stackloss.csv", "student", "stack_loss", ["Air_Flow", "Water_Temp", "Acid_Conc"], []),
    "insteval": ("insteval.csv.gz", "gaussian", "y", ["C(service)", "lectage", "studage"], [("s", []), ("d", [])]),
}


class Stated:
    """One of the stated models: `layout`, `likelihood`, `reference`, and how its parameters are named and scaled."""

    def __init__(self, name):
        file, family, target, terms, groups = MODELS[name]
        path = DATA / file
        with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as f:
            rows = list(csv.reader(f))
        table = {key: [row[i] for row in rows[1:]] for i, key in enumerate(rows[0])}
        n, self.family = len(rows) - 1, family
        coded = [columns(term, table) for term in terms]
        self.names = [x for names, _ in coded for x in names]
        fixed = np.hstack([block for _, block in coded])
        self.names, fixed = ["Intercept", *self.names], np.hstack([np.ones((n, 1)), fixed])
        self.shift, self.scale = 0.0, 1.0
        factors, self.groups = [], []
        for group, slopes in groups:
            levels = natural(set(table[group]))
            extra = [columns(term, table) for term in slopes]
            z = np.hstack([np.ones((n, 1)), *(block for _, block in extra)])
            factors.append(Factor(np.array([levels.index(x) for x in table[group]]), z))
            self.groups.append((group, ["Intercept", *(x for names, _ in extra for x in names)]))
        offset = np.log(np.array(table["Holders"], float)) if name == "insurance" else None
        if family == "ordinal":
            grades = natural(set(table[target]))
            y = [grades.index(x) for x in table[target]]
            self.layout, self.likelihood = graded(fixed, factors, np.array(y), len(grades))
        else:
            self.layout = Layout(fixed, factors, offset)
            self.likelihood = self._likelihood(table, target).take(self.layout.order)
        self.reference = json.loads((DATA / "reference" / f"{name}.json").read_text())

    def _likelihood(self, table, target):
        if self.family == "bernoulli":
            column, yes = target.split("=")
            y = np.array([x == yes for x in table[column]])
            return Binomial(y=y, trials=np.ones(len(y)))
        y = np.array(table[target], float)
        if self.family == "binomial":
            return Binomial(y=y, trials=np.array(table["size"], float))
        if self.family in ("gaussian", "student"):
            self.shift, self.scale = y.mean(), y.std()
            y = (y - self.shift) / self.scale
        kinds = {"poisson": Poisson, "negative binomial": NegativeBinomial, "gaussian": Gaussian, "student": StudentT}
        return kinds[self.family](y=y)

    def answers(self, solution):
        """Name to mean and sd, on the stated scale."""
        mean, sd = solution.unknowns()
        out = {x: (self.scale * mean[i], self.scale * sd[i]) for i, x in enumerate(self.names)}
        if "Intercept" in out:
            out["Intercept"] = (out["Intercept"][0] + self.shift, out["Intercept"][1])
        t, scales = solution.t, solution.scales
        for k, (group, terms) in enumerate(self.groups):
            means, sds = solution.of_scales(self.scale * scales.sds(t, k))
            out |= {f"sd({group}:{x})": (means[a], sds[a]) for a, x in enumerate(terms)}
            if len(terms) == 2:
                out[f"cor({group}:{terms[0]},{terms[1]})"] = solution.of_scales(scales.correlations(t, k)[:, 0, 1])
        phi = scales.phi(t)
        own = {
            "gaussian": lambda: {"sigma": self.scale * np.exp(phi[:, 0])},
            "student": lambda: {"sigma": self.scale * np.exp(phi[:, 0]), "nu": np.exp(phi[:, 1])},
            "negative binomial": lambda: {"phi": np.exp(phi[:, 0])},
        }
        if self.family == "ordinal":
            means, variances = (x[:, 0] for x in solution.nodes.unknowns())
            for j, gap in enumerate(thresholds(phi).T):
                out[f"threshold[{j + 1}|{j + 2}]"] = mixed(solution.weights, gap - means, variances)
        return out | {x: solution.of_scales(v) for x, v in own.get(self.family, dict)().items()}

    def errors(self, solution):
        """Name to the error of the mean in reference sds, and the ratio of the sds."""
        answers, reference = self.answers(solution), self.reference
        return {
            name: ((answers[name][0] - mean) / sd, answers[name][1] / sd)
            for name, mean, sd in zip(reference["names"], reference["mean"], reference["sd"], strict=True)
        }

    def group_errors(self, solution):
        """The worst error of a group effect's mean in reference sds, and the least and largest ratio of the sds."""
        worst, ratios = 0.0, [1.0]
        mean, sd = solution.unknowns()
        for k, (group, terms) in enumerate(self.groups):
            place = solution.layout.effects(k)
            ours = [self.scale * x[place].reshape(len(terms), -1).T for x in (mean, sd)]
            theirs = self.reference.get("group_effects", {}).get(group)
            if theirs is not None:
                worst = max(worst, np.abs((ours[0] - theirs["mean"]) / np.array(theirs["sd"])).max())
                ratios += list((ours[1] / np.array(theirs["sd"])).ravel())
        return worst, min(ratios), max(ratios)


def columns(term, table):
    """The coded columns of one term: names and `[n, k]`."""
    if ":" in term:
        (left, a), (right, b) = (columns(part, table) for part in term.split(":"))
        return [f"{x}:{y}" for x in left for y in right], (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
    if term.startswith("C("):
        column = np.array(table[term[2:-1]])
        levels = sorted(set(column))[1:]
        return [f"{term[2:-1]}[{x}]" for x in levels], (column[:, None] == levels) * 1.0
    power = 2 if term.endswith("^2") else 1
    column = np.array(table[term.removesuffix("^2")], float) ** power
    return [f"I({term})" if power == 2 else term], ((column - column.mean()) / column.std())[:, None]


def natural(levels):
    try:
        return sorted(levels, key=float)
    except ValueError:
        return sorted(levels)

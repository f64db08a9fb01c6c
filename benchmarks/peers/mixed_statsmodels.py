"""statsmodels: mean-field VI (`fit_vb`) of binomial and Poisson models, `MixedLM` of Gaussian ones.

The priors are N(0, 2.5) on coefficients and N(0, 1) on log sds, which is what it has in the place of a half-normal.
Slopes are independent of intercepts there. A binomial response is given row by row as zeros and ones.
"""

import numpy as np
from mixed_clock import serve
from mixed_models import load
from scipy import sparse
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM, PoissonBayesMixedGLM
from statsmodels.regression.mixed_linear_model import MixedLM


def variational(design):
    """`fit_vb`, from a start that it draws itself."""
    kind, y, rows = PoissonBayesMixedGLM, design.y, np.arange(len(design.y))
    if design.model.likelihood in ("bernoulli", "binomial"):
        kind = BinomialBayesMixedGLM
        rows = np.repeat(rows, design.trials.astype(int))
        y = np.concatenate([np.arange(n) < k for k, n in zip(design.y, design.trials, strict=True)]).astype(float)
    X = np.column_stack([np.ones(len(design.X)), design.X])[rows]
    effects, which, names = [], [], []
    for group in design.groups:
        for column, term in zip(group.columns.T, group.terms, strict=True):
            Z = sparse.csr_matrix((column, (np.arange(len(column)), group.index)))
            effects.append(Z[rows])
            which += [len(names)] * Z.shape[1]
            names.append(f"sd({group.name}:{term})")
    model = kind(y, X, sparse.hstack(effects).tocsr(), np.array(which), vcp_p=1.0, fe_p=2.5)

    def call():
        np.random.seed(0)  # noqa: NPY002  it draws its start from here
        return model.fit_vb()

    def answer(fit):
        parameters = dict(zip(["Intercept", *design.names], zip(fit.fe_mean, fit.fe_sd, strict=True), strict=True))
        mean = np.exp(fit.vcp_mean + fit.vcp_sd**2 / 2)  # of a log-normal
        parameters |= dict(zip(names, zip(mean, mean * np.sqrt(np.expm1(fit.vcp_sd**2)), strict=True), strict=True))
        groups, at = {}, 0
        for group in design.groups:
            shape = (len(group.terms), len(group.levels))
            part = slice(at, at := at + shape[0] * shape[1])
            mean, sd = (values[part].reshape(shape).T.tolist() for values in (fit.vc_mean, fit.vc_sd))
            groups[group.name] = {"levels": group.levels, "terms": group.terms, "mean": mean, "sd": sd}
        return parameters, groups, "independent slopes" if len(names) > len(groups) else ""

    return call, answer


def likelihood(design):
    """`MixedLM` for one factor."""
    (group,) = design.groups
    X = np.column_stack([np.ones(len(design.X)), design.X])

    def call():
        return MixedLM(design.y, X, group.index, group.columns).fit(reml=False)

    def answer(fit):
        names = ["Intercept", *design.names]
        parameters = dict(zip(names, zip(fit.fe_params, fit.bse_fe, strict=True), strict=True))
        sd = np.sqrt(np.diag(fit.cov_re))
        parameters |= {f"sd({group.name}:{term})": (s, None) for term, s in zip(group.terms, sd, strict=True)}
        if len(sd) == 2:
            correlation = np.asarray(fit.cov_re)[0, 1] / sd.prod()
            parameters[f"cor({group.name}:{','.join(group.terms)})"] = (correlation, None)
        parameters["sigma"] = (np.sqrt(fit.scale), None)
        mean = [np.asarray(fit.random_effects[i]).tolist() for i in range(len(group.levels))]
        return parameters, {group.name: {"levels": group.levels, "terms": group.terms, "mean": mean, "sd": None}}, ""

    return call, answer


def fitter(name, folder):
    """The call of the model."""
    design = load(name, folder)
    fit, answer = (likelihood if design.model.likelihood == "gaussian" else variational)(design)

    def call():
        found = fit()

        def finish():
            parameters, groups, note = answer(found)
            plain = {
                name: [float(value), None if sd is None else float(sd)] for name, (value, sd) in parameters.items()
            }
            return {"parameters": plain, "groups": groups, "note": note}

        return finish

    return call


if __name__ == "__main__":
    serve(fitter)

"""Taut as documented: the table and the formula. The verdict is on the clock."""

from mixed_clock import serve
from mixed_models import MODELS, in_order

import taut


def fitter(name, folder):
    """The call of the model."""
    import polars as pl

    stated = MODELS[name]
    table = pl.read_csv(folder / stated.file)
    model = taut.models.Regression(stated.formula, likelihood=stated.likelihood)

    def call():
        fit = taut.fit(model, table, progress=False)
        verdict = fit.verdict

        def finish():
            coded = fit.summary().select("name", "mean_standardised", "sd_standardised")  # as the references are
            tables = (coded, fit.variances().select("name", "mean", "sd"))
            found = {name: values for part in tables for name, *values in part.iter_rows()}
            return {
                "parameters": found,
                "groups": grouped(fit.groups()),
                "note": f"converged: {verdict.converged.answer}, trust: {verdict.trust.answer}",
                "verdict": {"converged": verdict.converged.answer, "trust": verdict.trust.answer},
            }

        return finish

    return call


def grouped(table):
    """Means and sds `[G, q]` by factor from the table of group effects."""
    groups = {}
    for factor, level, term, mean, sd in table.select("group", "level", "term", "mean", "sd").iter_rows():
        groups.setdefault(factor, {}).setdefault(str(level), {})[term] = (mean, sd)
    answer = {}
    for factor, by_level in groups.items():
        levels = in_order(list(by_level))
        terms = list(by_level[levels[0]])
        mean, sd = ([[by_level[level][term][k] for term in terms] for level in levels] for k in (0, 1))
        answer[factor] = {"levels": levels, "terms": terms, "mean": mean, "sd": sd}
    return answer


if __name__ == "__main__":
    serve(fitter)

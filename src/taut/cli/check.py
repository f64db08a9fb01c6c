"""`taut check`: what a saved fit says of its own rows, by predictive checks and by leaving each out."""

from typing import Any

from taut.cli import options
from taut.cli.outputs import show_json


def check(run: options.Run, as_json: options.PredictJson = False) -> None:
    """Print posterior predictive checks and leave-one-out of a regression by formula.

    The checks hold the rows that were fitted against rows drawn from the posterior. Leave-one-out says how well each
    row is predicted by the others; nothing is fitted again.
    """
    import taut
    from taut.core.cache import keep_compilations

    keep_compilations()
    fit: Any = taut.load(run)
    checks, left_out = fit.check(), fit.loo()
    if as_json:
        show_json({"check": checks.to_json(), "loo": left_out.to_json()})
        return
    from taut.cli.outputs import show

    show(str(checks))
    show(str(left_out))

"""`taut verdict`: the sixth sentence of a saved fit."""

from taut.cli import options, vae_options
from taut.cli.fit import end
from taut.cli.outputs import show, show_json
from taut.errors import SavedFitError


def verdict(run: options.Run, as_json: vae_options.VerdictJson = False) -> None:
    """Say whether a saved fit converged and whether it can be trusted, and what was measured.

    Nothing is computed: the verdict was given when the fit was saved. Exit codes: 0 whatever the answers are, 2
    something to mend, 3 the fit had diverged.
    """
    import taut

    fit = taut.load(run)
    if fit.verdict is None:
        raise SavedFitError(f"{run} holds no verdict: an older Taut saved it. Fit again.")
    said = fit.verdict.to_json()
    if as_json:
        show_json(said)
    else:
        from taut.report.terminal.verdict import verdict, verdict_figures

        show(verdict(said))
        show(verdict_figures(said))
    if fit.ended.word == "diverged":  # an interrupted one has an answer
        end(fit, run)

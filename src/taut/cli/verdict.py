"""`taut verdict`: the sixth sentence of a saved fit."""

from pathlib import Path
from typing import Any

from taut.cli import run_options
from taut.cli.ending import end
from taut.cli.outputs import show, show_json
from taut.errors import SavedFitError
from taut.learning.ended import Ended


def verdict(run: run_options.Run, as_json: run_options.VerdictJson = False) -> None:
    """Say whether a saved fit converged and whether it can be trusted, and what was measured.

    Nothing is computed: the verdict was given when the fit was saved. Exit codes: 0 whatever the answers are, 2
    something to mend, 3 the fit had diverged.
    """
    from taut.results.meta import read_said

    saved = read_said(run)
    said = _of_older(run) if saved.verdict is None else saved.verdict
    if as_json:
        show_json(said)
    else:
        from taut.report.terminal.verdict import verdict, verdict_figures
        from taut.report.words.verdict import lines

        show(verdict(lines(said, saved.predictions)))
        show(verdict_figures(said))
    if saved.ended is Ended.DIVERGED:  # an interrupted one has an answer
        end(saved, run)


def _of_older(run: Path) -> dict[str, Any]:
    """The verdict of a fit that an older version saved, as this one says it."""
    import taut

    verdict = taut.load(run).verdict
    if verdict is None:
        raise SavedFitError(f"{run} holds no verdict: an older Taut saved it. Fit again.")
    return verdict.to_json()

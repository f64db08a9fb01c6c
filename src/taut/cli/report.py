"""`taut report`: the page of a saved fit, made again."""

from taut.cli import options
from taut.cli.guard import say
from taut.cli.outputs import check_file


def report(run: options.Run, out: options.OutPage = None) -> None:
    """Write the report page of a saved fit: one HTML file that needs nothing else."""
    if out is not None:
        check_file(out)

    import taut

    page = taut.report.page(taut.load(run), out or run / "report.html")
    say(f"the report page is {page}.")

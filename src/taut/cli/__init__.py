"""The command line: it parses, calls the public API and prints."""

import gc
import sys

SELDOM = 50_000
"""New objects after which Python looks for cycles of objects that nothing uses."""


def main(arguments: list[str] | None = None) -> None:
    """Run `taut`: the entry point of the console script.

    Args:
        arguments: of the command line, those of the process by default.

    Raises:
        SystemExit: always, with 0 for an answer, 2 for what the user can mend, 3 for a fit that diverged, 130 for
            Ctrl-C and 1 for a defect of Taut's own.

    Example:
        >>> try:
        ...     main(["--version"])
        ... except SystemExit as end:
        ...     end.code
        taut 0.1.0
        0
    """
    often = gc.get_threshold()
    # Loading modules makes hundreds of thousands of objects that stay; looking through them took a seventh of a fit.
    gc.set_threshold(SELDOM, *often[1:])
    try:
        from taut.cli.app import run

        run(arguments)
    except KeyboardInterrupt:  # while modules were still being loaded; later ones become an exit code in `guard`
        sys.exit(130)
    finally:
        gc.set_threshold(*often)

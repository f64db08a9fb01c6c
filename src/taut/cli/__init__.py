"""The command line: it parses, calls the public API and prints."""

import sys


def main() -> None:
    """Run `taut`: the entry point of the console script.

    The exit code is 0 for an answer, 2 for what the user can mend, 3 for a fit that diverged, 130 for Ctrl-C and 1
    for a defect of Taut's own.

    Example:
        >>> import sys
        >>> sys.argv = ["taut", "--version"]
        >>> try:
        ...     main()
        ... except SystemExit as end:
        ...     print(end.code)
        taut 0.1.0
        0
    """
    try:
        from taut.cli.app import app

        app(prog_name="taut")
    except KeyboardInterrupt:  # while modules were still being loaded; later ones become an exit code in `guard`
        sys.exit(130)

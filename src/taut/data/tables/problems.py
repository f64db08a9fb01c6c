"""Everything that is wrong with a table, told at once."""

import contextlib
from collections.abc import Iterator

from taut.errors import DataError


class DataProblems(DataError):
    """Several reasons why a table cannot be used.

    Attributes:
        each: the messages.
    """

    def __init__(self, each: list[str]):
        super().__init__(f"There are {len(each)} problems.\n" + "\n".join(f"- {message}" for message in each))
        self.each = each


class Problems:
    """Refusals that wait until the whole table was looked at.

    Example:
        >>> problems = Problems()
        >>> with problems.noted():
        ...     raise DataError("'age' is missing in 2 rows.")
        >>> problems.refuse()
        Traceback (most recent call last):
        taut.errors.DataError: 'age' is missing in 2 rows.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note a refusal and go on behind the block."""
        try:
            yield
        except DataProblems as several:
            self.found += several.each
        except DataError as problem:
            self.found.append(str(problem))

    def refuse(self) -> None:
        """Refuse with all that was noted.

        Raises:
            DataError: the one problem, or all of them in a list.
        """
        if len(self.found) == 1:
            raise DataError(self.found[0])
        if self.found:
            raise DataProblems(self.found)

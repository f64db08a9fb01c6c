"""What results show of themselves where they are looked at: in a notebook, and as figures.

Results stand below the report and import nothing from it. They ask for a view by name, which is looked up when somebody
looks: this is the one place that knows where views are made.
"""

import importlib
from collections.abc import Callable
from typing import Any

VIEWS = "taut.report.views"
"""The module that makes them."""


def view(name: str) -> Callable[..., Any]:
    """The function of that name among the views.

    Example:
        >>> view("plot").__module__
        'taut.report.views'
    """
    return getattr(importlib.import_module(VIEWS), name)

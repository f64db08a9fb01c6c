"""Values as JSON has them."""

import math
from typing import Any


def plain(value: Any) -> Any:
    """The value as JSON has it: a number that is not finite is null, since JSON knows no NaN.

    Example:
        >>> plain({"elbo": float("nan"), "rows": (1, 2.5)})
        {'elbo': None, 'rows': [1, 2.5]}
    """
    if isinstance(value, dict):
        return {name: plain(x) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

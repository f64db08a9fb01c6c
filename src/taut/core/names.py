"""Names as people write them: the one grammar of arguments, options and forms, and what is said of an unknown one.

Capitals, blanks, hyphens and underscores do not count, nor does British or American spelling; "gradient" and
"regression" at the end may be left out, and so may the end of a name as long as no other begins alike.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

SHORTEST = 3
"""Fewest letters of a shortened name."""
LONGEST = 80
"""Most characters of a value in a message."""


def spelled(name: str) -> str:
    """A name as it is compared.

    Example:
        >>> spelled("Natural Gradient") == spelled("natural_gradient") == spelled("NATURAL")
        True
        >>> spelled("reparameterisation") == spelled("reparametrization")
        True
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    letters = re.sub("[^a-z0-9.]", "", plain)
    letters = re.sub("is(?=ed|ation|e$)", "iz", letters).replace("parameteriz", "parametriz")
    return re.sub("(?<=.)(gradient|regression)$", "", letters)


def find(value: Any, known: Iterable[str]) -> str | None:
    """The one of the names `known` that `value` spells, whole or shortened; None where it spells none or several.

    Example:
        >>> find("MeanField", ["full-rank", "mean-field"]), find("full", ["full-rank", "mean-field"])
        ('mean-field', 'full-rank')
        >>> find("re", ["reinforce", "reparametrization"]) is None
        True
    """
    if not isinstance(value, str):
        return None
    asked = spelled(value)
    by_spelling = {spelled(name): name for name in known}
    if asked in by_spelling:
        return by_spelling[asked]
    longer = [name for spelling, name in by_spelling.items() if spelling.startswith(asked)]
    return longer[0] if len(asked) >= SHORTEST and len(longer) == 1 else None


def unknown(value: Any, known: Iterable[str]) -> str:
    """What is said of a value that spells no name.

    Example:
        >>> unknown("ful-rnk", ["full-rank", "mean-field"])
        "'ful-rnk' is not known. Did you mean 'full-rank'? Names: full-rank, mean-field"
    """
    known = list(known)
    return f"{brief(value)} is not known.{suggestion(value, known)} Names: {', '.join(known)}"


def suggestion(value: Any, known: Iterable[str]) -> str:
    """A sentence with the names that a misspelt one may stand for; empty where none is near.

    Example:
        >>> suggestion("brest-cancer", ["breast-cancer"])
        " Did you mean 'breast-cancer'?"
    """
    if not isinstance(value, str):
        return ""
    import difflib  # which is needed on this way alone

    asked, by_spelling = spelled(value), {spelled(name): name for name in known}
    begun = [name for spelling, name in by_spelling.items() if asked and spelling.startswith(asked)]
    near = begun or [by_spelling[s] for s in difflib.get_close_matches(asked, by_spelling, n=3)]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def brief(value: Any) -> str:
    """A received value in a message: never a whole array, table or network.

    Example:
        >>> import numpy as np
        >>> brief(np.zeros((569, 30))), brief("mean-field"), brief([1.0, 2.0])
        ('an array of shape (569, 30)', "'mean-field'", '[1.0, 2.0]')
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and not isinstance(value, type):
        kind = type(value).__name__
        name = "array" if kind in ("ndarray", "ArrayImpl") or "Tracer" in kind else kind
        return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name} of shape {shape}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (tuple, list)) and any(isinstance(getattr(x, "shape", None), tuple) for x in value):
        return f"({', '.join(brief(x) for x in value[:3])}{', ...' if len(value) > 3 else ''})"
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(repr, list(value)[:5])) or 'nothing'}"
    if type(value) in (str, bytes, bool, int, float, complex, tuple, list, set, type(None)):
        text = repr(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    if shape == () and hasattr(value, "dtype"):  # a number of NumPy or JAX
        number: Any = value
        return repr(number.tolist())
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    return f"{type(value).__name__}(...)"

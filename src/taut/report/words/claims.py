"""The two claims made of gradient estimators, unbiased and consistent, in words."""

from typing import Any


def claim_words(row: dict[str, Any]) -> dict[str, str]:
    """What the terminal and the page say of one estimator; a claim is never proven, so that "yes" means "it seems so".

    Args:
        row: A row of `taut.studies.claims.Claims.table`.

    Example:
        >>> row = {"worst": 1.25, "p_value": 0.4, "seems_unbiased": True, "slope": -0.5, "slope_error": 0.01,
        ...        "seems_consistent": False}
        >>> list(claim_words(row).values())
        ['1.2', '0.4', 'yes', '-0.500 ± 0.010', 'NO']
    """
    slope = "no noise" if row["slope"] is None else f"{row['slope']:.3f} ± {row['slope_error']:.3f}"
    return {
        "worst": f"{row['worst']:.1f}",
        "p_value": f"{row['p_value']:.2g}",
        "seems_unbiased": _answer(row["seems_unbiased"]),
        "slope": slope,
        "seems_consistent": _answer(row["seems_consistent"]),
    }


def _answer(seems: bool) -> str:
    return "yes" if seems else "NO"

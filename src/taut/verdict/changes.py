"""Changes of means and sds in words, with nothing but the words to load."""

LEAST_SHIFT, LEAST_RATIO = 0.005, 0.005
"""Changes of a mean (in sds) and of an sd (as a share) that are shown as numbers; less would be shown as zero."""


def in_sds(shift: float) -> str:
    """The largest change of a mean, in words.

    Example:
        >>> in_sds(0.314), in_sds(0.001)
        ('up to 0.31 sd', 'less than 0.005 sd')
    """
    return f"up to {shift:.2f} sd" if shift >= LEAST_SHIFT else f"less than {LEAST_SHIFT:g} sd"


def in_percent(change: float) -> str:
    """The largest change of an sd, in words.

    Example:
        >>> in_percent(0.12), in_percent(0.001)
        ('up to 12%', 'less than 1%')
    """
    return f"up to {change:.0%}" if change >= LEAST_RATIO else "less than 1%"

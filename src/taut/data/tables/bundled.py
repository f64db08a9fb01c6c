"""Data sets that come with Taut, so that there is something to fit on a fresh machine."""

from pathlib import Path

import polars as pl

from taut.data.wording import quoted, suggestion
from taut.errors import ArgumentError


def _breast_cancer() -> tuple[pl.DataFrame, str]:
    # The file of scikit-learn with its names, since loading scikit-learn takes longer than the fit.
    frame = pl.read_csv(Path(__file__).with_name("breast-cancer.csv.gz"))
    # An Enum has an order of its own: benign comes last and is the positive class, as in scikit-learn.
    return frame.with_columns(pl.col("diagnosis").cast(pl.Enum(["malignant", "benign"]))), "diagnosis"


BUNDLED = {"breast-cancer": _breast_cancer}


def load_bundled(name: str) -> tuple[pl.DataFrame, str]:
    """Load a bundled data set; so far there is one, "breast-cancer".

    It is the one of scikit-learn, from the UCI Machine Learning Repository under CC BY 4.0: 569 rows, 30 measurements
    of cell nuclei, and `diagnosis`, "malignant" or "benign" with benign as the positive class.

    Args:
        name: of the data set.

    Returns:
        The table, and the name of its target column.

    Raises:
        ArgumentError: an unknown name.

    Example:
        >>> frame, target = load_bundled("breast-cancer")
        >>> frame.shape, target
        ((569, 31), 'diagnosis')

    Source: W. N. Street, W. H. Wolberg and O. L. Mangasarian, "Nuclear feature extraction for breast tumor
    diagnosis", 1993.
    """
    if name not in BUNDLED:
        raise ArgumentError(
            f"There is no bundled data set '{name}'.{suggestion(str(name), BUNDLED)} There is {quoted(BUNDLED)}."
        )
    return BUNDLED[name]()

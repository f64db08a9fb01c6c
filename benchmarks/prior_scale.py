"""Is one prior scale enough? Held-out log loss at scale 1, at the empirical scale, and of cross-validated ridge.

    python benchmarks/prior_scale.py         a table, some minutes
    python benchmarks/prior_scale.py --json

Five stratified folds, each column standardised on the training rows by every contestant. Ridge is scikit-learn's
`LogisticRegressionCV` with ten penalties, five inner folds and the log loss as its score. The tables are those of
`../shared/data/classification` and two of scikit-learn's; those that are absent are left out.
"""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import taut
from taut.estimators import BayesianLogisticRegression

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "classification"
FOLDS = 5
MOST_ROWS = 3000
"""Number of rows of a tall table that are used, where the prior still matters."""


def tables():
    """Name, encoded features and 0/1 target of every table that is there."""
    yield "breast-cancer", *load_breast_cancer(return_X_y=True)
    X, y = load_wine(return_X_y=True)
    yield "wine (second class)", X, (y == 1).astype(int)
    for name, target in (
        ("german_credit.csv", "bad"),
        ("german_credit_numeric.csv", "bad"),
        ("ionosphere.csv", "good"),
        ("a9a_train.csv.gz", "y"),
    ):
        if (FOLDER / name).exists():
            features, values = taut.data.split_target(taut.data.read_table(FOLDER / name), target)
            features, values = features.head(MOST_ROWS), values.head(MOST_ROWS)
            features = features.select(c for c in features.columns if features[c].n_unique() > 1)
            table = taut.data.prepare(features, values, standardise=False, intercept=False)
            yield name.split(".")[0], table.X, table.y.astype(int)


def contestants() -> dict[str, Any]:
    """The models by name."""
    ridge = LogisticRegressionCV(Cs=10, cv=5, scoring="neg_log_loss", max_iter=2000, use_legacy_attributes=False)
    return {
        "scale 1": BayesianLogisticRegression(family="full-rank"),
        "empirical": BayesianLogisticRegression("empirical", family="full-rank"),
        "ridge, cross-validated": make_pipeline(StandardScaler(), ridge),
    }


def held_out(X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Mean log loss over the folds by contestant, in nats, and the mean scale that was found."""
    losses: dict[str, list[float]] = {name: [] for name in contestants()}
    scales = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y):
        for name, model in contestants().items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                p = model.fit(X[train], y[train]).predict_proba(X[test])
            losses[name].append(log_loss(y[test], p))
            if name == "empirical":
                scales.append(model.prior_scale_)
    return {name: float(np.mean(loss)) for name, loss in losses.items()} | {"scale found": float(np.mean(scales))}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    found = {}
    as_json = parser.parse_args().json
    for name, X, y in tables():
        found[name] = {"rows": len(y), "columns": X.shape[1]} | held_out(X, y)
        if not as_json:
            print(name, {key: round(x, 4) for key, x in found[name].items()}, flush=True)
    if as_json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()

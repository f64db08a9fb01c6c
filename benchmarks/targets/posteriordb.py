"""The posteriors of `../shared/data/posteriordb`: data and truth from there, models from `posteriordb_models.py`."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from .posteriordb_models import MODELS
from .target import Target, known

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "posteriordb"
TAGS = {
    "hmm_drive_1": {"gaussian-fits", "several modes"},
    "gp_regr": {"skewed"},
    "logmesquite_logvas": {"gaussian-fits"},
    "one_comp_mm_elim_abs": {"heavy-tailed"},
}


def present() -> list[str]:
    """Names of those that can be had: none if the folder is absent."""
    return sorted(path.stem for path in (FOLDER / "reference").glob("*.json") if path.stem.split("-")[1] in MODELS)


def missing() -> str:
    """What is not there, in a sentence; empty if nothing is."""
    return "" if FOLDER.is_dir() else f"The {len(MODELS)} posteriors of posteriordb are left out: no folder {FOLDER}."


def _json(name: str) -> Any:
    path = FOLDER / "data" / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    return json.loads(gzip.decompress(path.with_suffix(".json.gz").read_bytes()))


def _shaped(names: list[str], numbers: np.ndarray) -> dict[str, np.ndarray]:
    """`beta[1]`, `beta[2]`, ... as one array by name; a name without an index as a scalar. Over the last axis."""
    columns: dict[str, list[np.ndarray]] = {}
    for name, number in zip(names, np.moveaxis(numbers, -1, 0), strict=True):
        columns.setdefault(name.split("[")[0], []).append(number)
    scalars = {name for name in names if "[" not in name}
    return {k: v[0] if k in scalars else np.stack(v, -1) for k, v in columns.items()}


def draws(name: str) -> dict[str, np.ndarray]:
    """The reference draws by parameter, `[10000, ...]`."""
    with np.load(FOLDER / "draws" / f"{name}.npz") as file:
        return _shaped([str(n) for n in file["names"]], file["draws"].reshape(-1, len(file["names"])))


def make(name: str) -> Target:
    """The target `name`, e.g. "kidiq-kidscore_momiq"."""
    truth = json.loads((FOLDER / "reference" / f"{name}.json").read_text())
    numbers = {k: np.array(truth[k]) for k in ("mean", "sd", "mcse_mean")}
    sample = draws(name)
    # The error of an sd, from the spread of the squares: se(sd) = sd((x - m)^2) / sqrt(n) / (2 sd).
    sd_error = {k: ((x - x.mean(0)) ** 2).std(0) / np.sqrt(len(x)) / (2 * x.std(0)) for k, x in sample.items()}
    shaped = {k: _shaped(truth["names"], v) for k, v in numbers.items()}
    model = truth["model"] if "model" in truth else name.split("-")[1]
    return known(
        name,
        MODELS[model](_json(truth.get("data", name.split("-")[0]))),
        mean=shaped["mean"],
        sd=shaped["sd"],
        mean_error=shaped["mcse_mean"],
        sd_error=sd_error,
        log_normaliser=truth["log_normaliser_as_written"],
        log_normaliser_error=truth["log_normaliser_se"],
        tags=TAGS.get(model, {"gaussian-fits"}) | {"posteriordb"},
        how=truth["sampler"],
    )

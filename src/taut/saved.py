"""Saved fits: a folder with `fit.json` and `arrays.npz`, no code and no pickle.

`taut.load(path)` gives back everything that needs no code of the user's: a whole regression, and the draws, summaries,
history and report of any log density. `taut.load(path, model=...)`, checked by a fingerprint, gives back the rest.
"""

import json
import zlib
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from taut import __version__
from taut.capabilities import Capability
from taut.checkpoints import CHECKPOINT_FILE
from taut.choose import ALGORITHMS, CONTROLS, FAMILIES, GRADIENTS
from taut.diagnostics.elbo import Bound
from taut.errors import SavedFitError
from taut.gradients import Problem, Reinforce
from taut.learn import Ended
from taut.models import LogisticRegression, Model, Normal, Prior
from taut.objectives.parse import parse_objective
from taut.result import Fit
from taut.store import read_arrays, write_arrays, write_folder
from taut.trees import describe, is_float_array

FORMAT = 1
"""Version of the folder's layout; a newer one is refused, not guessed at."""
MOST_SAVED_NUMBERS = 10_000_000
"""Draws of a log density are saved up to this many numbers, so that a summary needs no code."""


class UnknownModel(Model):
    """Stands for the model of a saved fit that was loaded without its code; the draws are there, the density is not."""

    name: ClassVar[str] = "log density"
    prior: Prior = eqx.field(default_factory=Prior)

    @property
    def offers(self) -> frozenset[Capability]:
        """Nothing."""
        return frozenset()


def save(fit: Fit, path: Path) -> Path:
    """Write the folder `path`, in one move at the end; an older saved fit there is replaced.

    Raises:
        SavedFitError: something else is in the way.
    """
    meta = {
        "format": FORMAT,
        "taut": __version__,
        "fit": fit.to_json(),
        "model": _model_spec(fit.model),
        "fingerprint": _fingerprint(fit.model),
        "control": getattr(getattr(fit.problem.gradient, "control", None), "name", None),
        "steps": fit.algorithm.steps,
        "design": fit.design.to_json() if fit.design else None,
        "labels": fit.labels.to_json() if fit.labels else None,
    }
    arrays = {f"family.{name}": np.asarray(leaf) for name, leaf in vars(fit.posterior).items()}
    arrays |= {f"history.{name}": np.asarray(x) for name, x in fit.history.items()}
    arrays |= {f"evidence.{name}": np.asarray(x) for name, x in fit.evidence.items()}
    arrays |= {f"draws.{name}": x for name, x in _draws(fit).items()}
    meta["pair"] = zlib.crc32(repr(meta).encode())  # ties the two files together
    text = json.dumps(meta, indent=1)
    write_folder(
        path,
        {
            "arrays.npz": lambda p: write_arrays(p, arrays, {"format": FORMAT, "pair": meta["pair"]}),
            "fit.json": lambda p: p.write_text(text, "utf-8"),
        },
        keep=(CHECKPOINT_FILE,),
    )
    return path


def load(path: str | Path, model: Model | None = None) -> Fit:
    """A saved fit.

    Args:
        path: the folder.
        model: the model that was fitted, for what needs its code (a log density's fresh draws); a regression needs
            none.

    Raises:
        SavedFitError: the folder is missing, damaged, foreign, newer than this version, or of another model.

    Example:
        >>> import tempfile, taut
        >>> result = taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0], [2.0], [4.0]], [0, 1, 0, 1]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = taut.load(result.save(f"{folder}/run"))
        >>> again.elbo == result.elbo
        True
    """
    path = Path(path)
    meta = _read_meta(path)
    arrays, of_arrays = read_arrays(path / "arrays.npz")
    if of_arrays.get("pair") != meta.get("pair"):
        raise SavedFitError(f"{path} holds the two halves of different fits: saving was cut short. Fit again.")
    try:
        return _rebuild(meta, arrays, model)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, SavedFitError):
            raise
        raise SavedFitError(
            f"{path} is damaged or was not written by Taut ({type(error).__name__}: {error}); fit again."
        ) from None


def _read_meta(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise SavedFitError(
            f"{path} {what}; a saved fit is a folder made by fit.save(path) or taut fit ... --out {path}."
        )
    try:
        meta = json.loads((path / "fit.json").read_text("utf-8"))
        version = int(meta["format"])
    except FileNotFoundError:
        unfinished = (path / "checkpoint.npz").exists()
        remedy = "it holds an unfinished run: go on with --resume." if unfinished else "it is not a saved fit."
        raise SavedFitError(f"{path} has no fit.json: {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SavedFitError(f"{path}/fit.json is damaged or was not written by Taut ({error}); fit again.") from None
    if version != FORMAT:
        raise SavedFitError(
            f"{path} has format {version} and this Taut ({__version__}) reads {FORMAT}: use the version that wrote it."
        )
    return meta


def _rebuild(meta: dict[str, Any], arrays: dict[str, np.ndarray], model: Model | None) -> Fit:
    said = meta["fit"]
    if model is not None and _fingerprint(model) != meta["fingerprint"]:
        raise SavedFitError(
            "The model given is not the one that was fitted: its parameters, prior or functions differ. Give the same "
            "one, or none."
        )
    part = lambda prefix: {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}  # noqa: E731
    if model is None:
        model = _model_from_spec(meta["model"])
    gradient = GRADIENTS[said["gradient"]]
    if gradient is Reinforce:
        built = Reinforce(said["samples"], CONTROLS[meta["control"]]())
    else:
        built = gradient() if said["gradient"] == "exact" else gradient(said["samples"])
    family = FAMILIES[said["family"]](**part("family."))
    algorithm = ALGORITHMS[said["algorithm"]](steps=meta["steps"])  # pyright: ignore[reportCallIssue]
    design = labels = None
    if meta["design"] is not None:
        from taut.data import Design, Labels

        design, labels = Design.from_json(meta["design"]), Labels.from_json(meta["labels"])
    return Fit(
        problem=Problem(model, family, parse_objective(said["objective"], meta["steps"])[0], built),
        algorithm=algorithm,
        bound=Bound(said["elbo"], said["expected_log_likelihood"], said["kl"], said["elbo_standard_error"]),
        history=part("history."),
        ended=Ended[said["ended"].upper()],
        reason=said["reason"],
        reasons=said["reasons"],
        iterations=said["iterations"],
        gradient_evaluations=said["gradient_evaluations"],
        rows=said["rows"],
        batch_size=said["batch_size"],
        seed=said["seed"],
        dtype=np.dtype(said["dtype"]),
        seconds=said["seconds"],
        design=design,
        labels=labels,
        evidence=part("evidence."),
        draws=part("draws.") if isinstance(model, UnknownModel) else None,
    )


def _fingerprint(model: Model) -> Any:
    """The model's structure and fixed values; of what is learned, the shapes alone."""

    def shapes(tree: Any) -> Any:
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype) if is_float_array(x) else x, tree)

    for name in model.learned():
        model = eqx.tree_at(lambda m, n=name: getattr(m, n), model, shapes(getattr(model, name)))
    return describe(model)


def _model_spec(model: Model) -> dict[str, Any] | None:
    """A regression in plain JSON; None for a model that holds the user's code."""
    if isinstance(model, LogisticRegression) and isinstance(model.prior, Normal):
        prior = {"loc": np.asarray(model.prior.loc).tolist(), "scale": np.asarray(model.prior.scale).tolist()}
        return {"prior": prior, "standardise": model.standardise, "intercept": model.intercept}
    return None


def _model_from_spec(spec: dict[str, Any] | None) -> Model:
    if spec is None:
        return UnknownModel()
    number = lambda x: tuple(x) if isinstance(x, list) else x  # noqa: E731
    prior = Normal(number(spec["prior"]["loc"]), number(spec["prior"]["scale"]))
    return LogisticRegression(prior, standardise=spec["standardise"], intercept=spec["intercept"])


def _draws(fit: Fit) -> dict[str, np.ndarray]:
    """The draws behind the summary, by the unknowns' paths; none for a regression, whose table is exact."""
    if fit.design is not None:
        return {}
    if fit.draws is not None:
        return fit.draws
    size = min(4000, MOST_SAVED_NUMBERS // max(fit.posterior.dim, 1))
    if size < 100:
        return {}
    leaves = jax.tree_util.tree_leaves_with_path(fit.sample(size, fit.seed))
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(x) for path, x in leaves}

"""Saved fits: a folder with `fit.json` and `arrays.npz`, no code and no pickle.

`taut.load(path)` gives back everything that needs no code of the user's: a whole regression, an autoencoder of built-in
networks, and the draws, summaries, history and report of any log density. What was the user's own is passed again,
checked by a fingerprint.
"""

import json
import zlib
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from taut import __version__
from taut.algorithms import StochasticGradient
from taut.core.array_files import arrays_into_tree, read_arrays, tree_to_arrays, write_arrays
from taut.core.capabilities import Capability
from taut.core.files import FIT_FILE, write_folder
from taut.core.trees import describe, is_float_array, without_rooms
from taut.diagnostics.elbo import Bound
from taut.errors import SavedFitError
from taut.families import Family
from taut.learning.loop import Ended
from taut.models import Model, Prior
from taut.objectives import Objective
from taut.problem import Problem
from taut.results.fit import Fit
from taut.results.latent import LatentFit
from taut.results.specs import build, spec_or_none
from taut.verdict.judge import Judged
from taut.verdict.verdict import Verdict

FORMAT = 1
"""Version of the folder's layout; a newer one is refused, not guessed at."""
PARTS = ("model", "family", "objective", "gradient")
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
        "local": fit.model.local,
        "parts": {name: spec_or_none(getattr(fit.problem, name)) for name in PARTS},
        "fingerprints": {name: _fingerprint(getattr(fit.problem, name)) for name in PARTS},
        "algorithm": spec_or_none(fit.algorithm),
        "steps": fit.algorithm.steps,
        "steps_per_second": fit.steps_per_second,
        "design": fit.design.to_json() if fit.design else None,
        "labels": fit.labels.to_json() if fit.labels else None,
    }
    arrays = {}
    for name in PARTS:
        arrays |= tree_to_arrays(getattr(fit.problem, name), name)
    arrays |= {f"history.{name}": np.asarray(x) for name, x in fit.history.items()}
    arrays |= {f"evidence.{name}": np.asarray(x) for name, x in fit.evidence.items()}
    arrays |= {f"draws.{name}": x for name, x in _draws(fit).items()}
    arrays |= {f"judged.{name}": x for name, x in _correction(fit).items()}
    meta["pair"] = zlib.crc32(repr(meta).encode())  # ties the two files together
    text = json.dumps(meta, indent=1)
    write_folder(
        path,
        {
            "arrays.npz": lambda p: write_arrays(p, arrays, {"format": FORMAT, "pair": meta["pair"]}),
            FIT_FILE: lambda p: p.write_text(text, "utf-8"),
        },
    )
    return path


def load(
    path: str | Path, model: Model | None = None, *, family: Family | None = None, objective: Objective | None = None
) -> Fit:
    """A saved fit.

    Args:
        path: the folder.
        model: the model that was fitted, for what needs its code: a log density's fresh draws, a decoder of your own.
        family: likewise, for an encoder of your own.
        objective: likewise, for a constraint on a function of your own.

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
        return _rebuild(path, meta, arrays, {"model": model, "family": family, "objective": objective})
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
        meta = json.loads((path / FIT_FILE).read_text("utf-8"))
        version = int(meta["format"])
    except FileNotFoundError:
        unfinished = (path / "checkpoint.npz").exists()
        remedy = "it holds an unfinished run: go on with --resume." if unfinished else "it is not a saved fit."
        raise SavedFitError(f"{path} has no {FIT_FILE}: {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SavedFitError(f"{path / FIT_FILE} is damaged or was not written by Taut ({error}); fit again.") from None
    if version != FORMAT:
        raise SavedFitError(
            f"{path} has format {version} and this Taut ({__version__}) reads {FORMAT}: use the version that wrote it."
        )
    return meta


def _rebuild(path: Path, meta: dict[str, Any], arrays: dict[str, np.ndarray], given: dict[str, Any]) -> Fit:
    said = meta["fit"]

    def part(prefix):
        return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

    problem = Problem(**{name: _part(path, name, meta, arrays, given.get(name)) for name in PARTS})
    algorithm = build(meta["algorithm"]) or StochasticGradient(steps=meta["steps"])  # with an optimizer that is unknown
    design = labels = None
    if meta["design"] is not None:
        from taut.data import Design, Labels

        design, labels = Design.from_json(meta["design"]), Labels.from_json(meta["labels"])
    kind = LatentFit if meta["local"] else Fit
    bound = Bound(said["elbo"], said["expected_log_likelihood"], said["kl"], said["elbo_standard_error"])
    verdict = None if said.get("verdict") is None else Verdict.from_json(said["verdict"])
    weighted = part("judged.")
    return kind(
        problem=problem,
        algorithm=algorithm,
        bound=bound,
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
        steps_per_second=meta["steps_per_second"],
        design=design,
        labels=labels,
        evidence=part("evidence."),
        draws=part("draws.") if isinstance(problem.model, UnknownModel) else None,
        judged=Judged(verdict, bound, **weighted) if weighted and verdict else None,
        said=verdict,
    )


def _part(path: Path, name: str, meta: dict[str, Any], arrays: dict[str, np.ndarray], given: Any) -> Any:
    """A part of the problem: as given, or from its spec, with the saved arrays in it."""
    if given is not None:
        if _fingerprint(given) != without_rooms(meta["fingerprints"][name]):
            raise SavedFitError(
                f"The {name} given is not the one that was fitted: its parameters, prior or functions differ. Give the "
                "same one, or none."
            )
        return arrays_into_tree(arrays, _in_saved_precision(given, arrays, name), name)
    said = meta["parts"][name]
    if said is None and name == "model" and not meta["local"]:
        return UnknownModel()
    if said is None:
        raise SavedFitError(
            f"{path} was fitted with a {name} that has code of your own, which a saved fit does not keep: pass it "
            f"again, taut.load({str(path)!r}, {name}=...)."
        )
    built = build(said)
    if set(tree_to_arrays(built, name)) != {key for key in arrays if key.startswith(name)}:
        raise SavedFitError(f"{path} is damaged: its arrays are not those that its {name} has. Fit again.")
    return arrays_into_tree(arrays, built, name)


def _in_saved_precision(part: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """`part` with its arrays in the precision of the fit, in which it may not have been built."""

    def take(path, leaf):
        saved = arrays.get(name + jax.tree_util.keystr(path))
        return np.asarray(leaf, saved.dtype) if is_float_array(leaf) and saved is not None else leaf

    return jax.tree_util.tree_map_with_path(take, part)


def _fingerprint(part: Any) -> Any:
    """Structure and fixed values; of what is learned (all of a family, some of a model), the shapes alone."""

    def shapes(tree: Any) -> Any:
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, float) if is_float_array(x) else x, tree)

    if isinstance(part, Family):
        return describe(shapes(part))
    for name in part.learned() if isinstance(part, Model) else ():
        part = eqx.tree_at(lambda m, n=name: getattr(m, n), part, shapes(getattr(part, name)))
    return describe(part)


def _correction(fit: Fit) -> dict[str, np.ndarray]:
    """The weighted draws that are the answer, where they are."""
    judged = fit.judgement
    if judged is None or not judged.corrected or judged.z.size > MOST_SAVED_NUMBERS:
        return {}
    return {name: np.asarray(getattr(judged, name)) for name in ("z", "weights", "log_prob", "log_q")}


def _draws(fit: Fit) -> dict[str, np.ndarray]:
    """The draws behind the summary, by the unknowns' paths; none where there is no summary or it is exact."""
    if fit.design is not None or fit.model.local:
        return {}
    if fit.draws is not None:
        return fit.draws
    size = min(4000, MOST_SAVED_NUMBERS // max(fit.posterior.dim, 1))
    if size < 100:
        return {}
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(fit.sample(size, fit.seed), is_float_array))
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(x) for path, x in leaves}

"""Loading a fit that was saved.

`taut.load(path)` gives back everything that needs no code of the user's: a whole regression, an autoencoder of built-in
networks, and the draws, summaries, history and report of any log density. What was the user's own is passed again,
checked by a fingerprint.
"""

from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from taut.algorithms import Algorithm, StochasticGradient
from taut.core.arguments import path as as_path
from taut.core.array_files import CHECKSUM, arrays_into_tree, read_arrays, tree_to_arrays
from taut.core.capabilities import Capability
from taut.core.checked_files import damaged
from taut.core.cost import LEARNING, PREPARING, VERDICT, Cost, Spent
from taut.core.trees import is_float_array, without_rooms
from taut.diagnostics.elbo import Bound
from taut.errors import SavedFitError
from taut.families import Family
from taut.gradients import Gradient
from taut.learning.ended import Ended
from taut.models import Model, Prior
from taut.objectives import Objective
from taut.problem import Problem
from taut.results.fit import Fit
from taut.results.folder import ARRAYS_FILE, FIT_FILE
from taut.results.kinds import fit_class
from taut.results.meta import read_meta
from taut.results.save import fingerprint
from taut.results.schema import FIT
from taut.results.specs import build, check
from taut.verdict.verdict import Verdict

KINDS = {"model": Model, "family": Family, "objective": Objective, "gradient": Gradient}
"""The parts of a problem."""
WITHOUT_CODE = "This fit was loaded without its model's code: load it with taut.load(path, model=...)."


class UnknownPrior(Prior):
    """The prior of an `UnknownModel`."""

    def log_prob(self, z):
        """Not known."""
        raise SavedFitError(WITHOUT_CODE)


class UnknownModel(Model):
    """Stands for the model of a saved fit that was loaded without its code; the draws are there, the density is not."""

    name: ClassVar[str] = "log density"
    prior: Prior = eqx.field(default_factory=UnknownPrior)
    signs: frozenset[str] = eqx.field(static=True, default=frozenset())
    whole: bool = eqx.field(static=True, default=False)

    @classmethod
    def of(cls, said: dict[str, Any]) -> "UnknownModel":
        """What the saved facts still tell of the model; version 0.1.0 did not say whether a density was joint."""
        blank = {c["name"].partition("[")[0] for c in said["coefficients"] if c["p_positive"] is None}
        return cls(signs=frozenset(blank), whole="entropy" in said or said["kl"] < 0)

    @property
    def one_signed(self):
        """Those that were saved without a P(> 0)."""
        return self.signs

    @property
    def joint(self):
        """Whether it was saved with an entropy."""
        return self.whole

    @property
    def offers(self) -> frozenset[Capability]:
        """Nothing."""
        return frozenset()

    def dim(self, rows):
        """Not known."""
        raise SavedFitError(WITHOUT_CODE)

    def log_likelihood(self, z, rows):
        """Not known."""
        raise SavedFitError(WITHOUT_CODE)


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
    path = as_path("path", path)
    meta = read_meta(path)
    arrays, of_arrays = read_arrays(path / ARRAYS_FILE)
    tie = CHECKSUM if meta["format"] > 1 else "pair"
    if of_arrays.get(tie) != meta.get(tie):
        raise SavedFitError(f"{path} holds the two halves of different fits: saving was cut short. Fit again.")
    try:
        FIT.check(meta)
        return _rebuild(path, meta, arrays, {"model": model, "family": family, "objective": objective})
    except SavedFitError as error:
        raise (error if str(path) in str(error) else SavedFitError(f"{path}: {error}")) from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise damaged(path / FIT_FILE, f"{type(error).__name__}: {error}") from None


def _rebuild(path: Path, meta: dict[str, Any], arrays: dict[str, np.ndarray], given: dict[str, Any]) -> Fit:
    problem = Problem(**{name: _part(path, name, meta, arrays, given.get(name)) for name in KINDS})
    meta["code"] = not isinstance(problem.model, UnknownModel)
    return fit_class(problem.model).from_saved(meta, arrays, _fields(meta, arrays, problem))


def _fields(meta: dict[str, Any], arrays: dict[str, np.ndarray], problem: Problem) -> dict[str, Any]:
    """The fields that every kind of fit has."""
    said = meta["fit"]

    def part(prefix):
        return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

    return {
        "problem": problem,
        "algorithm": _algorithm(meta),
        "bound": Bound(said["elbo"], said["expected_log_likelihood"], said["kl"], said["elbo_standard_error"]),
        "history": part("history."),
        "ended": Ended[said["ended"].upper()],
        "reason": said["reason"],
        "reasons": said["reasons"],
        "iterations": said["iterations"],
        "rows": said["rows"],
        "batch_size": said["batch_size"],
        "seed": said["seed"],
        "dtype": np.dtype(said["dtype"]),
        "spent": _spent(said),
        "steps_per_second": meta["steps_per_second"],
        "evidence": part("evidence."),
        "provenance": said.get("provenance", {}),
        "said": None if said.get("verdict") is None else Verdict.from_json(said["verdict"]),
    }


def _spent(said: dict[str, Any]) -> Cost:
    """What the fit cost; a fit of 0.1.0 counted no log densities, and its gradients in all."""
    if "cost" in said:
        return Cost.from_json(said["cost"])
    seconds, gradients = said["seconds"], said["gradient_evaluations"]
    return Cost(
        {
            PREPARING: Spent(seconds=seconds["prepare"]),
            LEARNING: Spent(gradients, seconds=seconds["learn"]),
            VERDICT: Spent(seconds=seconds["evaluate"]),
        }
    )


def _algorithm(meta: dict[str, Any]) -> Algorithm:
    """The algorithm; where it has an optimizer of the user's own, which is not kept, the default stands in."""
    if meta["algorithm"] is None:
        return StochasticGradient(steps=meta["steps"])
    algorithm = build(meta["algorithm"])
    check(algorithm)
    if not isinstance(algorithm, Algorithm):
        raise ValueError("its algorithm is none")
    return algorithm


def _part(path: Path, name: str, meta: dict[str, Any], arrays: dict[str, np.ndarray], given: Any) -> Any:
    """A part of the problem: as given, or from its spec, with the saved arrays in it."""
    if given is not None:
        if fingerprint(given) != without_rooms(meta["fingerprints"][name]):
            raise SavedFitError(
                f"The {name} given is not the one that was fitted: its parameters, prior or functions differ. Give the "
                "same one, or none."
            )
        return arrays_into_tree(arrays, _in_saved_precision(given, arrays, name), name)
    said = meta["parts"][name]
    if said is None and name == "model" and not meta["local"]:
        return UnknownModel.of(meta["fit"])
    if said is None:
        raise SavedFitError(
            f"{path} was fitted with a {name} that has code of your own, which a saved fit does not keep: pass it "
            f"again, taut.load({str(path)!r}, {name}=...)."
        )
    built = build(said)
    if not isinstance(built, KINDS[name]):
        raise ValueError(f"its {name} is none")
    if set(tree_to_arrays(built, name)) != {key for key in arrays if key.startswith(name)}:
        raise SavedFitError(f"{path} is damaged: its arrays are not those that its {name} has. Fit again.")
    part = arrays_into_tree(arrays, built, name)
    check(part)
    return part


def _in_saved_precision(part: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """`part` with its arrays in the precision of the fit, in which it may not have been built."""

    def take(path, leaf):
        saved = arrays.get(name + jax.tree_util.keystr(path))
        return np.asarray(leaf, saved.dtype) if is_float_array(leaf) and saved is not None else leaf

    return jax.tree_util.tree_map_with_path(take, part)

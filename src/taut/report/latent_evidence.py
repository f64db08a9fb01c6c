"""What the page of a latent-variable model needs of the data, small enough to be saved with the fit."""

import dataclasses
import json
from typing import Any

import numpy as np

from taut.diagnostics.feasible_range import range_of
from taut.errors import SavedFitError
from taut.results.latent import TERMS, LatentFit

SHOWN = 20
"""Examples that are shown beside their reconstructions."""
MOST_CODES = 2000


@dataclasses.dataclass(frozen=True)
class LatentEvidence:
    """Held-out examples, reduced to what pictures and maps show, with the figures that were taken on all of them.

    Attributes:
        originals: `[20, ...]`, the first examples.
        grey: `[20, ...]`, these before they became 0 and 1 by chance, in [0, 1]; empty where they did not.
        codes: `[n, latent]`, means of q(z|x), of at most 2,000 examples.
        labels: `[n]` of these, numbers or text; empty without labels.
        record: where the figures come from and what they are: `data` (name, shape, splits), `binarisation` (kind,
            seed), `split`, `evaluation` (or None), `feasible_range` (`floor` and `ceiling` of the expected
            log-likelihood, where a constraint bounds it), all plain JSON.
    """

    originals: np.ndarray
    grey: np.ndarray
    codes: np.ndarray
    labels: np.ndarray
    record: dict[str, Any]

    @classmethod
    def gather(
        cls, fit: LatentFit, examples: Any, labels: Any = None, record: dict[str, Any] | None = None, grey: Any = None
    ) -> "LatentEvidence":
        """Encode held-out examples.

        Args:
            fit: The fit.
            examples: Examples `[n, ...]` in the likelihood's support.
            labels: Labels `[n]`, to colour the map by.
            record: Where the figures come from, see the attribute.
            grey: The examples `[n, ...]` before they became 0 and 1 by chance, see the attribute.

        Example:
            >>> import jax.numpy as jnp, taut
            >>> from taut.models.latent import LatentVariableModel
            >>> x = np.eye(8, dtype=np.float32)
            >>> fit = taut.fit(LatentVariableModel(lambda z: jnp.zeros(8), latent=2), x, steps=2)
            >>> LatentEvidence.gather(fit, x).codes.shape
            (8, 2)
        """
        examples = np.asarray(examples)
        codes = fit.encode(examples[:MOST_CODES])[0]
        kept = np.zeros(0) if labels is None else np.asarray(labels)[:MOST_CODES]
        before = np.zeros(0) if grey is None else np.asarray(grey[:SHOWN])
        reachable = range_of(fit.problem.objective, fit.model, examples)
        feasible = {} if reachable is None else {"feasible_range": dataclasses.asdict(reachable)}
        return cls(examples[:SHOWN], before, codes, kept, {**(record or {}), **feasible})

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name for an `.npz` file, the record as a text, and the terms that judge constraints."""
        return {
            "originals": self.originals,
            "grey": self.grey,
            "codes": self.codes,
            "labels": self.labels,
            "record": np.array(json.dumps(self.record)),
        } | ({} if self.evaluation is None else {"terms.test": np.array([self.evaluation[name] for name in TERMS])})

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "LatentEvidence | None":
        """The evidence whose `arrays()` were saved; None where there are none of them.

        Raises:
            SavedFitError: some are missing, or damaged.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not any(name in arrays for name in names):
            return None
        try:
            record = json.loads(str(arrays["record"]))
            return cls(arrays["originals"], arrays["grey"], arrays["codes"], arrays["labels"], record)
        except (KeyError, ValueError) as error:
            raise SavedFitError(f"The saved data summary is damaged ({error}): save the fit again.") from None

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """The figures on held-out examples, None where they were not taken."""
        return self.record.get("evaluation")

    @property
    def active(self) -> np.ndarray:
        """Units, the most active first: by the variance over examples of their posterior mean."""
        return np.argsort(-np.var(self.codes, axis=0), kind="stable")

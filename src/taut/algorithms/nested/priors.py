"""The Gaussian priors of the unknowns at given scales."""

from dataclasses import dataclass

import numpy as np

from taut.algorithms.nested.layout import Layout
from taut.algorithms.nested.scales import Scales


@dataclass
class Prior:
    """p(w given t) for T cells of t.

    Attributes:
        t: `[T, K]`.
        mean: `[B]`, the border's prior mean.
        border, groups: the prior precisions, `[T, B, B]` and `[T, q, q]` for each level of the eliminated factor.
    """

    t: np.ndarray
    mean: np.ndarray
    border: np.ndarray
    groups: np.ndarray

    @staticmethod
    def of(layout: Layout, scales: Scales, t: np.ndarray) -> "Prior":
        """The priors at `t`."""
        border = np.zeros((len(t), layout.width, layout.width))
        at = np.arange(len(layout.mean))
        border[:, at, at] = 1 / layout.sd**2
        for k, _ in layout.border:
            precision, places = scales.precision(t, k), layout.effect_places(k)
            for a, left in enumerate(places):
                for b, right in enumerate(places):
                    border[:, left, right] = precision[:, a, b, None]
        groups = np.ones((len(t), 1, 1)) if layout.last is None else scales.precision(t, layout.last)
        return Prior(t, np.pad(layout.mean, (0, layout.width - len(at))), border, groups)

    def take(self, cells: np.ndarray) -> "Prior":
        """The cells of these indices."""
        return Prior(self.t[cells], self.mean, self.border[cells], self.groups[cells])

    def gradient(self, border: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradient of log p(w given t) at means `[T, B]` and `[T, q, G]`."""
        return -(self.border @ (border - self.mean)[:, :, None])[:, :, 0], -(self.groups @ groups)

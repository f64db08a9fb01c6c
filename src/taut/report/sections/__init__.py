"""The sections of pages, one file each, and which of them each page has, in their order."""

from taut.report.sections.calibration import Calibration
from taut.report.sections.choices import Choices
from taut.report.sections.evaluation import Evaluation
from taut.report.sections.gradient_noise import GradientNoise
from taut.report.sections.intervals import Intervals
from taut.report.sections.latent_map import LatentMap
from taut.report.sections.manifold import Manifold
from taut.report.sections.multipliers import Multipliers
from taut.report.sections.particulars import Particulars
from taut.report.sections.posterior import Posterior
from taut.report.sections.rate_and_distortion import RateAndDistortion
from taut.report.sections.reconstructions import Reconstructions
from taut.report.sections.samples import Samples
from taut.report.sections.surface import Surface
from taut.report.sections.trace import Trace
from taut.report.sections.training import Training
from taut.report.sections.traversal import Traversal
from taut.report.sections.unit_costs import UnitCosts

POSTERIOR = (
    Choices(),
    Posterior(),
    Intervals(),
    Trace(),
    GradientNoise(),
    Calibration(),
    Surface(),
    Particulars(),
)
"""The page of a regression or a log density."""

LATENT = (
    Reconstructions(),
    Samples(),
    Traversal(),
    Manifold(),
    LatentMap(),
    Evaluation(),
    Training(),
    GradientNoise(),
    Multipliers(),
    RateAndDistortion(),
    UnitCosts(),
    Choices(),
    Particulars(),
)
"""The page of a latent-variable model."""

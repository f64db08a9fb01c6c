"""The sections of pages, one file each, and which of them each page has, in their order."""

from taut.report.sections.average_effects import average_effects
from taut.report.sections.calibration import calibration
from taut.report.sections.checks import checks
from taut.report.sections.choices import choices
from taut.report.sections.evaluation import evaluation
from taut.report.sections.forest import forest
from taut.report.sections.gradient_noise import gradient_noise
from taut.report.sections.groups import groups
from taut.report.sections.latent_map import latent_map
from taut.report.sections.left_out import left_out
from taut.report.sections.manifold import manifold
from taut.report.sections.multipliers import multipliers
from taut.report.sections.particulars import particulars
from taut.report.sections.posterior import posterior
from taut.report.sections.priors import priors
from taut.report.sections.provenance import provenance
from taut.report.sections.rate_and_distortion import rate_and_distortion
from taut.report.sections.ratios import ratios
from taut.report.sections.reconstructions import reconstructions
from taut.report.sections.samples import samples
from taut.report.sections.scores import scores
from taut.report.sections.surface import surface
from taut.report.sections.trace import trace
from taut.report.sections.training import training
from taut.report.sections.traversal import traversal
from taut.report.sections.unit_costs import unit_costs
from taut.report.sections.variances import variances

POSTERIOR = (
    choices,
    posterior,
    forest,
    trace,
    gradient_noise,
    scores,
    calibration,
    surface,
    provenance,
    particulars,
)
"""The page of a regression or a log density."""

FORMULA = (
    posterior,
    forest,
    ratios,
    average_effects,
    variances,
    groups,
    checks,
    left_out,
    choices,
    priors,
    trace,
    gradient_noise,
    provenance,
    particulars,
)
"""The page of a regression by formula."""

LATENT = (
    reconstructions,
    samples,
    traversal,
    manifold,
    latent_map,
    evaluation,
    training,
    gradient_noise,
    multipliers,
    rate_and_distortion,
    unit_costs,
    choices,
    provenance,
    particulars,
)
"""The page of a latent-variable model."""

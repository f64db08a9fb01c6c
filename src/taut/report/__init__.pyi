from .evidence import Evidence as Evidence
from .html import page as page
from .latent_evidence import LatentEvidence as LatentEvidence
from .ranks import rank_plot as rank_plot
from .rate import rate_distortion as rate_distortion
from .terminal import table as table

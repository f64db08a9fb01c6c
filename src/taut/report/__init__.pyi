from .evidence import Evidence as Evidence
from .figures.ranks import rank_plot as rank_plot
from .figures.rate import rate_distortion as rate_distortion
from .latent_evidence import LatentEvidence as LatentEvidence
from .pages.fit import page as page
from .terminal.fit import table as table

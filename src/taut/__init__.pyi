from . import algorithms as algorithms
from . import data as data
from . import diagnostics as diagnostics
from . import errors as errors
from . import estimators as estimators
from . import families as families
from . import gradients as gradients
from . import models as models
from . import networks as networks
from . import objectives as objectives
from . import report as report
from . import studies as studies
from .errors import TautError as TautError
from .fitting.fit import fit as fit
from .learning.ended import Ended as Ended
from .problem import Problem as Problem
from .results.density import DensityFit as DensityFit
from .results.fit import Fit as Fit
from .results.latent import LatentFit as LatentFit
from .results.load import load as load
from .results.regression import RegressionFit as RegressionFit
from .studies.calibrate import calibrate as calibrate
from .studies.claims import gradient_claims as gradient_claims
from .studies.compare import compare_gradients as compare_gradients
from .studies.rate_distortion import rate_distortion as rate_distortion

__version__: str

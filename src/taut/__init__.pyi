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
from .auto import fit as fit
from .calibrating import calibrate as calibrate
from .errors import TautError as TautError
from .latent_fit import LatentFit as LatentFit
from .learn import Ended as Ended
from .result import Fit as Fit
from .saved import load as load
from .sweeps import rate_distortion as rate_distortion

__version__: str

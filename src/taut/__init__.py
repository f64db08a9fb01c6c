"""Taut: variational inference that says whether it converged and whether to trust it.

Everything is loaded on first use, so that `import taut` costs next to nothing.
"""

import warnings

import lazy_loader

from taut.core.rooms import absent as _absent

# NumPyro, which has the priors, loads a progress bar for notebooks that Taut does not use; without ipywidgets it warns.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = _absent(__name__, _load, __all__)

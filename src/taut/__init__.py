"""Taut: variational inference that says whether it converged and whether to trust it.

Everything is loaded on first use, so that `import taut` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

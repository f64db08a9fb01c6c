"""Experiments with many fits or many gradients: comparisons, claims, calibration, rate-distortion, toys.

Those that take a model and data are functions of `taut` itself. Here is what serves teaching and tests. It is loaded on
first use.
"""

import lazy_loader

from taut.core.rooms import absent as _absent

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = _absent(__name__, _load, __all__)

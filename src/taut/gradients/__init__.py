"""Sentence 4, choose your gradient estimator: how the gradient of an expectation over q is estimated.

Everything here is loaded on first use: a fit waits for its own parts and for no others.
"""

import lazy_loader

from taut.core.rooms import absent as _absent

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = _absent(__name__, _load, __all__)

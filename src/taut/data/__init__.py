"""Data in: files, tables and arrays, checked, as the matrix and the 0/1 target of a regression.

Everything here is loaded on first use, so that `import taut` does not wait for a table library.
"""

import lazy_loader

from taut.core.rooms import absent as _absent

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = _absent(__name__, _load, __all__)

"""A fit to look at: one self-contained HTML page, and tables for the terminal.

Everything here is loaded on first use, so that `import taut` waits for no plotting library.
"""

import lazy_loader

from taut.core.rooms import absent as _absent

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = _absent(__name__, _load, __all__)

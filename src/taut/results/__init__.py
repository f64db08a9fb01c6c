"""A fit and its kinds: what was learned, on disk and back.

Everything here is loaded on first use: a fit waits for its own kind and for no others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""A fit to look at: one self-contained HTML page, and tables for the terminal.

Everything here is loaded on first use, so that `import taut` waits for no plotting library.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

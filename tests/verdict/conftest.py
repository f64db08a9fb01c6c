"""The autoencoders with a known posterior serve both the diagnostics and the verdict on them."""

from ..diagnostics.conftest import binary, known, still

__all__ = ["binary", "known", "still"]

"""Autoencoders with a known posterior."""

from ..helpers.autoencoders import binary, known, still

__all__ = ["binary", "known", "still"]

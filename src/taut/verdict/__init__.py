"""Sentence 6: whether the fit converged, whether to trust it, and what to try when not."""

"""Nested variational inference for mixed models: q(w given t) Gaussian and exact in its expectations, t integrated."""

"""A fit and its kinds: what was learned, on disk and back."""

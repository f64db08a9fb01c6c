"""Algorithms that see the model through batches of log densities and scores, on the host."""

"""Experiments with many fits or many gradients: comparisons, claims, calibration, rate-distortion, toys."""

"""Log densities in plain NumPy, called as `taut.models.density.Density` is: nothing to compile."""

import numpy as np

from taut.models.density import DensityValues


class Plain:
    """A density from its value and gradient at points `[S, D]`."""

    def __init__(self, dim, value, gradient):
        self.dim, self.value, self.gradient, self.evaluations = dim, value, gradient, 0

    def __call__(self, z):
        self.evaluations += len(z)
        value = self.value(z)
        return DensityValues(value, self.gradient(z), value)


def normal(mean, covariance, constant=0.0):
    """A Gaussian, with any constant."""
    mean, inverse = np.asarray(mean, float), np.linalg.inv(covariance)
    return Plain(
        len(mean),
        lambda z: constant - 0.5 * np.einsum("si,ij,sj->s", z - mean, inverse, z - mean),
        lambda z: -(z - mean) @ inverse,
    )


def log_gamma(shape, constant=0.0, unit=1.0):
    """shape x - exp(x) in `unit`s of x: its best Gaussian is closed."""
    return Plain(
        1,
        lambda z: constant + (shape * z * unit - np.exp(z * unit))[:, 0],
        lambda z: unit * (shape - np.exp(z * unit)),
    )


def best_of_log_gamma(shape, unit=1.0):
    """E_q is shape m - exp(m + v/2) + ln(v)/2, so that v = 1/shape and m = ln(shape) - v/2."""
    from taut.algorithms.on_density.gaussians import Gaussian

    return Gaussian(np.array([np.log(shape) - 0.5 / shape]) / unit, np.array([[shape**-0.5 / unit]]))

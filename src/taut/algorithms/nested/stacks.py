"""Linear algebra of many small matrices at once, the stack on the last axis: `[..., q, q, G]`.

LAPACK takes longer to be called than to work where q is 1, 2 or 3. Here each entry is one NumPy operation on the whole
stack. A matrix that is not positive definite gives NaN, which the caller finds.
"""

import numpy as np


def cholesky(stack: np.ndarray) -> np.ndarray:
    """The lower triangular L with L L' = A, of each matrix."""
    q = stack.shape[-2]
    root = np.zeros_like(stack)
    with np.errstate(invalid="ignore", divide="ignore"):
        for j in range(q):
            before = root[..., j, :j, :]
            root[..., j, j, :] = np.sqrt(stack[..., j, j, :] - (before**2).sum(-2))
            for i in range(j + 1, q):
                inner = (root[..., i, :j, :] * before).sum(-2)
                root[..., i, j, :] = (stack[..., i, j, :] - inner) / root[..., j, j, :]
    return root


def triangular_inverse(root: np.ndarray) -> np.ndarray:
    """The inverse of each lower triangular matrix."""
    q = root.shape[-2]
    inverse = np.zeros_like(root)
    with np.errstate(invalid="ignore", divide="ignore"):
        for j in range(q):
            inverse[..., j, j, :] = 1 / root[..., j, j, :]
            for i in range(j + 1, q):
                inner = (root[..., i, j:i, :] * inverse[..., j:i, j, :]).sum(-2)
                inverse[..., i, j, :] = -inner / root[..., i, i, :]
    return inverse


def log_determinant_each(root: np.ndarray) -> np.ndarray:
    """The log determinant of each matrix, `[..., G]`, from its Cholesky factor."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * np.log(np.einsum("...jjg->...jg", root)).sum(-2)


def log_determinant(root: np.ndarray) -> np.ndarray:
    """Its sum over the stack."""
    return log_determinant_each(root).sum(-1)


def gram(inverse: np.ndarray) -> np.ndarray:
    """Each A^-1 = L^-T L^-1 from the inverse of its Cholesky factor."""
    q = inverse.shape[-2]
    out = np.empty_like(inverse)
    for a in range(q):
        for b in range(q):
            out[..., a, b, :] = (inverse[..., :, a, :] * inverse[..., :, b, :]).sum(-2)
    return out

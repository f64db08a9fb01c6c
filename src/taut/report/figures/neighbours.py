"""Codes of many units in one plane, so that examples with similar codes lie close together."""

import numpy as np

MOST = 400
"""Examples on the map: more would take seconds and cover each other."""
LEAST = 12
"""Fewest examples that have neighbours."""
PERPLEXITY = 30.0
"""About how many neighbours an example is kept close to."""
ITERATIONS = 500
"""Half of the usual number: so few examples have settled by then."""


def neighbour_map(codes: np.ndarray) -> np.ndarray:
    """Places `[n, 2]` of codes `[n, latent]` by t-SNE, the same for equal codes.

    Args:
        codes: At least 12.

    Example:
        >>> groups = np.repeat(np.eye(3), 8, axis=0)
        >>> places = neighbour_map(groups + 1e-3 * np.arange(24)[:, None])
        >>> between = np.linalg.norm(places[0] - places[8])
        >>> bool(np.linalg.norm(places[0] - places[7]) < between)
        True

    Source: L. van der Maaten and G. Hinton, Visualizing Data using t-SNE, 2008.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    tsne = TSNE(2, perplexity=min(PERPLEXITY, (len(codes) - 1) / 3), init="pca", random_state=0, max_iter=ITERATIONS)
    with threadpool_limits(1):  # many threads wait for each other on so little work
        return tsne.fit_transform(np.asarray(codes, np.float64))

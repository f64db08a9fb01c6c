"""The networks that `taut vae` fits, from its options."""

from typing import TYPE_CHECKING, Any

import numpy as np

from taut.errors import ArgumentError

if TYPE_CHECKING:
    from taut.families.amortized import Amortized
    from taut.models.latent import LatentVariableModel


HIDDEN, FEW_HIDDEN = 400, 128
"""Hidden units by default, and those after convolutions and for small images."""
SMALL = 256
"""Most pixels of a small image."""


def usual_rate(convolutional: bool) -> float:
    """Adam's learning rate, where none is asked for."""
    return 1e-3 if convolutional else 3e-3


def autoencoder(
    shape: tuple[int, ...],
    *,
    likelihood: str = "bernoulli",
    latent: int = 20,
    hidden: int | None = None,
    convolutional: bool = False,
    discrete: bool = False,
    seed: int = 0,
) -> "tuple[LatentVariableModel, Amortized]":
    """A model and its amortised family, each with networks of its own random start.

    Args:
        shape: of an image.
        likelihood: of a pixel; the standard deviation of a Gaussian is learned.
        latent: units of z.
        hidden: units of the hidden layer; None for a number that suits the images.
        convolutional: whether the networks are.
        discrete: whether z is binary.
        seed: of the start.

    Raises:
        ArgumentError: convolutions over flat rows.

    Example:
        >>> model, family = autoencoder((8, 8), latent=2)
        >>> model.latent, family.latent
        (2, 'gaussian')
    """
    from taut.families.amortized import Amortized
    from taut.models.latent import LatentVariableModel
    from taut.models.likelihoods import Gaussian
    from taut.models.prior import BernoulliPrior
    from taut.networks import MLP, ConvolutionalDecoder, ConvolutionalEncoder

    of_decoder, of_encoder = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
    codes = latent if discrete else 2 * latent
    encoder: Any
    decoder: Any
    if convolutional:
        if len(shape) == 1:
            raise ArgumentError(
                f"--convolutional needs images with a height and a width; these are flat, {shape[0]} numbers each. "
                "Leave it out, or store them as [n, h, w]."
            )
        width = FEW_HIDDEN if hidden is None else hidden
        decoder = ConvolutionalDecoder(shape, latent, hidden=width, seed=of_decoder)
        encoder = ConvolutionalEncoder(shape, codes, hidden=width, seed=of_encoder)
    else:
        pixels = int(np.prod(shape))
        width = hidden or (FEW_HIDDEN if pixels <= SMALL else HIDDEN)
        decoder = MLP([latent, width, pixels], seed=of_decoder)
        encoder = MLP([pixels, width, codes], seed=of_encoder)
    model = LatentVariableModel(
        decoder,
        Gaussian(0.5, learned=True) if likelihood == "gaussian" else likelihood,
        latent,
        BernoulliPrior() if discrete else None,
    )
    return model, Amortized(encoder, "bernoulli" if discrete else "gaussian")

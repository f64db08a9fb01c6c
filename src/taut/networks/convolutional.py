"""Convolutional encoder and decoder for images."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core.names import brief
from taut.errors import ArgumentError
from taut.networks.mlp import MLP


def _halved(size: int) -> int:
    return -(-size // 2)


class ConvolutionalEncoder(eqx.Module):
    """Two convolutions of stride 2, then an affine map: an image `[h, w]` or `[h, w, c]` to `outputs` numbers.

    Attributes:
        convolutions: The two convolutions, 4 x 4.
        head: The network from the smallest map to the output.

    Example:
        >>> ConvolutionalEncoder((8, 8), 6)(jnp.zeros((8, 8))).shape
        (6,)
    """

    convolutions: tuple[eqx.nn.Conv2d, ...]
    head: MLP
    activation: Callable = eqx.field(static=True)

    def __init__(
        self,
        image: tuple[int, ...],
        outputs: int,
        channels: tuple[int, int] = (32, 64),
        hidden: int = 128,
        *,
        seed: int = 0,
    ):
        h, w, c = _image(image)
        keys = jax.random.split(jax.random.key(seed), 2)
        sizes = (c, *channels)
        self.convolutions = tuple(
            eqx.nn.Conv2d(sizes[i], sizes[i + 1], 4, 2, padding="SAME", key=keys[i]) for i in range(2)
        )
        flat = channels[1] * _halved(_halved(h)) * _halved(_halved(w))
        self.head = MLP([flat, hidden, outputs], seed=seed)
        self.activation = jax.nn.relu

    def __call__(self, x: Float[Array, "h w ..."]) -> Float[Array, " n"]:
        """The output for one image."""
        x = x[..., None] if x.ndim == 2 else x
        x = jnp.moveaxis(x, -1, 0)
        for convolution in self.convolutions:
            x = self.activation(convolution(x))
        return self.head(x)


class ConvolutionalDecoder(eqx.Module):
    """The encoder's mirror: z to the parameters of an image, flattened, `outputs` for each pixel and channel.

    Attributes:
        foot: Network from z to the smallest map.
        convolutions: The two transposed convolutions, 4 x 4.

    Example:
        >>> ConvolutionalDecoder((8, 8), 3)(jnp.zeros(3)).shape
        (64,)
    """

    foot: MLP
    convolutions: tuple[eqx.nn.ConvTranspose2d, ...]
    image: tuple[int, int, int] = eqx.field(static=True)
    small: tuple[int, int, int] = eqx.field(static=True)
    activation: Callable = eqx.field(static=True)

    def __init__(
        self,
        image: tuple[int, ...],
        latent: int,
        channels: tuple[int, int] = (64, 32),
        hidden: int = 128,
        outputs: int = 1,
        *,
        seed: int = 0,
    ):
        h, w, c = _image(image)
        self.image = (h, w, c * outputs)
        self.small = (channels[0], _halved(_halved(h)), _halved(_halved(w)))
        keys = jax.random.split(jax.random.key(seed), 2)
        sizes = (*channels, c * outputs)
        self.foot = MLP([latent, hidden, self.small[0] * self.small[1] * self.small[2]], seed=seed)
        self.convolutions = tuple(
            eqx.nn.ConvTranspose2d(sizes[i], sizes[i + 1], 4, 2, padding="SAME", key=keys[i]) for i in range(2)
        )
        self.activation = jax.nn.relu

    def __call__(self, z: Float[Array, " d"]) -> Float[Array, " n"]:
        """The likelihood's parameters for one z."""
        x = self.activation(self.foot(z)).reshape(self.small)
        x = self.convolutions[1](self.activation(self.convolutions[0](x)))
        return jnp.moveaxis(x, 0, -1)[: self.image[0], : self.image[1]].ravel()


def _image(image: tuple[int, ...]) -> tuple[int, int, int]:
    sizes = tuple(image) if isinstance(image, (tuple, list)) else ()
    if len(sizes) not in (2, 3) or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
        raise ArgumentError(
            f"image={brief(image)}: a height and a width, and perhaps channels, are needed, e.g. (28, 28)."
        )
    return (*sizes, 1) if len(sizes) == 2 else sizes  # pyright: ignore[reportReturnType]

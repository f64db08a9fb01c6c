"""Networks that are good enough to start with; any callable pytree serves as well."""

from taut.core.rooms import absent as _absent
from taut.networks.convolutional import ConvolutionalDecoder as ConvolutionalDecoder
from taut.networks.convolutional import ConvolutionalEncoder as ConvolutionalEncoder
from taut.networks.flax import from_flax as from_flax
from taut.networks.mlp import MLP as MLP

__getattr__ = _absent(__name__)

from .convolutional import ConvolutionalDecoder as ConvolutionalDecoder
from .convolutional import ConvolutionalEncoder as ConvolutionalEncoder
from .flax import from_flax as from_flax
from .mlp import MLP as MLP

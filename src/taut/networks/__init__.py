"""Networks that are good enough to start with; any callable pytree serves as well."""

from taut.networks.mlp import MLP as MLP

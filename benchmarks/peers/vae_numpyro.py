"""The VAE as NumPyro's example has it: stax networks, `numpyro.module`, `svi.update` in one compiled loop.

Two things are better than there: logits in place of probabilities, and the closed KL (`TraceMeanField_ELBO`).
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax.example_libraries import stax
from numpyro import distributions as dist
from numpyro.infer import SVI, TraceMeanField_ELBO
from vae_clock import HIDDEN, LATENT, PIXELS, RATE, Blocks, glorot, serve

encoder = stax.serial(stax.Dense(HIDDEN), stax.Relu, stax.Dense(2 * LATENT))
decoder = stax.serial(stax.Dense(HIDDEN), stax.Relu, stax.Dense(PIXELS))


def model(x):
    decode = numpyro.module("decoder", decoder, (len(x), LATENT))
    with numpyro.plate("batch", len(x)):
        z = numpyro.sample("z", dist.Normal(0.0, 1.0).expand([LATENT]).to_event(1))
        numpyro.sample("x", dist.Bernoulli(logits=decode(z)).to_event(1), obs=x)


def guide(x):
    encode = numpyro.module("encoder", encoder, (len(x), PIXELS))
    mean, log_sd = jnp.split(encode(x), 2, axis=1)
    with numpyro.plate("batch", len(x)):
        numpyro.sample("z", dist.Normal(mean, jnp.exp(log_sd)).to_event(1))


def trainer(images, batch, seed=0):
    """Epochs as in the example, a compiled loop over steps, cut into the race's blocks."""
    device = jnp.asarray(images)
    svi = SVI(model, guide, numpyro.optim.Adam(RATE), TraceMeanField_ELBO())

    def start():
        first, second, third, last = glorot(seed)
        nets = {"encoder$params": [first, (), second], "decoder$params": [third, (), last]}
        state = svi.init(jax.random.key(seed), device[:batch])
        optimizer = svi.optim.init(jax.tree.map(jnp.asarray, nets))
        return state._replace(optim_state=optimizer)

    @jax.jit
    def run(state, X, block):
        return jax.lax.scan(lambda state, rows: svi.update(state, X[rows]), state, block)

    def advance(state, block):
        state, values = run(state, device, block)
        np.asarray(values)  # waits
        return state

    def layers(state):
        nets = svi.get_params(state)
        (first, _, second), (third, _, last) = nets["encoder$params"], nets["decoder$params"]
        return jax.tree.map(np.asarray, [first, second, third, last])

    return Blocks(len(images), batch, start, advance, layers)


if __name__ == "__main__":
    serve(trainer)

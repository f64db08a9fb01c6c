"""`taut sample`: new images from a saved autoencoder."""

import io

import numpy as np

from taut.cli import vae_options
from taut.cli.guard import say
from taut.cli.outputs import check_file, write_bytes
from taut.cli.pictures import load_run
from taut.errors import ArgumentError


def sample(
    run: vae_options.Run,
    n: vae_options.Number = 64,
    seed: vae_options.Seed = 0,
    out: vae_options.OutSamples = None,
) -> None:
    """Draw codes from the prior and decode them: a picture, or arrays z and x (the mean image of each code)."""
    if out is not None:
        check_file(out, ".png", ".npz")

    from taut.core.cache import keep_compilations
    from taut.report.figures.pictures import image_shape, png, tiled

    keep_compilations()
    fit, evidence = load_run(run)
    shape = evidence.originals.shape[1:]
    drawn = fit.sample(n, seed)
    images = drawn["x"].reshape(n, *shape)
    path = out or run / "samples.png"
    if path.suffix == ".npz":
        file = io.BytesIO()
        np.savez(file, z=drawn["z"], x=images)
        write_bytes(path, file.getvalue())
    else:
        seen = image_shape(shape)
        if seen is None:
            raise ArgumentError(f"Examples of shape {shape} make no picture: give --out FILE.npz.")
        write_bytes(path, png(tiled(images.reshape(n, *seen), min(8, n))))
    say(f"{n} samples are in {path}.")

"""`taut encode`: the codes of images under a saved autoencoder."""

import io

import numpy as np
import typer

from taut.cli import vae_options
from taut.cli.guard import say
from taut.cli.outputs import check_file, write_bytes, write_text
from taut.cli.pictures import load_run, read_new


def encode(run: vae_options.Run, data: vae_options.NewImages, out: vae_options.OutCodes = None) -> None:
    """Print mean and standard deviation of q(z|x) for each image, in the images' own order.

    Grey levels become what the run was fitted to (for fixed and dynamic binarisation by one seeded draw).
    """
    if out is not None:
        check_file(out, ".csv", ".npz")

    from taut.core.cache import keep_compilations

    keep_compilations()
    fit, evidence = load_run(run)
    found = read_new(data, evidence.record)
    mean, sd = fit.encode(found.pop("rows"))
    if out is not None and out.suffix == ".npz":
        file = io.BytesIO()
        np.savez(file, mean=mean, sd=sd, **found)
        write_bytes(out, file.getvalue())
    else:
        import polars as pl

        columns = found | {
            f"{name}_{j}": values[:, j] for name, values in (("mean", mean), ("sd", sd)) for j in range(values.shape[1])
        }
        text = pl.DataFrame(columns).write_csv()
        typer.echo(text, nl=False) if out is None else write_text(out, text)
    say(f"the codes of {len(mean)} images" + (f" are in {out}." if out is not None else "."))

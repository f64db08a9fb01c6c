"""Train a recipe from the literature through `taut.fit` and hold the outcome against what was published.

    python benchmarks/recipes/run.py benchmarks/recipes/mnist_500_20.json FOLDER
    python benchmarks/recipes/run.py benchmarks/recipes/iwae_small.json FOLDER --set objective=iwae=50

FOLDER holds MNIST's four IDX files. A recipe is one JSON file: what it says is all that is done; `--set` changes an
entry. The outcome is one JSON object.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

import taut
from taut.algorithms import Recipe, StochasticGradient
from taut.data import binarise, load_images
from taut.diagnostics.evaluation import evaluate
from taut.families.amortized import Amortized
from taut.models.latent import LatentVariableModel
from taut.networks import MLP

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh}


def staircase(first: float, stages: int, epoch: int) -> optax.Schedule:
    """3^i epochs of `epoch` steps at rate first * 10^(-i/7), i = 0, 1, ..., stages - 1 (Burda et al., 2016)."""
    rates = [optax.constant_schedule(first * 10 ** (-i / 7)) for i in range(stages)]
    ends = np.cumsum([3**i * epoch for i in range(stages)])
    return optax.join_schedules(rates, ends[:-1].tolist())


def epochs_of(recipe: dict[str, Any]) -> int:
    """As written, or those of the staircase: (3^stages - 1) / 2."""
    return recipe["epochs"] if "epochs" in recipe else (3 ** recipe["optimizer"]["stages"] - 1) // 2


def optimizer(recipe: dict[str, Any], epoch: int) -> Recipe:
    """Adam at a constant rate, along a cosine to zero, or down the staircase."""
    adam = dict(recipe["optimizer"])
    rate, stages, cosine = adam.pop("rate"), adam.pop("stages", None), adam.pop("cosine", False)
    if stages:
        rate = Recipe(staircase, rate, stages, epoch)
    elif cosine:
        rate = Recipe(optax.cosine_decay_schedule, rate, epochs_of(recipe) * epoch)
    return Recipe(optax.adam, rate, **adam)


def networks(recipe: dict[str, Any], seed: int) -> tuple[MLP, MLP]:
    """Encoder and its mirror image: pixels, hidden layers, latent."""
    pixels, *hidden, latent = recipe["layers"]
    activation = ACTIVATIONS[recipe["activation"]]
    return (
        MLP([pixels, *hidden, 2 * latent], activation, seed=2 * seed),
        MLP([latent, *reversed(hidden), pixels], activation, seed=2 * seed + 1),
    )


def outcome(recipe: dict[str, Any], folder: str, seed: int = 0, checkpoint: str | None = None) -> dict[str, Any]:
    """Train, and judge on the test images what the recipe's `judge` names.

    "one-sample ELBO": after each epoch (of at least 200 steps), one draw of z for each image and the closed KL.
    "log-likelihood": at the end, by importance sampling, with the active units.
    """
    begun = time.perf_counter()
    data = binarise(recipe["binarisation"], load_images(folder, limit=recipe.get("limit")), seed)
    rows, test = (part.rows.reshape(len(part.rows), -1) for part in (data.train, data.test))
    test = test[: recipe.get("judged")]
    epoch, epochs = len(rows) // recipe["batch"], epochs_of(recipe)
    each_epoch = recipe["judge"] == "one-sample ELBO"
    encoder, decoder = networks(recipe, seed)
    fit: Any = taut.fit(
        LatentVariableModel(decoder, "bernoulli", recipe["layers"][-1]),
        rows,
        family=Amortized(encoder),
        objective=recipe["objective"],
        algorithm=StochasticGradient(epochs * epoch, optimizer=optimizer(recipe, epoch), averaging=None),
        batch_size=recipe["batch"],
        transform=data.train.transform,
        seed=seed,
        checkpoint=checkpoint,
        # Looks, and never a stop: more patience than there are looks.
        **({"validation": test, "patience": epochs + 1} if each_epoch else {}),
    )
    seen = {
        "recipe": recipe,
        "binarisation": recipe["binarisation"],
        "seed": seed,
        "epochs": epochs,
        "steps": fit.iterations,
        "training_images": len(rows),
        "test_images": len(test),
        "images_per_second": fit.steps_per_second * recipe["batch"],
        "training_seconds": fit.seconds["learn"],
    }
    if each_epoch:
        steps, scores = fit.evidence["validation.steps"], fit.evidence["validation.scores"]
        seen["minus_elbo_by_epoch"] = {int(s) // epoch: -float(x) for s, x in zip(steps, scores, strict=True)}
        seen["minus_elbo"] = -float(scores[-1])  # of the last iterate, whichever was best
    else:
        judged = evaluate(fit.problem, test, draws=recipe["draws"], seed=seed)
        seen |= {
            "minus_log_likelihood": -judged.log_marginal.value,
            "standard_error": judged.log_marginal.standard_error,
            "effective_sample_size": judged.log_marginal.effective_sample_size,
            "minus_elbo": -judged.elbo,
            "kl": judged.kl,
            "active_units": judged.activity.active,
        }
    return seen | {"seconds": time.perf_counter() - begun}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", help="a folder; a run that was killed goes on from it")
    options = parser.parse_args()
    recipe = json.loads(options.recipe.read_text())
    for key, _, value in (change.partition("=") for change in options.set):
        recipe[key] = json.loads(value) if value[:1] in "[{0123456789" else value
    print(json.dumps(outcome(recipe, options.folder, options.seed, options.checkpoint), indent=1))


if __name__ == "__main__":
    main()

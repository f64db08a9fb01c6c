"""The options of the commands for images: what each is called, takes and means."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from taut.cli import names
from taut.cli.options import positive

if TYPE_CHECKING:
    LikelihoodName = str
else:  # as in `options`
    LikelihoodName = Literal[tuple(names.LIKELIHOODS)]

DATA = "Data"
MODEL = "Model"
INFERENCE = "Training"
RUN = "Run"

KINDS = "digits (bundled), a folder of IDX files or pictures, a .npz or .npy file, or openml:NAME"
Images = Annotated[str, Argument(metavar="DATA", show_default=False, help=f"The images: {KINDS}.")]
NewImages = Annotated[
    str, Argument(metavar="DATA", show_default=False, help=f"Images of the size that was fitted: {KINDS}.")
]
Run = Annotated[
    Path, Argument(metavar="RUN", show_default=False, exists=True, file_okay=False, help="The folder of taut vae.")
]

Binarize = Annotated[
    Literal["fixed", "dynamic", "threshold", "none"] | None,
    Option(
        parser=names.reader(["fixed", "dynamic", "threshold", "none"]),
        rich_help_panel=DATA,
        help="Grey to 0/1: drawn once, anew at each step, cut at a half, or left grey. By default dynamic for a "
        "bernoulli likelihood, else none.",
    ),
]
Likelihood = Annotated[
    LikelihoodName,
    Option(
        parser=names.reader(names.LIKELIHOODS),
        rich_help_panel=MODEL,
        help="Of a pixel; relaxed is the Bernoulli formula on grey, knowingly.",
    ),
]
Latent = Annotated[int, Option(metavar="D", min=1, rich_help_panel=MODEL, help="Latent units.")]
Hidden = Annotated[
    int | None,
    Option(
        metavar="H",
        min=1,
        rich_help_panel=MODEL,
        help="Hidden units: 400, or 128 after convolutions and for at most 256 pixels, by default.",
    ),
]
Convolutional = Annotated[bool, Option("--convolutional", rich_help_panel=MODEL, help="Convolutional networks.")]
Discrete = Annotated[
    bool, Option("--discrete", rich_help_panel=MODEL, help="Binary latent units, trained by REINFORCE.")
]

Objective = Annotated[
    str,
    Option(
        metavar="TEXT",
        rich_help_panel=INFERENCE,
        help=f"{', '.join(names.FORMS)}. Bounds are in nats per image, and their coefficients are learned.",
    ),
]
Epochs = Annotated[
    int | None, Option(metavar="N", min=1, rich_help_panel=INFERENCE, help="The budget in passes over the data.")
]
Steps = Annotated[
    int | None,
    Option(
        metavar="N",
        min=1,
        rich_help_panel=INFERENCE,
        help="The budget in steps; for taut vae 20,000, or 5,000 with a constraint, if neither is given.",
    ),
]
BatchSize = Annotated[
    int | None, Option(metavar="B", min=1, rich_help_panel=INFERENCE, help="Images in each step; 128 by default.")
]
LearningRate = Annotated[
    float | None,
    Option(
        metavar="R",
        parser=positive,
        rich_help_panel=INFERENCE,
        help="Of Adam, at the start: 0.003, or 0.001 with convolutions, by default.",
    ),
]
Patience = Annotated[
    int | None,
    Option(
        metavar="N",
        min=1,
        rich_help_panel=INFERENCE,
        help="Stop after N looks (an epoch, at least 200 steps) in which the true ELBO on the validation images rises "
        "by less than 0.1 % in all; 20 by default. Not with a constraint, which keeps the best iterate that meets it.",
    ),
]

Draws = Annotated[
    int, Option(metavar="K", min=2, rich_help_panel=RUN, help="Draws for each test image behind log p(x).")
]
LogDir = Annotated[
    Path | None,
    Option(metavar="DIR", rich_help_panel=RUN, help="Log to TensorBoard (pip install 'taut[tensorboard]')."),
]
Json = Annotated[bool, Option("--json", rich_help_panel=RUN, help="Print one JSON object in place of the table.")]

EvaluationDraws = Annotated[int, Option("--draws", metavar="K", min=2, help="Draws for each image behind log p(x).")]
Annealed = Annotated[
    int,
    Option("--ais", metavar="N", min=0, help="Annealed importance sampling on N images too: slow, a second opinion."),
]
PlainJson = Annotated[bool, Option("--json", help="Print one JSON object in place of the table.")]
Number = Annotated[int, Option("-n", metavar="N", min=1, help="How many.")]
Seed = Annotated[int, Option(metavar="N", min=0, max=2**32 - 1, help="The seed of every random number.")]
OutSamples = Annotated[
    Path | None, Option(metavar="FILE", help="A .png picture or a .npz file; RUN/samples.png by default.")
]
OutCodes = Annotated[
    Path | None, Option(metavar="FILE", help="A .csv or .npz file; a table on standard output by default.")
]
Betas = Annotated[str, Option(metavar="LIST", help="Weights of the KL, separated by commas; '' for none.")]
Alphas = Annotated[
    str | None,
    Option(
        metavar="LIST",
        help="Bounds on E log p(x|z) in nats per image, separated by commas; '' for none; those that the betas reach "
        "by default.",
    ),
]
OutCurve = Annotated[
    Path | None, Option(metavar="FILE.svg", help="The figure; taut-rate-distortion-DATA.svg by default.")
]

"""Wrong command lines and images: exit code 2 before training, culprit and remedy named, nothing left behind."""

import gzip
import shutil
import struct
import sys

import numpy as np
import pytest

from ..helpers.refusals import assert_refused, everything
from ..helpers.saved_fits import changed

BARS = ("--hidden", "8", "--latent", "2", "--batch-size", "16", "--steps", "4", "--draws", "2")


class Desk:
    """The folder that a command runs in, with what is needed to build a wrong command line."""

    def __init__(self, folder, pictures, autoencoder, saved):
        self.folder, self.pictures, self.run, self.regression = folder, pictures, autoencoder, saved

    def vae(self, *options):
        return ["vae", self.pictures, *BARS, "--out", "out/run", *options]

    def of(self, values, *options, name="images.npy", pickle=False):
        """The command line for an array in a file."""
        np.save(self.folder / name, values, allow_pickle=pickle)
        return ["vae", name, *BARS, "--out", "out/run", *options]

    def idx(self, content, name="train-images-idx3-ubyte"):
        """The command line for a folder with an IDX file."""
        (self.folder / "idx").mkdir()
        (self.folder / "idx" / name).write_bytes(content)
        return ["vae", "idx", *BARS]

    def empty(self):
        (self.folder / "nothing").mkdir()
        return "nothing"

    def texts(self):
        (self.folder / "texts").mkdir()
        (self.folder / "texts" / "notes.txt").write_text("no image")
        return "texts"

    def sizes(self):
        """A folder with images of two sizes."""
        from matplotlib import image

        (self.folder / "sizes").mkdir()
        for n in (6, 7):
            image.imsave(self.folder / "sizes" / f"{n}.png", np.zeros((n, n)))
        return "sizes"


def header(*shape, magic=0x803):
    return struct.pack(f">{1 + len(shape)}I", magic, *shape)


rng = np.random.default_rng(0)
GREY = rng.random((40, 6, 6))
NAN = np.where(np.arange(40)[:, None, None] == 3, np.nan, GREY)

# (name, how to make the command line, words on standard error)
WRONG = [
    # -- options
    ("unknown binarisation", lambda d: d.vae("--binarize", "random"), ["--binarize", "random", "dynamic", "threshold"]),
    ("unknown likelihood", lambda d: d.vae("--likelihood", "normal"), ["--likelihood", "normal", "gaussian"]),
    ("unknown objective", lambda d: d.vae("--objective", "betta=4"), ["--objective betta=4", "Forms", "beta=4"]),
    ("beta without number", lambda d: d.vae("--objective", "beta=+"), ["--objective beta=+", "not a number"]),
    ("negative beta", lambda d: d.vae("--objective", "beta=-1"), ["beta=-1", "at least 0"]),
    ("no importance samples", lambda d: d.vae("--objective", "iwae=0"), ["iwae=0", "positive whole number"]),
    ("unknown statistic", lambda d: d.vae("--objective", "mse<=3"), ["'mse'", "expected_log_likelihood", "kl"]),
    ("constraint without bound", lambda d: d.vae("--objective", "kl<=abc"), ["kl<=abc", "Forms"]),
    ("two budgets", lambda d: [*d.vae(), "--epochs", "3"], ["--epochs", "--steps", "one"]),
    ("no epochs", lambda d: ["vae", d.pictures, "--epochs", "0"], ["--epochs", "1"]),
    ("no units", lambda d: d.vae("--latent", "0"), ["--latent", "1"]),
    ("no hidden units", lambda d: d.vae("--hidden", "0"), ["--hidden", "1"]),
    ("zero rate", lambda d: d.vae("--learning-rate", "0"), ["--learning-rate", "'0'", "above zero"]),
    ("one draw", lambda d: d.vae("--draws", "1"), ["--draws", "2"]),
    (
        "patience of a constraint",
        lambda d: d.vae("--objective", "kl<=3", "--patience", "5"),
        ["--patience", "constraint", "leave it out"],
    ),
    ("resume nothing", lambda d: ["vae", d.pictures, "--resume"], ["--resume", "--out"]),
    ("batch larger than the data", lambda d: d.vae("--batch-size", "50"), ["--batch-size 50", "49 rows"]),
    ("out is foreign", lambda d: [*d.vae(), "--out", d.texts()], ["left alone", "Choose"]),
    ("no TensorBoard", lambda d: d.vae("--log-dir", "logs"), ["--log-dir", "tensorboardX", "pip install"]),
    # -- images
    ("unknown name", lambda d: ["vae", "digit"], ["'digit'", "Did you mean", "digits"]),
    ("no such file", lambda d: ["vae", "bars.npz"], ["bars.npz", "check the path"]),
    ("an empty folder", lambda d: ["vae", d.empty()], ["nothing", "empty", "PNG"]),
    ("a folder of texts", lambda d: ["vae", d.texts()], ["texts", "no image"]),
    ("images of two sizes", lambda d: ["vae", d.sizes()], ["6.png", "7.png", "size"]),
    ("not a number", lambda d: d.of(NAN), ["NaN", "1 of 40", "number 3"]),
    ("negative pixels", lambda d: d.of(GREY - 0.5), ["negative", "[0, 1]"]),
    ("too bright", lambda d: d.of(1000 * GREY), ["over 255", "divide"]),
    ("one image alone", lambda d: d.of(GREY[0, 0]), ["shape (6,)", "[n, h, w]"]),
    ("a single image", lambda d: d.of(GREY[:1]), ["single image", "two"]),
    ("no images", lambda d: d.of(GREY[:0]), ["none", "At least one"]),
    ("objects", lambda d: d.of(np.array([{}, 1], object), pickle=True), ["images.npy", "object"]),
    ("unknown white", lambda d: d.of((16 * GREY).astype(np.uint8)), ["white", "Divide"]),
    ("wrong magic", lambda d: d.idx(header(2, 2, 2, magic=0x12340803) + bytes(8)), ["train-images", "IDX"]),
    ("truncated", lambda d: d.idx(header(2, 2, 2) + bytes(5)), ["train-images", "truncated", "24 bytes", "21"]),
    ("damaged gzip", lambda d: d.idx(gzip.compress(b"x" * 99)[:-9], "train-images-idx3-ubyte.gz"), ["train-images"]),
    (
        "grey under Bernoulli",
        lambda d: d.vae("--binarize", "none"),
        ["Bernoulli", "Binarise", "continuous-bernoulli", "relaxed"],
    ),
    (
        "convolutions over flat rows",
        lambda d: d.of(GREY.reshape(40, 36), "--convolutional"),
        ["--convolutional", "36 numbers", "[n, h, w]"],
    ),
    # -- a run
    ("evaluate nothing", lambda d: ["evaluate", "nowhere"], ["nowhere", "does not exist"]),
    ("evaluate a regression", lambda d: ["evaluate", d.regression], ["logistic regression", "taut vae"]),
    ("predict with an autoencoder", lambda d: ["predict", d.run, "digits"], ["digits"]),
    ("anneal more than there are", lambda d: ["evaluate", d.run, "--ais", "7"], ["--ais 7", "6 test images"]),
    ("evaluate with one draw", lambda d: ["evaluate", d.run, "--draws", "1"], ["--draws", "2"]),
    ("sample a regression", lambda d: ["sample", d.regression], ["logistic regression", "taut vae"]),
    ("no samples", lambda d: ["sample", d.run, "-n", "0"], ["-n", "1"]),
    ("samples as a film", lambda d: ["sample", d.run, "--out", "x.gif"], ["--out", "x.gif", ".png", ".npz"]),
    ("samples into nowhere", lambda d: ["sample", d.run, "--out", "a/x.png"], ["--out", "no folder a", "Make"]),
    ("encode another size", lambda d: ["encode", d.run, "digits"], ["digits", "(8, 8)", "(6, 6)", "scale"]),
    ("encode into a page", lambda d: ["encode", d.run, d.pictures, "--out", "x.html"], ["--out", ".csv", ".npz"]),
    # -- the curve
    ("betas in words", lambda d: ["rate-distortion", d.pictures, "--betas", "1,two"], ["--betas", "1,two", "0.5,1,2"]),
    ("a beta of zero", lambda d: ["rate-distortion", d.pictures, "--betas", "0,1"], ["betas", "above zero"]),
    (
        "nothing to fit",
        lambda d: ["rate-distortion", d.pictures, "--betas", "", "--alphas", ""],
        ["betas", "alphas", "at least one"],
    ),
    ("the curve as a picture", lambda d: ["rate-distortion", d.pictures, "--out", "x.png"], ["--out", ".svg"]),
]
NAMES = [name for name, _, _ in WRONG]


def test_no_two_of_a_name():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in WRONG], ids=NAMES)
def test_bad_images(taut, tmp_path, pictures, autoencoder, saved, make, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    arguments = make(Desk(tmp_path, pictures, autoencoder, saved))
    before = everything(tmp_path)
    result = taut(*arguments)
    assert_refused(result.exit_code, result.stdout, result.stderr, words)
    assert everything(tmp_path) == before


@pytest.mark.slow
def test_images_that_have_changed_are_not_evaluated(taut, tmp_path):
    images = (255 * GREY).astype(np.uint8)
    np.save("images.npy", images)
    assert taut("vae", "images.npy", *BARS, "--out", "run").exit_code == 0
    np.save("images.npy", 255 - images)
    result = taut("evaluate", "run")
    assert_refused(result.exit_code, result.stdout, result.stderr, ["images.npy", "changed", "fit again"])


def test_a_record_that_is_damaged_is_no_traceback(taut, tmp_path, autoencoder):
    folder = shutil.copytree(autoencoder, tmp_path / "run")
    changed(folder, lambda meta: meta["parts"]["model"].update({"class": "os.system"}))
    result = taut("sample", folder)
    assert_refused(result.exit_code, result.stdout, result.stderr, ["os.system", "no part"])

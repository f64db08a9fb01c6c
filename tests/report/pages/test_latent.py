"""The page of a latent-variable model: its pictures, curves and figures, whole and harmless."""

import dataclasses
import re
from html import unescape

import numpy as np
import pytest
from rich.console import Console

import taut
from taut.diagnostics.evaluation import evaluate
from taut.families.amortized import Amortized
from taut.models.latent import LatentVariableModel
from taut.models.prior import BernoulliPrior
from taut.networks import MLP
from taut.report import LatentEvidence, page, table
from taut.report.figures.pictures import png, tiled
from taut.report.figures.terms import smoothed, terms
from taut.report.sections.traversal import moved_codes
from taut.report.words.latent import feasible, figures, learned

ATTACK = "<script>alert(1)</script>"
RECORD = {
    "data": {"name": ATTACK, "shape": [4, 4], "levels": 1, "train": 32, "validation": 0, "test": 8, "test_split": "x"},
    "binarisation": {"kind": "threshold", "seed": 0},
    "split": "test",
}
X = (np.random.default_rng(0).random((40, 4, 4)) < 0.4).astype(np.float32)
LABELS = np.array(["a", "b", ATTACK, "$x$"] * 2)


def fitted(latent, objective="elbo", discrete=False):
    model = LatentVariableModel(MLP([latent, 5, 16]), latent=latent, prior=BernoulliPrior() if discrete else None)
    family = Amortized(MLP([16, 5, latent if discrete else 2 * latent]), "bernoulli" if discrete else "gaussian")
    options = {} if "<" in objective else {"validation": X[:32], "patience": 100}
    fit = taut.fit(model, X[:32], family=family, objective=objective, steps=400, batch_size=16, **options)
    record = RECORD | {"evaluation": evaluate(fit.problem, X[32:], draws=4, annealed=0 if discrete else 2).to_json()}
    evidence = LatentEvidence.gather(fit, X[32:], LABELS, record)
    return dataclasses.replace(fit, evidence=fit.evidence | evidence.arrays())


@pytest.fixture(scope="module")
def plane():
    """Two units under a constraint."""
    return fitted(2, "kl<=1")


@pytest.fixture(scope="module")
def binary():
    """Three binary units."""
    return fitted(3, discrete=True)


def headings(html):
    return re.findall(r"<h2>(.*?)</h2>", html)


COMMON = ["Latent map", "Evaluation", "Training", "Noise of the gradient"]


def test_the_page_shows_everything_in_order(plane, tmp_path):
    html = page(plane, tmp_path / "page.html").read_text(encoding="utf-8")
    assert headings(html) == [
        "Reconstructions",
        "Samples",
        "Latent traversal",
        "Manifold",
        *COMMON,
        "The learned coefficient",
        "Rate and distortion",
        "KL of each unit",
        "How it was fitted",
        "Where it comes from",
        "Particulars",
    ]
    assert html.count("<img") == 10
    for name, value, _ in figures(LatentEvidence.from_arrays(plane.evidence)):
        assert name in html
        assert value.replace("-", "\N{MINUS SIGN}") in html
    assert "0/1 values, grey levels cut at a half" in html
    assert "test split" in html


def test_page_and_terminal_tell_the_verdict(plane, tmp_path):
    html = page(plane, tmp_path / "page.html").read_text(encoding="utf-8")
    opening = " ".join(re.sub(r"<[^>]*>", "", html.partition("</h1>")[2].partition('class="lede"')[0]).split())
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        console.print(table(plane))
    for line in str(plane.verdict).split("  "):
        assert line in unescape(opening)
        assert line in captured.get()
    assert "encoder gap" in opening


@pytest.mark.slow
def test_binary_units_have_no_manifold_and_no_multiplier(binary, tmp_path):
    html = page(binary, tmp_path / "page.html").read_text(encoding="utf-8")
    assert headings(html) == [
        "Reconstructions",
        "Samples",
        "Latent traversal",
        *COMMON,
        "Rate and distortion",
        "KL of each unit",
        "How it was fitted",
        "Where it comes from",
        "Particulars",
    ]
    assert "from 0 to 1" in html
    assert "Dots: the averaged answer" in html


def test_the_training_curves_show_looks_at_both_terms():
    history = {"elbo": np.linspace(-9.0, -5.0, 50), "expected_log_likelihood": np.full(50, -3.0), "kl": np.ones(50)}
    final = {"elbo": -5.0, "expected_log_likelihood": -3.0, "kl": 2.0}
    looks = {
        "steps": np.array([20, 40]),
        "elbo": np.array([-6.0, -5.5]),
        "expected_log_likelihood": np.array([-4.5, -4.0]),
        "kl": np.array([1.5, 1.5]),
    }
    for ax, name in zip(terms(history, looks, final).axes, ("elbo", "expected_log_likelihood", "kl"), strict=True):
        dots = [line for line in ax.lines if line.get_label() == "validation"]
        assert [line.get_ydata().tolist() for line in dots] == [looks[name].tolist()]
        low, high = ax.get_ylim()
        assert all(low < y < high for y in looks[name][1:])
    none = terms(history, {name: np.zeros(0) for name in looks}, final)
    assert not [line for ax in none.axes for line in ax.lines if line.get_label() == "validation"]


@pytest.mark.slow
def test_the_feasible_range_is_said_where_a_bound_lies_in_it():
    model = LatentVariableModel(MLP([2, 16]), latent=2)
    family = Amortized(MLP([16, 4]))
    fit = taut.fit(model, X[:32], family=family, objective="expected_log_likelihood>=-10", steps=20, batch_size=16)
    evidence = LatentEvidence.gather(fit, X[32:], record=RECORD)
    (sentence,) = feasible(LatentEvidence.from_arrays(evidence.arrays()))
    found = evidence.record["feasible_range"]
    assert -16 * np.log(2) < found["floor"] < found["ceiling"] <= 0
    assert f"{found['floor']:.3f} nats" in sentence
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        console.print(table(dataclasses.replace(fit, evidence=evidence.arrays())))
    assert sentence in " ".join(captured.get().split())
    assert feasible(LatentEvidence.gather(fit, X[32:])) == [sentence]


def test_the_page_needs_no_network_and_nothing_in_the_data_acts(plane, tmp_path):
    html = page(plane, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.search(r'(src|href)="(?!data:)', html)


def test_a_saved_fit_gives_the_same_page(plane, tmp_path):
    page(plane, tmp_path / "first.html")
    page(taut.load(plane.save(tmp_path / "run")), tmp_path / "second.html")
    assert (tmp_path / "first.html").read_bytes() == (tmp_path / "second.html").read_bytes()


def test_without_examples_the_page_says_so_and_with_them_it_shows_them(plane, tmp_path):
    bare = dataclasses.replace(plane, evidence={})
    html = page(bare, tmp_path / "bare.html").read_text(encoding="utf-8")
    assert "Left out: they need held-out images" in html
    assert "Latent map" not in html
    html = page(bare, tmp_path / "data.html", (X[32:], LABELS)).read_text(encoding="utf-8")
    assert headings(html)[0] == "Reconstructions"
    assert "Evaluation" not in headings(html)


def test_the_terminal_says_what_the_page_says(plane):
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        console.print(table(plane))
    shown = captured.get()
    for name, value, _ in figures(LatentEvidence.from_arrays(plane.evidence)):
        assert name in shown
        assert value in shown
    assert learned(plane)[0].words in " ".join(shown.split())
    assert "threshold, seed 0" in shown


def test_a_traversal_moves_one_unit_at_a_time(plane):
    evidence = LatentEvidence.from_arrays(plane.evidence)
    codes = moved_codes(evidence, binary=False).reshape(2, 9, 2)
    for row, unit in enumerate(evidence.active):
        assert np.allclose(codes[row, :, unit], np.linspace(-3, 3, 9))
        assert np.all(codes[row, :, 1 - unit] == evidence.codes[0, 1 - unit])


def test_pictures_are_where_they_belong():
    images = np.arange(5)[:, None, None] / 4 * np.ones((5, 12, 12))
    sheet = tiled(images, 3)
    assert sheet.shape == (25, 38, 3)  # a line of one pixel between
    for place, value in enumerate([0, 64, 128, 191, 255]):
        assert np.all(sheet[13 * (place // 3) :, 13 * (place % 3) :][:12, :12] == value)
    assert np.all(sheet[12] == 255)
    assert np.all(sheet[13:, 26:] == 255)  # there is no sixth
    assert png(sheet).startswith(b"\x89PNG")


def test_the_running_mean_is_one():
    values = np.random.default_rng(0).normal(size=1000)
    mean = smoothed(values)
    assert mean[500] == pytest.approx(values[490:511].mean())
    assert mean[0] == pytest.approx(values[:11].mean())
    assert np.allclose(smoothed(values[:50]), values[:50])  # a fiftieth of 50 is the step itself

"""What every section and every subject of a page keeps to."""

import numpy as np
import pytest

from taut.families import Bernoulli, FullRank, GaussianMixture, MeanField
from taut.report import sections
from taut.report.pages.html import draw, environment
from taut.report.sections.base import Section, left_out, section
from taut.report.subjects.base import FitSubject
from taut.report.subjects.kinds import KINDS, subject_of
from taut.report.subjects.latent import LatentSubject
from taut.results.kinds import KINDS as FITS

STOCK = {part.template: part for part in (*sections.POSTERIOR, *sections.FORMULA, *sections.LATENT)}


@pytest.mark.parametrize("part", STOCK.values(), ids=STOCK)
def test_a_section_has_a_heading_and_a_template(part):
    assert isinstance(part, Section)
    assert part.title
    assert part.content.__doc__
    environment().get_template(part.template)


def test_every_template_is_of_a_section():
    found = [name for name in environment().list_templates() if name.startswith("sections/")]
    assert sorted(found) == sorted(STOCK)


def test_every_kind_of_fit_is_a_subject():
    assert set(KINDS) == set(FITS)


def test_a_section_that_needs_another_subject_is_left_out(fit):
    @section("Particulars", LatentSubject)
    def particulars(subject):
        return {"particulars": [("never", "drawn")]}

    assert draw([particulars], subject_of(fit)) == []


def test_a_section_may_say_why_it_is_left_out(fit):
    @section("Particulars", FitSubject)
    def particulars(subject):
        return left_out("<b> is missing")

    (html,) = draw([particulars], subject_of(fit))
    assert "<h2>Particulars</h2>" in html
    assert "Left out: &lt;b&gt; is missing." in html
    assert "<table" not in html


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (MeanField(np.zeros(2), np.zeros(2)), "mean-field Gaussian"),
        (FullRank.of(np.zeros(2), np.eye(2)), "full-rank Gaussian"),
        (Bernoulli(np.zeros(2)), "Bernoulli"),
        (GaussianMixture.of(np.zeros((2, 2)), np.stack([np.eye(2)] * 2)), "Gaussian-mixture"),
    ],
)
def test_gaussian_is_said_of_gaussians(family, words):
    assert family.phrase == words

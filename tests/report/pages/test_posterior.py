"""The page: one file that needs nothing else, tells the fit's own numbers, and lets nothing in the data act."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

import taut
from taut.errors import ArgumentError
from taut.report import Evidence, page
from taut.report.words.numbers import bound, measured
from taut.report.words.verdict import figures


class Reader(HTMLParser):
    """Tags with their attributes, the text, and the cells of the tables' rows."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.rows, self._skipping, self._in_cell = [], "", [], False, False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._skipping = tag == "style"
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        self._skipping = False
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data):
        if not self._skipping:
            self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data.strip()

    @property
    def words(self):
        return " ".join(self.text.split())

    @property
    def headings(self):
        return re.findall(
            r"How it was fitted|Posterior(?= Log| The)|Coefficients|Unknowns|ELBO against steps|"
            r"Calibration|Uncertainty surface|Particulars",
            self.words,
        )


@pytest.fixture(scope="module")
def written(fit, loans, tmp_path_factory):
    return page(fit, tmp_path_factory.mktemp("report") / "page.html", loans)


@pytest.fixture(scope="module")
def read(written):
    return Reader(written.read_text(encoding="utf-8"))


def test_the_page_needs_no_network_and_no_script(written, read):
    assert not {tag for tag, _ in read.tags} & {"script", "link", "iframe", "object", "base", "form"}
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "srcset", "data"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not re.search(r"@import|url\(", written.read_text(encoding="utf-8"))
    policy = next(a["content"] for _, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_the_page_says_everything_in_order(fit, read):
    assert read.headings == [
        "How it was fitted",
        "Posterior",
        "Coefficients",
        "ELBO against steps",
        "Calibration",
        "Uncertainty surface",
        "Particulars",
    ]
    assert bound(fit.to_json()).replace("-", "\N{MINUS SIGN}") in read.words
    assert "1,197 rows (3 rows with missing values dropped)" in read.words
    assert "the probability of 'yes' rather than 'no'" in read.words
    assert "ended: by its own stopping rule." in read.words
    for reason in fit.reasons.values():
        assert reason[1:] in read.words
    assert sum(tag == "img" for tag, _ in read.tags) == 5


def test_the_page_opens_with_the_verdict(fit, read):
    opening = read.words.partition("A logistic regression on")[0]
    assert " ".join(str(fit.verdict).split()) in opening
    for name, value, meaning in figures(fit.verdict.to_json()):
        assert " ".join([name, value.replace("-", "\N{MINUS SIGN}"), meaning]) in opening


def test_a_fit_that_diverged_has_a_page_that_says_so(fit, tmp_path):
    diverged = dataclasses.replace(fit, ended=taut.Ended.DIVERGED, judged=None)
    words = Reader(page(diverged, tmp_path / "page.html").read_text(encoding="utf-8")).words
    assert "ended: diverged, the answer is not usable." in words
    assert "trust: unusable" in words


def test_the_table_holds_the_summary(fit, read):
    for row in fit.summary().to_dicts():
        numbers = [measured(row[k], row["sd"]) for k in ("mean", "sd", "lower", "upper")]
        standardised = [measured(row[k], row["sd_standardised"]) for k in ("mean_standardised", "sd_standardised")]
        shown = next(cells for cells in read.rows if cells[:1] == [row["name"]])
        assert shown[1:5] == [number.replace("-", "\N{MINUS SIGN}") for number in numbers]
        assert shown[6:] == [number.replace("-", "\N{MINUS SIGN}") for number in standardised]


def test_without_data_the_page_says_what_is_left_out(fit, tmp_path):
    read = Reader(page(fit, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert read.words.count("Left out: it needs the data") == 3
    assert sum(tag == "img" for tag, _ in read.tags) == 2


def test_a_fit_that_kept_its_evidence_gives_the_same_page_without_data(fit, loans, written, tmp_path):
    kept = fit.replaced(evidence=Evidence.gather(fit, loans).arrays())
    assert page(kept, tmp_path / "page.html").read_bytes() == written.read_bytes()
    other = page(kept, tmp_path / "other.html", features=("job", "owner"))
    assert "were not kept with the fit" in Reader(other.read_text(encoding="utf-8")).words


def test_one_feature_has_no_surface(tmp_path):
    data = (pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}), [0, 0, 1, 1])
    result = taut.fit(taut.models.LogisticRegression(), data)
    read = Reader(page(result, tmp_path / "page.html", data).read_text(encoding="utf-8"))
    assert "Left out: the table has one feature" in read.words
    assert "Calibration" in read.headings


def test_a_log_density_has_neither_calibration_nor_surface(noisy, tmp_path):
    read = Reader(page(noisy, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert read.headings == ["How it was fitted", "Posterior", "Unknowns", "ELBO against steps", "Particulars"]
    assert "theta[2]" in read.words
    assert "standard error" in read.words
    assert " rows" not in read.words.partition("How it was fitted")[0]
    with pytest.raises(ArgumentError, match="no surface"):
        page(noisy, tmp_path / "other.html", features=("mu", "tau"))


def test_a_fit_without_a_step_has_a_page(fit, tmp_path):
    interrupted = dataclasses.replace(fit, history={}, ended=taut.Ended.INTERRUPTED, iterations=0)
    words = Reader(page(interrupted, tmp_path / "page.html").read_text(encoding="utf-8")).words
    assert "ended: interrupted, the last good state is kept." in words
    assert "no step was made" in words


def test_nothing_in_the_data_acts(tmp_path):
    attack = "<script>alert(1)</script>"
    random = np.random.default_rng(0)
    X = pl.DataFrame(
        {
            attack: random.normal(size=60),
            "<img src=x onerror=alert(1)>": random.normal(size=60),
            "{{ 7 * 7 }} $a_{$ 書記": random.choice(["</td><b>", "'\"&"], 60),
        }
    )
    y = pl.Series("y", random.choice([attack, "<!--"], 60))
    result = taut.fit(taut.models.LogisticRegression(), (X, y))
    html = page(result, tmp_path / "page.html", (X, y)).read_text(encoding="utf-8")
    read = Reader(html)
    assert "script" not in {tag for tag, _ in read.tags}
    assert not [a for _, a in read.tags if "onerror" in a]
    assert "<!--" not in html
    assert attack in read.text
    assert "{{ 7 * 7 }}" in read.text


def test_a_page_that_cannot_be_written_leaves_nothing(fit, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArgumentError, match="folder.*another path"):
        page(fit, tmp_path / "folder")
    kept = tmp_path / "kept.html"
    kept.write_text("old")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(ArgumentError, match="No space left"):
        page(fit, kept)
    assert kept.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "kept.html"]


def test_every_picture_has_words_and_a_place_on_a_dark_page(fit, loans, tmp_path):
    text = page(fit, tmp_path / "page.html", loans).read_text(encoding="utf-8")
    images = re.findall(r"<img [^>]*>", text)
    assert len(images) == 5
    for image in images:
        assert re.search(r'alt="[^"]{20,}"', image)
        looks = re.search(r'class="(\w+)"', image)[1]
        assert looks == "pixels" or f"img.{looks} {{" in text, "a dark page must know what to do with it"
    assert "prefers-color-scheme: dark" in text


def test_no_word_is_broken_where_it_fits_a_line(fit, loans, tmp_path):
    text = page(fit, tmp_path / "page.html", loans).read_text(encoding="utf-8")
    assert "overflow-wrap: anywhere" not in text
    assert "word-break" not in text

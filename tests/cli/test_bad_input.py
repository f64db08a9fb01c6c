"""Wrong command lines, files and arguments: exit code 2, a message with culprit and remedy, and nothing left behind."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ..helpers.refusals import assert_refused, everything


class Desk:
    """The folder that a command runs in, with what is needed to build a wrong command line."""

    def __init__(self, folder, loans, saved):
        self.folder, self.loans, self.saved = folder, loans, saved

    def file(self, content, name="table.csv"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def table(self, n=20, target="y", **columns):
        """A table of n rows with a usable column x and a usable target, and others as given."""
        columns = {"x": [7 * i % 23 for i in range(n)], target: ["no", "yes"] * (n // 2)} | columns
        rows = zip(*columns.values(), strict=True)
        return self.file("\n".join(",".join(map(str, row)) for row in [tuple(columns), *rows]) + "\n")

    def fit(self, path, *options):
        return ["fit", path, "--target", "y", "--out", "out/run", *options]

    def fit_loans(self, *options):
        return ["fit", self.loans, "--target", "bad", "--out", "out/run", *options]

    def run(self, **replaced):
        """A copy of the saved fit with some of its files replaced."""
        shutil.copytree(self.saved, self.folder / "run")
        for name, content in replaced.items():
            file = {"fit": "fit.json", "arrays": "arrays.npz"}[name]
            (self.folder / "run" / file).write_bytes(content(self.saved / file) if callable(content) else content)
        return "run"

    def unfinished(self):
        (self.folder / "run").mkdir()
        self.file(b"not an archive", "run/checkpoint.npz")
        return "run"

    def new(self, **changed):
        """A table for prediction with a row that the saved fit knows, changed."""
        row = {"age": "30", "income": "25.5", "job": "cook", "owner": "true"} | changed
        row = {name: value for name, value in row.items() if value is not None}
        return self.file(",".join(row) + "\n" + ",".join(row.values()) + "\n", "new.csv")


def newer(path):
    return json.dumps(json.loads(path.read_text()) | {"format": 99}).encode()


# (name, how to make the command line, words on standard error)
WRONG = [
    # -- the command line itself
    ("unknown command", lambda d: ["fti"], ["fti", "Did you mean", "fit"]),
    ("unknown option", lambda d: d.fit_loans("--famly", "mean-field"), ["--famly", "--family"]),
    ("no data", lambda d: ["fit"], ["DATA", "fit -h"]),
    ("two data", lambda d: ["fit", d.loans, d.loans], ["loans.csv", "fit -h"]),
    ("option without value", lambda d: ["fit", d.loans, "--target"], ["--target", "requires"]),
    (
        "unknown family",
        lambda d: d.fit_loans("--family", "meanfeild"),
        ["--family", "meanfeild", "mean-field", "full-rank"],
    ),
    ("unknown gradient", lambda d: d.fit_loans("--gradient", "score"), ["--gradient", "score", "exact", "reinforce"]),
    ("unknown control", lambda d: d.fit_loans("--control", "loo"), ["--control", "loo", "leave-one-out"]),
    (
        "unknown algorithm",
        lambda d: d.fit_loans("--algorithm", "adam"),
        ["--algorithm", "adam", "natural", "stochastic"],
    ),
    ("unknown missing", lambda d: d.fit_loans("--missing", "mean"), ["--missing", "mean", "refuse", "impute"]),
    ("unknown dates", lambda d: d.fit_loans("--dates", "year"), ["--dates", "year", "number", "day-first"]),
    ("unknown decimal mark", lambda d: d.fit_loans("--decimal", ";"), ["--decimal", ";"]),
    ("two separators", lambda d: d.fit_loans("--separator", "||"), ["--separator '||'", "one character"]),
    ("drop of no column", lambda d: d.fit_loans("--drop", "ages,job"), ["--drop ages", "Did you mean 'age'"]),
    ("only no column", lambda d: d.fit_loans("--only", "ag"), ["--only ag", "Did you mean 'age'"]),
    ("both kinds", lambda d: d.fit_loans("--numeric", "age", "--categorical", "age"), ["'age'", "choose"]),
    ("everything dropped", lambda d: d.fit_loans("--drop", "age,income,job,owner"), ["No feature", "keep"]),
    ("weights of no column", lambda d: d.fit_loans("--weights", "incom"), ["'incom'", "Did you mean 'income'"]),
    ("weights of text", lambda d: d.fit_loans("--weights", "job"), ["'job'", "must be a number"]),
    ("negative weights", lambda d: d.fit(d.table(w=[-1] * 20), "--weights", "w"), ["weights in 'w'", "none negative"]),
    ("unknown dtype", lambda d: d.fit_loans("--dtype", "float16"), ["--dtype", "float16", "float64"]),
    ("samples of auto", lambda d: d.fit_loans("--gradient", "auto", "--samples", "5"), ["--samples", "auto"]),
    ("no samples", lambda d: d.fit_loans("--gradient", "reinforce", "--samples", "0"), ["--samples", "1"]),
    ("text samples", lambda d: d.fit_loans("--gradient", "reinforce", "--samples", "ten"), ["--samples", "integer"]),
    ("no steps", lambda d: d.fit_loans("--steps", "0"), ["--steps", "1"]),
    ("huge text steps", lambda d: d.fit_loans("--steps", "1e4"), ["--steps", "integer"]),
    ("no batch", lambda d: d.fit_loans("--batch-size", "0"), ["--batch-size", "1"]),
    ("half a row", lambda d: d.fit_loans("--batch-size", "2.5"), ["--batch-size", "integer"]),
    ("negative seed", lambda d: d.fit_loans("--seed", "-1"), ["--seed", "0"]),
    ("large seed", lambda d: d.fit_loans("--seed", str(2**32)), ["--seed", str(2**32 - 1)]),
    ("text seed", lambda d: d.fit_loans("--seed", "lucky"), ["--seed", "integer"]),
    ("zero rate", lambda d: d.fit_loans("--learning-rate", "0"), ["--learning-rate", "'0'", "above zero", "0.01"]),
    ("negative rate", lambda d: d.fit_loans("--learning-rate", "-1"), ["--learning-rate", "'-1'", "above zero"]),
    ("rate not a number", lambda d: d.fit_loans("--learning-rate", "nan"), ["--learning-rate", "'nan'", "above zero"]),
    ("infinite rate", lambda d: d.fit_loans("--learning-rate", "inf"), ["--learning-rate", "'inf'", "above zero"]),
    ("text rate", lambda d: d.fit_loans("--learning-rate", "fast"), ["--learning-rate", "'fast'", "above zero"]),
    ("zero prior", lambda d: d.fit_loans("--prior-scale", "0"), ["--prior-scale", "'0'", "above zero"]),
    ("negative prior", lambda d: d.fit_loans("--prior-scale", "-2"), ["--prior-scale", "'-2'", "above zero"]),
    # -- options that do not go together
    ("control alone", lambda d: d.fit_loans("--control", "none"), ["--control", "--gradient reinforce"]),
    (
        "control of another gradient",
        lambda d: d.fit_loans("--gradient", "exact", "--control", "none"),
        ["--control", "--gradient reinforce"],
    ),
    ("samples alone", lambda d: d.fit_loans("--samples", "5"), ["--samples", "--gradient"]),
    (
        "samples of exact",
        lambda d: d.fit_loans("--gradient", "exact", "--samples", "5"),
        ["--samples", "exact", "draws"],
    ),
    (
        "rate of natural",
        lambda d: d.fit_loans("--algorithm", "natural", "--learning-rate", "0.1"),
        ["--learning-rate", "--algorithm stochastic"],
    ),
    (
        "batches of natural",
        lambda d: d.fit_loans("--algorithm", "natural", "--batch-size", "8"),
        ["--batch-size", "--algorithm stochastic"],
    ),
    (
        "natural with reinforce",
        lambda d: d.fit_loans("--algorithm", "natural", "--gradient", "reinforce"),
        ["natural gradient", "reinforce", "stochastic"],
    ),
    (
        "leave one out of one",
        lambda d: d.fit_loans("--gradient", "reinforce", "--samples", "1"),
        ["leave-one-out", "at least 2", "samples", "--control moving-average"],
    ),
    ("batch larger than the data", lambda d: d.fit_loans("--batch-size", "61"), ["--batch-size 61", "60 rows"]),
    ("resume nothing", lambda d: ["fit", d.loans, "--target", "bad", "--resume"], ["--resume", "--out"]),
    # -- the data's place
    ("no such file", lambda d: ["fit", "loan.csv", "--target", "bad"], ["loan.csv", "check the path"]),
    ("no such bundled data", lambda d: ["fit", "brest-cancer"], ["brest-cancer", "Did you mean", "breast-cancer"]),
    ("a folder", lambda d: ["fit", d.loans.parent, "--target", "bad"], ["is a folder", "a file"]),
    ("a spreadsheet", lambda d: d.fit(d.file("x", "table.xlsx")), ["table.xlsx", ".csv", ".parquet"]),
    ("an empty file", lambda d: d.fit(d.file("")), ["table.csv", "empty", "needed"]),
    ("a header alone", lambda d: d.fit(d.file("x,y\n")), ["table.csv", "no rows"]),
    ("columns of one name", lambda d: d.fit(d.file("x,x,y\n1,2,0\n")), ["more than one column", "'x'", "rename"]),
    ("a column without name", lambda d: d.fit(d.file("x,,y\n1,2,0\n")), ["column 2", "no name"]),
    ("a ragged row", lambda d: d.fit(d.file("x,y\n1,0\n2,1,5\n")), ["line 3", "3 fields", "header has 2"]),
    ("another separator", lambda d: d.fit(d.file("x;y\n1;0\n")), ["';'", "expected"]),
    ("another encoding", lambda d: d.fit(d.file("x,y\n1,ja\n2,Nö\n".encode("latin-1"))), ["UTF-8", "save"]),
    ("binary", lambda d: d.fit(d.file(b"x,y\n1,\0\0\n")), ["binary", "save"]),
    ("damaged gzip", lambda d: d.fit(d.file(gzip.compress(b"x,y\n1,0\n" * 99)[:-9], "t.csv.gz")), ["t.csv.gz", "read"]),
    ("no gzip", lambda d: d.fit(d.file("x,y\n1,0\n", "t.csv.gz")), ["t.csv.gz", "read"]),
    ("no parquet", lambda d: d.fit(d.file("x,y\n1,0\n", "t.parquet")), ["t.parquet", "Parquet"]),
    # -- the target
    ("no target", lambda d: ["fit", d.loans], ["--target", "loans.csv", "income", "bad"]),
    ("unknown target", lambda d: ["fit", d.loans, "--target", "Bda"], ["'Bda'", "Did you mean", "'bad'"]),
    ("nothing but the target", lambda d: d.fit(d.file("y\n0\n1\n")), ["'y'", "only column"]),
    ("one label", lambda d: d.fit(d.table(y=["no"] * 20)), ["'y'", "always 'no'", "two classes"]),
    ("three labels", lambda d: d.fit(d.table(n=21, y=["a", "b", "c"] * 7)), ["'y'", "3 labels", "two"]),
    ("continuous target", lambda d: d.fit(d.table(y=[i / 7 for i in range(20)])), ["'y'", "continuous", "binary"]),
    ("missing labels", lambda d: d.fit(d.table(y=["", "yes"] * 10)), ["'y'", "missing in 10 of 20", "fill"]),
    ("unknown label", lambda d: d.fit_loans("--positive", "maybe"), ["--positive maybe", "'no'", "'yes'"]),
    # -- the features
    ("missing values", lambda d: d.fit(d.table(z=["", *range(19)])), ["'z'", "1 of 20 rows", "--missing drop"]),
    ("nothing complete", lambda d: d.fit(d.table(z=[""] * 20), "--missing", "drop"), ["Every row", "ill"]),
    ("constant column", lambda d: d.fit(d.table(z=[3] * 20)), ["onstant", "'z'", "rop"]),
    ("infinite values", lambda d: d.fit(d.table(z=["inf", *range(19)])), ["nfinite", "'z'", "leave"]),
    ("numbers and text", lambda d: d.fit(d.table(z=["many", *range(19)])), ["'z'", "'many'", "correct"]),
    (
        "dates",
        lambda d: d.fit(d.table(z=[f"2024-01-{i + 1:02}" for i in range(20)])),
        ["'z'", "dates", "--dates number", "--drop z"],
    ),
    ("dates in words", lambda d: d.fit(d.table(z=[f"{i + 1}-Feb-2024" for i in range(20)])), ["'z'", "--dates number"]),
    (
        "a decimal comma",
        lambda d: d.fit(d.table(z=[f'"{i},5"' for i in range(20)])),
        ["'z'", "numbers", "--decimal ,", "--numeric z", "--categorical z"],
    ),
    ("row numbers", lambda d: d.fit(d.table(z=range(1, 21))), ["'z'", "number the rows", "--drop z", "--numeric z"]),
    (
        "many problems",
        lambda d: d.fit(d.table(z=range(1, 21), c=[3] * 20, d=["$1", "$2"] * 10, y=["no"] * 20)),
        ["4 problems", "'z'", "'c'", "'d'", "--numeric d", "'y'", "two classes"],
    ),
    ("an identifier", lambda d: d.fit(d.table(n=50, z=[f"id{i}" for i in range(50)])), ["'z'", "identifier", "drop"]),
    ("a single level", lambda d: d.fit(d.table(z=["same"] * 20)), ["'z'", "'same'", "rop"]),
    ("a single row", lambda d: d.fit(d.file("x,y\n1,no\n")), ["needed"]),
    # -- the folder of a run
    ("out is a file", lambda d: [*d.fit_loans(), "--out", d.file("", "taken")], ["taken", "is a file", "Choose"]),
    (
        "out below a file",
        lambda d: [*d.fit_loans(), "--out", d.file("", "taken") / "x"],
        ["taken", "is a file", "Choose"],
    ),
    ("out is foreign", lambda d: [*d.fit_loans(), "--out", d.file("", "thesis.doc").parent], ["left alone", "Choose"]),
    ("out is unfinished", lambda d: [*d.fit_loans(), "--out", d.unfinished()], ["run", "--resume", "--no-resume"]),
    (
        "damaged checkpoint",
        lambda d: [*d.fit_loans(), "--out", d.unfinished(), "--resume"],
        ["checkpoint.npz", "damaged"],
    ),
    # -- predict
    ("no run", lambda d: ["predict", "nowhere", d.new()], ["nowhere", "does not exist"]),
    ("run is a file", lambda d: ["predict", d.loans, d.new()], ["loans.csv", "is a file"]),
    ("run is empty", lambda d: ["predict", d.file("").parent, d.new()], ["fit.json", "not a saved fit"]),
    ("run is unfinished", lambda d: ["predict", d.unfinished(), d.new()], ["unfinished", "--resume"]),
    ("damaged fit.json", lambda d: ["predict", d.run(fit=b"{"), d.new()], ["fit.json", "damaged", "fit again"]),
    ("foreign fit.json", lambda d: ["predict", d.run(fit=b"[1]"), d.new()], ["fit.json", "damaged", "fit again"]),
    ("newer format", lambda d: ["predict", d.run(fit=newer), d.new()], ["format 99", "version"]),
    ("damaged arrays", lambda d: ["predict", d.run(arrays=b"PK"), d.new()], ["arrays.npz", "damaged", "again"]),
    (
        "truncated arrays",
        lambda d: ["predict", d.run(arrays=lambda path: path.read_bytes()[:999]), d.new()],
        ["arrays.npz", "damaged", "again"],
    ),
    ("no new rows", lambda d: ["predict", d.saved, "new.csv"], ["new.csv", "check the path"]),
    ("new rows lack a column", lambda d: ["predict", d.saved, d.new(income=None)], ["'income'", "missing"]),
    ("new rows lack a value", lambda d: ["predict", d.saved, d.new(income="")], ["'income'", "issing", "fill"]),
    ("an unseen level", lambda d: ["predict", d.saved, d.new(job="pilot")], ["'job'", "'pilot'", "'cook'", "correct"]),
    ("text for a number", lambda d: ["predict", d.saved, d.new(age="old")], ["'age'", "'old'", "correct"]),
    (
        "certain level",
        lambda d: ["predict", d.saved, d.new(), "--level", "1"],
        ["--level", "'1'", "between 0 and 1", "0.95"],
    ),
    ("per cent level", lambda d: ["predict", d.saved, d.new(), "--level", "95"], ["--level", "'95'", "0.95"]),
    ("text level", lambda d: ["predict", d.saved, d.new(), "--level", "high"], ["--level", "'high'", "0.95"]),
    (
        "predict into a folder",
        lambda d: ["predict", d.saved, d.new(), "--out", d.folder],
        ["--out", "is a folder", "file"],
    ),
    (
        "predict into nowhere",
        lambda d: ["predict", d.saved, d.new(), "--out", "a/b.csv"],
        ["--out", "no folder a", "Make"],
    ),
    (
        "predict twice",
        lambda d: ["predict", d.saved, d.new(), "--json", "--out", "b.csv"],
        ["--out", "--json", "leave one"],
    ),
    (
        "keep no column",
        lambda d: ["predict", d.saved, d.new(), "--keep", "ag"],
        ["--keep", "'ag'", "Did you mean 'age'"],
    ),
    # -- report
    ("report of nothing", lambda d: ["report", "nowhere"], ["nowhere", "does not exist"]),
    ("report of a foreign folder", lambda d: ["report", d.loans.parent], ["fit.json", "not a saved fit"]),
    ("report into nowhere", lambda d: ["report", d.saved, "--out", "a/b.html"], ["--out", "no folder a", "Make"]),
    ("report with an option of fit", lambda d: ["report", d.saved, "--target", "y"], ["--target", "report -h"]),
]
NAMES = [name for name, _, _ in WRONG]
IN_A_PROCESS = [
    "unknown option",
    "text rate",
    "samples alone",
    "no such file",
    "three labels",
    "constant column",
    "out is foreign",
    "damaged checkpoint",
    "damaged arrays",
    "an unseen level",
]


def test_there_are_enough_and_no_two_of_a_name():
    assert len(WRONG) >= 60
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in WRONG], ids=NAMES)
def test_bad_input(taut, tmp_path, loans, saved, make, words):
    arguments = make(Desk(tmp_path, loans, saved))
    before = everything(tmp_path)
    result = taut(*arguments)
    assert_refused(result.exit_code, result.stdout, result.stderr, words)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", IN_A_PROCESS)
def test_bad_input_in_a_process_with_json(tmp_path, loans, saved, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "400")
    _, make, words = WRONG[NAMES.index(name)]
    arguments = [*make(Desk(tmp_path, loans, saved)), "--json"]
    before = everything(tmp_path)
    command = [Path(sys.executable), "-c", "from taut.cli import main; main()", *map(str, arguments)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert_refused(result.returncode, result.stdout, result.stderr, words)
    assert everything(tmp_path) == before


def test_separable_classes_and_more_columns_than_rows_are_fine(taut, tmp_path):
    X = np.random.default_rng(0).normal(size=(12, 15))
    y = np.where(X[:, 0] > 0, "yes", "no")
    desk = Desk(tmp_path, None, None)
    path = desk.table(n=12, x=X[:, 0], **{f"x{j}": X[:, j] for j in range(1, 15)}, y=y)
    assert taut(*desk.fit(path)).exit_code == 0

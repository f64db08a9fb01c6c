"""A fit that version 0.1.0 saved gives the answers that it gave then.

The fits and the answers are in `fits_0_1_0`; `make_fits_0_1_0.py` says where they come from, and `questions_0_1_0.py`
what is asked. `python make_fits_0_1_0.py --check` compares to the last digit, for the machine on which they were made.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import taut
from taut.core.plain import plain
from taut.verdict.verdict import Verdict

HERE = Path(__file__).parent
FOLDER = HERE / "fits_0_1_0"

of_questions = importlib.util.spec_from_file_location("questions_0_1_0", HERE / "questions_0_1_0.py")
asked = importlib.util.module_from_spec(of_questions)
of_questions.loader.exec_module(asked)

CASES = list(asked.cases(path.name for path in FOLDER.iterdir() if path.is_dir()))
ROUNDING = {"float64": 1e-12, "float32": 1e-5}
"""How far what is computed, by compiled code or by BLAS, may be off on another processor."""


SAID_ANEW = ("gradient", "samples")
"""Entries of `to_json` that are null since, where an algorithm uses no gradient or draws nothing."""


def facts(said):
    """An answer without what this version says otherwise."""
    return {name: x for name, x in said.items() if name not in SAID_ANEW} if isinstance(said, dict) else said


def of_then(found, expected):
    """What is said today without the entries that 0.1.0 had not, at any depth."""
    if isinstance(expected, dict):
        return {name: of_then(found[name], x) for name, x in expected.items()}
    if isinstance(expected, list):
        return [of_then(*pair) for pair in zip(found, expected, strict=True)]
    return found


@pytest.fixture(scope="module")
def answers():
    """What 0.1.0 said, as JSON texts by case and name; what it computed, as arrays by case and name."""
    with np.load(FOLDER / "answers.npz") as file:
        arrays = dict(file)
    kept, computed = json.loads(arrays.pop("kept").item()), {}
    for key, x in arrays.items():
        case, name = key.split("/")
        computed.setdefault(case, {})[name] = x
    return kept, computed


def test_every_answer_belongs_to_a_fit(answers):
    for by_case in answers:
        assert set(by_case) == {case for case, _, _ in CASES}


def in_the_order_of(names, computed):
    """The table with its lines in an older order: unknowns came sorted, and every one had a P(> 0)."""
    places = [computed["table names"].tolist().index(name) for name in names]
    table = computed["table"][places]
    table[:, 4] = np.where(np.isnan(table[:, 4]), 1.0, table[:, 4])
    return computed | {"table names": computed["table names"][places], "table": table}


def said_today(kept):
    """What 0.1.0 said, without its sentences: null stands for no number, and what diverged has a verdict."""
    said = {name: json.loads(text) for name, text in kept.items() if name != "str"}
    ended, _, reason = said["ended"]
    said |= {"ended": [ended, reason], "to_json": plain(said["to_json"])}
    if ended == "DIVERGED":
        verdict = Verdict.diverged()
        said |= {"verdict": str(verdict), "to_json": said["to_json"] | {"verdict": verdict.to_json()}}
    return said


@pytest.mark.parametrize(("case", "name", "given"), CASES, ids=[case for case, _, _ in CASES])
def test_the_answers_are_those_of_0_1_0(case, name, given, answers):
    fit = taut.load(FOLDER / name, **given())
    kept, computed = asked.answers(fit)
    expected_kept, expected = (by_case[case] for by_case in answers)
    expected_kept = said_today(expected_kept)
    for question in expected_kept:  # one by one: a difference is easier to read
        found = json.loads(kept[question])
        if question == "to_json":  # it may say more today, and says the terms of a joint density otherwise
            joint = {name: found[name] for name in ("expected_log_likelihood", "kl") if fit.model.joint}
            expected_kept[question] |= joint
            found = of_then(found, expected_kept[question])
        assert facts(found) == facts(expected_kept[question]), question
    assert set(kept) == set(expected_kept)
    if fit.kind == "density":
        computed = in_the_order_of(expected["table names"], computed)
    near = ROUNDING[str(fit.dtype)]
    for question, x in expected.items():
        found = computed[question]
        assert (found.dtype, found.shape) == (x.dtype, x.shape), question
        if x.dtype.kind == "f":
            largest = np.max(np.abs(x), initial=0, where=np.isfinite(x))
            np.testing.assert_allclose(found, x, rtol=near, atol=near * largest, err_msg=question)
        else:
            np.testing.assert_array_equal(found, x, err_msg=question)
    assert set(computed) == set(expected)

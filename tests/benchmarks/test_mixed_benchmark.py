"""The judge, the designs and the tables of `benchmarks/mixed.py`. No timing, and no data but those made here."""

import copy
import csv
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np
import pytest
from scipy import stats

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "mixed.py"
REFERENCE = {
    "names": ["Intercept", "I(age^2)", "threshold[1|2]", "sd(g:Intercept)", "cor(g:Intercept,x)", "sigma"],
    "mean": [1.0, -2.0, 0.5, 0.4, 0.1, 3.0],
    "sd": [0.5, 0.2, 0.1, 0.1, 0.2, 0.3],
    "group_effects": {
        "g": {
            "levels": ["2", "10"],
            "terms": ["Intercept", "x"],
            "mean": [[1.0, 2.0], [3.0, 4.0]],
            "sd": [[0.5] * 2] * 2,
        }
    },
}


def answer():
    """The reference as a tool would say it, levels in another order."""
    parameters = zip(REFERENCE["mean"], REFERENCE["sd"], strict=True)
    truth = copy.deepcopy(REFERENCE["group_effects"]["g"])
    effects = {"levels": ["10", "2"], "terms": ["Intercept", "x"]} | {k: truth[k][::-1] for k in ("mean", "sd")}
    names = [name.replace("^", "**") for name in REFERENCE["names"]]
    return {"parameters": dict(zip(names, map(list, parameters), strict=True)), "groups": {"g": effects}}


@pytest.fixture
def data(tmp_path):
    """A folder with a table for each model, of 40 rows: nobody's data."""

    def make(models):
        random = np.random.default_rng(3)
        for model in models.MODELS.values():
            columns = {}
            for term in (part for terms in model.fixed for part in terms.split(":")):
                name = term.removeprefix("C(").removeprefix("I(").removesuffix(")").removesuffix("^2")
                kinds = random.permutation(np.arange(40) % 3)
                columns[name] = [f"v{k}" for k in kinds] if term.startswith("C(") else random.normal(size=40).round(3)
            outer = np.arange(40) // 2  # an inner level lies within one outer one
            columns |= {g: (outer if i == 0 else outer // 3) + 8 for i, (g, _) in enumerate(model.groups)}
            y = random.permutation(np.arange(40) % 4) + 1
            columns[model.response] = np.where(y > 2, model.event, "no") if model.event else y
            columns |= {model.trials: y + 3} if model.trials else {}
            columns |= {model.exposure: y + 1} if model.exposure else {}
            if not model.file.endswith(".gz"):
                with (tmp_path / model.file).open("w", newline="") as file:
                    out = csv.writer(file)
                    out.writerow(columns)
                    out.writerows(zip(*columns.values(), strict=True))
        return tmp_path

    return make


def test_the_reference_itself_is_within_the_bounds(bench):
    judged = bench("mixed_judge").judge(REFERENCE, answer())
    assert judged["missing"] == []
    assert bench("mixed_judge").reached(judged)
    for key in ("fixed", "scales", "groups"):
        assert judged[key]["error"] == 0
        assert judged[key]["sd"] == [1, 1]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("I(age**2)", "fixed"),
        ("threshold[1|2]", "fixed"),
        ("sd(g:Intercept)", "scales"),
        ("cor(g:Intercept,x)", "scales"),
        ("sigma", "scales"),
    ],
)
def test_each_kind_of_parameter_is_judged_by_its_own_sd(bench, name, key):
    judge = bench("mixed_judge")
    for place, factor in ((0, 0.11), (1, 0.11)):
        given = answer()
        sd = given["parameters"][name][1]
        given["parameters"][name][place] += factor * sd
        judged = judge.judge(REFERENCE, given)
        assert not judge.reached(judged)
        assert judged[key]["error"] == pytest.approx(0.11 * (place == 0))
        assert judged[key]["sd"][1] == pytest.approx(1 + 0.11 * (place == 1))
        others = [part["error"] for other, part in judged.items() if other in {"fixed", "scales", "groups"} - {key}]
        assert others == [0, 0]


def test_group_effects_are_matched_by_level_and_term(bench):
    judge, given = bench("mixed_judge"), answer()
    given["groups"]["g"]["mean"][0][1] += 0.1  # level 10, x
    judged = judge.judge(REFERENCE, given)
    assert judged["groups"]["at"] == "g[10]:x"
    assert judged["groups"]["error"] == pytest.approx(0.2)
    assert not judge.reached(judged)


def test_what_is_not_given_is_named_and_is_no_success(bench):
    judge = bench("mixed_judge")
    for remove in (lambda a: a["parameters"].pop("sigma"), lambda a: a["groups"].pop("g")):
        given = answer()
        remove(given)
        judged = judge.judge(REFERENCE, given)
        assert len(judged["missing"]) == 1
        assert not judge.reached(judged)


def test_an_error_that_is_no_number_is_the_largest(bench):
    judge, given = bench("mixed_judge"), answer()
    given["parameters"]["Intercept"][0] = float("nan")
    judged = judge.judge(REFERENCE, given)
    assert judged["fixed"]["at"] == "Intercept"
    assert not judge.reached(judged)


def test_sds_that_a_tool_does_not_give_are_no_success(bench):
    judge, given = bench("mixed_judge"), answer()
    given["parameters"]["sigma"][1] = None
    given["parameters"]["sd(g:Intercept)"][1] = None
    given["parameters"]["cor(g:Intercept,x)"][1] = None
    judged = judge.judge(REFERENCE, given)
    assert judged["scales"]["sd"] is None
    assert not judge.reached(judged)


def test_designs_are_coded_as_stated(bench, data):
    models = bench("mixed_models")
    folder = data(models)
    design = models.load("contraception_slope", folder)
    assert design.names == ["age", "I(age^2)", "livch[v1]", "livch[v2]", "urban[v1]", "urban[v2]"]
    np.testing.assert_allclose(design.X[:, :2].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(design.X[:, :2].std(0), 1)
    age = np.array(models.read(folder / "contraception.csv")["age"], float)
    assert np.corrcoef(design.X[:, 1], age**2)[0, 1] == pytest.approx(1)
    (group,) = design.groups
    assert group.terms == ["Intercept", "urban[v1]", "urban[v2]"]
    np.testing.assert_array_equal(group.columns[:, 1:], design.X[:, 4:])
    assert group.levels[:4] == ["8", "9", "10", "11"]
    epil = models.load("epil", folder)
    np.testing.assert_allclose(epil.X[:, 3], epil.X[:, 0] * epil.X[:, 1])
    assert epil.names[3] == "lbase:trt[v1]"


def test_each_stated_model_is_one_that_r_or_the_note_has(bench, data):
    models, r, mixed = bench("mixed_models"), bench("mixed_lme4"), bench("mixed")
    folder = data(models)
    for name in models.MODELS:
        if name != "insteval" and not mixed.lme4_lacks(name):
            design = models.load(name, folder)
            assert design.model.likelihood in r.FITS
            assert r.formula(design).count("|") == len(design.groups)
    assert r.formula(models.load("cbpp", folder)) == "cbind(y, trials - y) ~ x1 + x2 + (1 | g1)"
    assert "offset(offset)" in r.formula(models.load("insurance", folder))


def test_nuts_has_the_density_that_is_stated(bench, data):
    """Slopes, a Gaussian response: the log joint at one point against scipy's densities."""
    from numpyro.infer.util import log_density

    models, peer = bench("mixed_models"), bench("mixed_numpyro")
    design = models.load("sleepstudy", data(models))
    (group,) = design.groups
    random = np.random.default_rng(0)
    e, y = random.normal(size=(len(group.levels), 2)), (design.y - design.y.mean()) / design.y.std()
    point = {"b": np.array([0.3]), "b0": np.array(-0.2), "sd_Subject": np.array([0.8, 0.4]), "sigma": np.array(0.9)}
    point |= {"b_Subject": np.array(0.7), "e_Subject": e}
    found, _ = log_density(peer.stated(design, y), (), {}, point)
    r = 0.4
    u = np.stack([0.8 * e[:, 0], 0.4 * (r * e[:, 0] + np.sqrt(1 - r * r) * e[:, 1])], 1)
    eta = -0.2 + 0.3 * design.X[:, 0] + (u[group.index] * group.columns).sum(1)
    expected = stats.norm.logpdf(y, eta, 0.9).sum() + stats.norm.logpdf(e).sum() + stats.beta.logpdf(0.7, 2, 2)
    expected += stats.norm.logpdf([0.3, -0.2], 0, 2.5).sum() + stats.halfnorm.logpdf([0.8, 0.4, 0.9]).sum()
    assert float(found) == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_nuts_names_everything_that_the_models_have(bench, data):
    """One draw of each prior: names as in the references, effects of every factor."""
    from numpyro.handlers import seed, substitute, trace

    models, peer = bench("mixed_models"), bench("mixed_numpyro")
    folder = data(models)
    for name in models.MODELS:
        if name == "insteval":
            continue
        design = models.load(name, folder)
        if design.groups and len(design.groups[0].terms) > 2:
            continue  # the tables made here have three levels, the real one two
        model = substitute(peer.stated(design, np.asarray(design.y)), {"c": np.array([-1.0, 0.0, 1.0])})
        sites = trace(seed(model, jax.random.key(0))).get_trace()
        draws = {k: np.asarray(v["value"])[None] for k, v in sites.items() if v["type"] in ("sample", "deterministic")}
        found, groups = peer.named(design, draws, 0.0, 1.0)
        assert set(groups) == {g.name for g in design.groups}
        assert all(value.shape == (1,) for value in found.values())
        for group in design.groups:
            assert groups[group.name].shape == (1, len(group.levels), len(group.terms))
            assert all(f"sd({group.name}:{term})" in found for term in group.terms)
        thresholds = [n for n in found if n.startswith("threshold[")]
        assert len(thresholds) == (3 if design.model.likelihood == "ordinal" else 0)


def rows(**of_taut):
    part = {"error": 0.03, "at": "x", "sd": [0.97, 1.02]}
    common = {"model": "cbpp", "fixed": part, "scales": part, "groups": None, "missing": [], "note": "max|grad|"}
    common |= {"each": {"sd(herd:Intercept)": (0.03, 0.97)}, "reached": True}
    ours = {"tool": "taut", "cold": 4.0, "warm": 0.05, "verdict": {"converged": "yes", "trust": "good"}} | of_taut
    return [
        common | ours,
        common | {"tool": "lme4", "cold": 2.0, "warm": 0.1},
        common | {"tool": "nuts", "cold": 40.0, "call": 30.0},
        {"model": "cbpp", "tool": "statsmodels", "none": "no offset"},
    ]


def test_tables_have_ratios_to_the_same_runs_peers(bench):
    said = bench("mixed_tables").tables({"machine": {"cores": 2}, "rows": rows()})
    (ours,) = [line for line in said.splitlines() if line.startswith("| cbpp | 0.03")]
    assert "| 0.50x of 1x | 600x / 10x | converged: yes, trust: good |" in ours
    assert "max\\|grad\\|" in said
    assert "| cbpp | statsmodels |  |  |  |  |  | no offset |" in said


def test_tables_of_a_run_that_failed_say_so(bench):
    failed = [{"model": "cbpp", "tool": "taut", "failed": "no answer within 900 s"}, *rows()[1:]]
    assert "failed: no answer within 900 s" in bench("mixed_tables").tables({"machine": {}, "rows": failed})


def test_a_folder_that_is_not_there_is_said(tmp_path):
    command = [sys.executable, str(SCRIPT), "--data", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout.startswith(f"No folder {tmp_path / 'none' / 'reference'}: ")
    assert "Traceback" not in done.stderr


def test_a_saved_run_becomes_tables(tmp_path):
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps({"machine": {"cores": 2}, "rows": rows()}))
    done = subprocess.run([sys.executable, str(SCRIPT), "--table", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| cbpp | lme4 | 0.03 (0.97 to 1.02) |" in done.stdout


@pytest.mark.parametrize("name", ["mixed", "mixed_taut", "mixed_numpyro", "mixed_lme4", "mixed_statsmodels"])
@pytest.mark.filterwarnings("default")
def test_parts_import(bench, name):
    if name == "mixed_statsmodels" and find_spec("statsmodels") is None:
        pytest.skip("needs statsmodels, which `make bench` installs")
    before = jax.config.values["jax_enable_x64"]
    assert bench(name).__doc__
    assert jax.config.values["jax_enable_x64"] == before

"""The designs of the stated models of the shared data: those of the loader that their references were made with."""

import importlib.util

import numpy as np
import pytest

from taut.data import prepare_formula, read_table

FORMULAS = {
    "cbpp": "incidence / size ~ C(period) + (1 | herd)",
    "contraception": 'use["Y"] ~ age + I(age**2) + livch + urban + (1 | district)',
    "contraception_slope": "use ~ age + I(age**2) + C(livch) + urban + (1 + urban | district)",
    "verbagg": "r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)",
    "epil": "y ~ lbase * trt + lage + V4 + (1 | subject)",
    "epil_nb": "y ~ lbase + trt + lbase:trt + lage + V4 + (1 | subject)",
    "grouseticks": "TICKS ~ C(YEAR) + HEIGHT + (1 | BROOD) + (1 | LOCATION)",
    "insurance": "Claims ~ Group + Age + (1 | District) + offset(log(Holders))",
    "sleepstudy": "Reaction ~ Days + (Days | Subject)",
    "wine": "rating ~ temp + contact + (1 | judge)",
    "iris": "Species ~ .",
    "stackloss": "stack_loss ~ Air_Flow + Water_Temp + Acid_Conc",
    "insteval": "y ~ C(service) + lectage + studage + (1 | s) + (1 | d)",
}


@pytest.fixture(scope="module")
def mixed(shared):
    place = shared.parent / "research" / "mixed" / "mixed.py"
    if not place.is_file():
        pytest.skip("needs ../shared/research/mixed, and that folder is absent")
    spec = importlib.util.spec_from_file_location("mixed", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SHARED = str(shared / "mixed")
    return module


@pytest.mark.parametrize("name", FORMULAS)
def test_the_design_is_that_of_the_references(mixed, name):
    expected = mixed.load(name)
    table = read_table(f"{mixed.SHARED}/{mixed.SPECS[name]['data']}")
    data = prepare_formula(FORMULAS[name], table)
    names, rows = data.design.names, data.rows
    assert names[0] == "Intercept"
    np.testing.assert_array_equal(rows.X[:, 0], 1)
    stated = [name.replace("^", "**") for name in expected["xnames"]]
    assert sorted(names[1:]) == sorted(stated)
    X = rows.X[:, [names.index(name) for name in stated]]
    np.testing.assert_allclose(X, expected["X"], rtol=1e-12, atol=1e-12)
    if expected["offset"] is None:
        assert rows.offset is None
    else:
        np.testing.assert_allclose(rows.offset, expected["offset"], rtol=1e-14)
    assert [group.name for group in rows.groups] == [group["name"] for group in expected["groups"]]
    for group, other in zip(rows.groups, expected["groups"], strict=True):
        assert list(group.levels) == other["levels"]
        assert list(group.terms) == other["znames"]
        np.testing.assert_array_equal(group.index, other["idx"])
        np.testing.assert_allclose(group.Z, other["Z"], rtol=1e-12, atol=1e-12)
    response = rows.response
    if expected["trials"] is not None:
        np.testing.assert_array_equal(response.trials, expected["trials"])
    if name in ("contraception", "wine", "iris"):
        assert response.values.to_list() == table[response.name].to_list()
        assert response.success == ("Y" if name == "contraception" else None)
    elif expected["family"] != "bernoulli":
        np.testing.assert_array_equal(response.values.to_numpy(), expected["y"])

"""Every lab runs from top to bottom, its solutions pass its checks, and its checks refuse wrong answers."""

import ast
import re
from pathlib import Path

import pytest

from taut.core.rooms import public

nbformat = pytest.importorskip("nbformat", reason="the labs' tests need nbformat")
nbclient = pytest.importorskip("nbclient", reason="the labs' tests need nbclient")

LABS = sorted((Path(__file__).resolve().parents[2] / "labs").glob("*.ipynb"))
# Most processor time of each, compilation included.
SECONDS = {
    "01_model_variables": 180,
    "02_latent_variables": 300,
    "03_gradient_estimators": 300,
    "04_hierarchies": 180,
}

# For each exercise an answer that a reader may well give and that is wrong.
WRONG = {
    "01_model_variables": {
        # the -1 is forgotten
        1: "lambda q, w: ((w - q.mean) * jnp.exp(-2 * q.log_sd), (w - q.mean) ** 2 * jnp.exp(-2 * q.log_sd))",
        2: "lambda f, t, p: p @ f",  # the mean is a good baseline, not the best
        3: "lambda f, slope, t, p: (p @ (f * t) ** 2, p @ slope**2)",  # second moments
        4: "lambda w, X, y, n: np.sum(y * (X @ w) - np.logaddexp(0, X @ w))",  # not scaled
        5: "lambda P: np.sqrt(np.diag(np.linalg.inv(P)))",  # the true marginal sds
        6: "lambda m, v: 1 / (1 + np.exp(-m))",  # not averaged
        7: "lambda log_q, cost: -jnp.mean(cost * log_q)",  # the cost is not stopped
    },
    "02_latent_variables": {
        1: "lambda m, log_s: np.mean(0.5 * (m**2 + np.exp(2 * log_s)) - 0.5 - log_s, axis=-1)",  # not a sum
        2: "lambda pixels, latents, kl: pixels",  # as if the KL were always summed
        3: "lambda log_w: (log_w.mean(), len(log_w))",  # the ELBO, and as if all weights were equal
        # the error is shared out evenly, whatever the variances
        4: "lambda v, error, s2: (0.5 * np.sum(np.log(v * len(v) / error)), s2 * len(v) / error)",
        5: "lambda lam, kl, C, step: max(0.0, lam + step * (C - kl))",  # the sign
        6: "lambda f: f - f.mean()",  # a draw in its own baseline
    },
    "03_gradient_estimators": {
        1: "lambda f, x: f(x) - f(x - 1)",  # the flow the wrong way round
        2: "lambda g, h: (g * h).sum() / (h**2).sum()",  # second moments
        # the change by flipping, whichever way it goes
        3: "lambda f, z, p: p * (1 - p) * (f(np.where(np.eye(len(z), dtype=bool), 1 - z, z)) - f(z))",
        4: "lambda p, s0, s1, f0, f1: (p * s1 + (1 - p) * s0, p * (1 - p) * (f1 - f0))",  # without the sigmoid's slope
        5: "lambda variances, costs, budget: (2, 0.5 * 94 / budget)",  # the least variance, not the best buy
        6: "lambda n, error: (error[-1], error[0] ** 2 - error[-1] ** 2)",  # as if the last error were all bias
    },
    "04_hierarchies": {
        1: "lambda estimate, error, mu, tau: ((estimate + mu) / 2, error)",  # the same for all herds
        2: "lambda tau: tau / (tau + np.pi / np.sqrt(3))",  # sds in the place of variances
        # the logarithm is averaged, a lower bound
        3: "lambda y, n, m, tau, x, w: log_choose(n, y) + w @ (y * (m + tau * x) - n * np.logaddexp(0, m + tau * x))",
        4: "lambda w, m, s: (w @ m, np.sqrt(w @ s**2))",  # the spread between nodes is forgotten
        5: "lambda tau, count: -count * np.log(tau)",  # the sign
        6: "lambda mu, tau, x, w: expit(mu.mean())",  # a herd in the middle
    },
}

ATTEMPT = """
try:
    check_{number}({answer})
except AssertionError as refusal:
    print("refused:", refusal)
"""


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


def printed(cell):
    return "".join(out.text for out in cell.get("outputs", ()) if out.output_type == "stream" and out.name == "stdout")


def append(notebook, tag, source):
    notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}))


def numbers(cells):
    return [int(number) for cell in cells for number in re.findall(r"^check_(\d+)\(", cell.source, re.MULTILINE)]


@pytest.fixture(params=LABS, ids=lambda path: path.stem)
def lab(request):
    notebook = nbformat.read(request.param, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.fixture(scope="module", params=LABS, ids=lambda path: path.stem)
def executed(request):
    """The lab after a run in a fresh kernel, with cells behind it that try the wrong answers and read the clock."""
    notebook = nbformat.read(request.param, as_version=4)
    for number, answer in WRONG[request.param.stem].items():
        append(notebook, "wrong", ATTEMPT.format(number=number, answer=answer))
    notebook.metadata["seconds"] = SECONDS[request.param.stem]
    append(notebook, "clock", "import time\nprint(time.process_time())")
    # The timeout is for a cell that hangs; how long the lab takes is judged by processor time below.
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


def test_there_are_labs():
    assert {path.stem for path in LABS} == set(WRONG)


def test_outputs_are_not_committed(lab):
    for cell in lab.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_each_exercise_has_a_folded_solution_with_the_same_check(lab):
    exercises, solutions = tagged(lab, "exercise"), tagged(lab, "solution")
    assert numbers(exercises) == numbers(solutions) == list(range(1, len(exercises) + 1))
    for cell in solutions + tagged(lab, "check"):
        assert cell.metadata.jupyter.source_hidden, "folded in Jupyter"
        assert cell.metadata.cellView == "form", "folded in Colab"
        assert cell.source.startswith("# @title")


def test_only_the_first_cell_installs_and_only_on_colab(lab):
    first, *others = (cell.source for cell in lab.cells if cell.cell_type == "code")
    assert 'if "google.colab" in sys.modules and importlib.util.find_spec("taut") is None:\n    %pip install' in first
    for source in others:
        assert not re.search(r"^\s*[%!]", source, re.MULTILINE), source


def named(code):
    """The names of Taut that Python code imports or spells out, e.g. "taut.models.Normal"; no magics of IPython."""
    tree = ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", code, flags=re.MULTILINE))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and re.fullmatch(r"[\w.]+", spelt := ast.unparse(node)):
            yield spelt


def inner(names):
    """Those of the names that no room of Taut makes public: longer ones are attributes of public things."""
    found = (name.split(".") for name in names if name.startswith("taut."))
    rooms = {place.split(".")[1] for place in public() if place.count(".") == 2}
    heads = {".".join(parts[: 3 if parts[1] in rooms else 2]) for parts in found}
    return sorted(heads - set(public()) - {f"taut.{room}" for room in rooms})


def test_only_public_names_are_used(lab):
    code = [cell.source for cell in lab.cells if cell.cell_type == "code"]
    prose = [cell.source for cell in lab.cells if cell.cell_type == "markdown"]
    assert inner(name for source in code for name in named(source)) == []
    assert inner(name for text in prose for name in re.findall(r"\btaut(?:\.\w+)+", text)) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import taut.core.batch", ["taut.core"]),
        ("from taut.core.batch import Batch", ["taut.core"]),
        ("from taut.problem import Problem", ["taut.problem"]),
        ("from taut.gradients.reinforce import Reinforce", ["taut.gradients.reinforce"]),
        ("from taut.models import logistic", ["taut.models.logistic"]),
        ("if True:\n    %pip install taut\nq = taut.families.mean_field.MeanField", ["taut.families.mean_field"]),
        ("fit = taut.fit(model, X)\ntaut.models.Normal(0.0, 1.0).sd\nfrom taut import models", []),
    ],
)
def test_a_name_that_is_not_public_is_found(code, found):
    assert inner(named(code)) == found


def test_further_reading_has_links(lab):
    listed = lab.cells[-1].source.split("**Further reading**")[1].strip().splitlines()
    books = ("Sampling Derivatives of Probabilities",)
    assert listed
    for line in listed:
        assert line.startswith("- ")
        assert "*](https://" in line or any(book in line for book in books), line


@pytest.mark.slow
def test_it_runs_without_a_warning(executed):
    outputs = [out for cell in executed.cells for out in cell.get("outputs", ())]
    errors = [out.text for out in outputs if out.output_type == "stream" and out.name == "stderr"]
    assert [line for text in errors for line in text.splitlines() if not line.startswith("fitting: ")] == []
    for cell in executed.cells:
        if "plt.show()" in cell.source:
            assert any("image/png" in out.get("data", {}) for out in cell.outputs), cell.source


@pytest.mark.slow
def test_the_solutions_are_right_and_the_blanks_are_not(executed):
    blanks, solutions = tagged(executed, "exercise"), tagged(executed, "solution")
    for number, (blank, solution) in enumerate(zip(blanks, solutions, strict=True), start=1):
        assert printed(blank) == f"Exercise {number}: not done yet.\n"
        assert printed(solution).startswith(f"Exercise {number}: correct.\n")


@pytest.mark.slow
def test_the_checks_refuse_wrong_answers(executed):
    wrong = tagged(executed, "wrong")
    assert len(wrong) == len(tagged(executed, "exercise")), "each exercise needs a wrong answer in WRONG"
    for number, cell in enumerate(wrong, start=1):
        assert printed(cell).startswith(f"refused: Exercise {number}: not yet. "), cell.source


@pytest.mark.slow
def test_it_keeps_to_its_time(executed):
    # Processor time, compilation included: other work on the machine hardly changes it, and free cores need no more.
    (clock,) = tagged(executed, "clock")
    assert float(printed(clock)) < executed.metadata.seconds

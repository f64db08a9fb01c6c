"""What `fit.json` must hold."""

from taut.core.cost import STAGES, Spent
from taut.core.schema import ANYTHING, FLAG, NUMBER, SCALAR, TEXT, by_name, each, entries, maybe, one_of, whole
from taut.learning.ended import Ended
from taut.verdict.answers import Converged, Trusted

FIGURES = by_name(maybe(NUMBER))
CONVERGENCE = entries({"answer": one_of(*Converged), "reason": TEXT, "left": maybe(NUMBER), "figures": FIGURES})
TRUST = entries(
    {
        "answer": one_of(*Trusted),
        "reason": TEXT,
        "draws": whole(),
        **dict.fromkeys(("k_hat", "effective_sample_size", "half_variance", "elbo"), maybe(NUMBER)),
        **dict.fromkeys(("log_evidence", "log_evidence_error", "rivals"), maybe(NUMBER)),
        **dict.fromkeys(("shift", "sd_ratio", "second_moment_size"), FIGURES),
    },
    {"unknowns": by_name(one_of(*Trusted))},
)
PREDICTIONS = entries(
    {"answer": one_of(*Trusted), "reason": TEXT, "shift": maybe(NUMBER), "ratio": maybe(NUMBER), "rows": whole()}
)
SPENT = entries(dict.fromkeys(Spent._fields, NUMBER))
COST = entries(
    dict.fromkeys(Spent._fields, NUMBER) | {"stages": entries({}, dict.fromkeys(STAGES, SPENT))},
)
VERDICT = entries({"converged": CONVERGENCE, "trust": TRUST, "rungs": each(TEXT)})
ANSWERS = entries(
    {
        "ended": one_of(*(ended.word for ended in Ended)),
        "reason": TEXT,
        "reasons": by_name(TEXT),
        **dict.fromkeys(("elbo", "expected_log_likelihood", "kl", "elbo_standard_error"), NUMBER),
        "iterations": whole(),
        "gradient_evaluations": NUMBER,
        "rows": whole(),
        "batch_size": maybe(whole(1)),
        "seed": whole(0, 2**32 - 1),
        "dtype": one_of("float32", "float64"),
        "seconds": entries(dict.fromkeys(("prepare", "learn", "evaluate", "total"), NUMBER)),
    },
    {
        "cost": COST,
        "verdict": maybe(VERDICT),
        "coefficients": each(by_name(SCALAR)),
        "predictions": maybe(PREDICTIONS),
        "provenance": by_name(TEXT),
    },
)
PARTS = ("model", "family", "objective", "gradient")
FIT = entries(
    {
        "fit": ANSWERS,
        "local": FLAG,
        "steps_per_second": NUMBER,
        "parts": entries(dict.fromkeys(PARTS, ANYTHING)),
        "fingerprints": entries(dict.fromkeys(PARTS, ANYTHING)),
        "algorithm": ANYTHING,
        "steps": whole(1),
    }
)
"""All of `fit.json`; the parts, the design and the labels are looked at by those who build them."""

"""Learning by nested inference: the engine on the host, its answer as a family, and the verdict at once."""

import equinox as eqx
import numpy as np

from taut.algorithms.nested.algorithm import Nested
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.of_model import KEPT, family_of, problem_of
from taut.algorithms.nested.solution import Solution
from taut.choosing.choose import Choice
from taut.core.cost import LEARNING, VERDICT
from taut.core.threads import threads_for
from taut.core.trees import cast
from taut.diagnostics.elbo import Bound
from taut.errors import ArgumentError
from taut.fitting.outcome import Outcome, Request
from taut.learning.ended import Ended
from taut.models.mixed import MixedModel
from taut.verdict.answers import Converged
from taut.verdict.convergence import Convergence, certified
from taut.verdict.draws import JUDGE_STREAM
from taut.verdict.judge_nested import judge_nested

ENOUGH = 1e-3
"""Nats left to gain at a node up to which it counts as solved; q(t) then errs by as much."""
COUNTS = 1e-4
"""Share of the mass from which a node counts."""


@np.errstate(over="ignore", under="ignore")
def nested(algorithm: Nested, choice: Choice, request: Request) -> Outcome:
    """Run nested inference, and judge its answer.

    Args:
        algorithm: The algorithm of the choice.
        choice: The five sentences.
        request: What the run works on and how it is watched.

    Raises:
        ArgumentError: A checkpoint: it saves nothing on the way.
    """
    if request.checkpoint is not None:
        raise ArgumentError(
            "checkpoint= is for algorithms that learn step by step, and nested saves nothing on the way; leave it out, "
            "or use algorithm=taut.algorithms.StochasticGradient()."
        )
    model = choice.problem.model
    assert isinstance(model, MixedModel)  # none else offers what the algorithm needs
    layout, likelihood = problem_of(model, request.rows.rows, request.rows.weights)
    with threads_for(layout.width):
        with request.ledger.stage(LEARNING):
            solution = fit(layout, likelihood)
            request.ledger.add(gradients=solution.steps)
        convergence = _convergence(solution)
        rng = np.random.default_rng([request.seed, JUDGE_STREAM])
        with request.ledger.stage(VERDICT):
            draws = solution.sample(KEPT, rng)
            family = family_of(solution, draws, rng)
            judged = judge_nested(model, solution, draws, convergence, _bound(solution), request.ledger)
    return Outcome(
        problem=eqx.tree_at(lambda p: p.family, choice.problem, cast(family, request.source.dtype)),
        bound=judged.bound,
        history={},
        ended=Ended.CONVERGED if convergence.answer is Converged.YES else Ended.STALLED,
        reason="",
        iterations=solution.steps,
        own={"judged": judged, "solution": solution},
        convergence=convergence,
        reasons={"family": _words(solution)},
    )


def _convergence(solution: Solution) -> Convergence:
    """Whether each node that counts was solved."""
    left = float(np.max(solution.nodes.left[solution.weights > COUNTS], initial=0.0))
    return certified(left < ENOUGH, left, {"left": left, "nodes": float(len(solution.t))})


def _bound(solution: Solution) -> Bound:
    r"""The ELBO of q(t) q(w given t): \(\sum_c q_c (ELBO(t_c) + \log p(t_c) - \log q_c + \log volume_c)\)."""
    weights = solution.weights
    held = weights > 0
    log_q = np.log(np.where(held, weights, 1.0)) - solution.log_volumes
    elbo = float(weights @ np.where(held, solution.nodes.log_density - log_q, 0.0))
    likelihood = float(weights @ solution.nodes.expected_log_likelihood)
    return Bound(elbo, likelihood, likelihood - elbo, 0.0)


def _words(solution: Solution) -> str:
    """How the scales were integrated, and which effects are Gaussian."""
    nodes = f"{len(solution.t)} nodes over {solution.t.shape[1]} scales"
    if solution.exact is None:
        return f"coefficients and effects are Gaussian at each of {nodes}"
    return f"the effects of the largest factor are integrated by quadrature, the rest is Gaussian at each of {nodes}"

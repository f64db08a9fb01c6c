"""The answer of short Hamiltonian chains that start from draws of q: their draws, q itself, or neither.

Chains that have not settled are on their way from q to the posterior: on five posteriors of which q's sds were half the
true ones theirs were right to 10 %. They go on where more transitions may settle them. Where they are far from each
other they have hardly left q, which remains. Where few chains move nothing beyond their own noise, which q does not
have, q remains, too.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtrit

from taut.core.batch import Batch
from taut.families import Family
from taut.models import Model
from taut.models.density import Density
from taut.verdict.answers import Trusted
from taut.verdict.chains import FARTHEST, answer_of_chains, unsettled
from taut.verdict.changes import in_percent, in_sds
from taut.verdict.draws import Columns, log_prob_of, named_columns
from taut.verdict.hamiltonian import MANY_CHAINS, MOST_R_HAT, HamiltonianDraws, Moments, hamiltonian_draws, moments
from taut.verdict.judge import Judgement
from taut.verdict.trust import Trust
from taut.verdict.unknowns import answers_by_changes
from taut.verdict.weighing import heavy_tails, tails_of_interval, varies

TALL = 1000
"""Number of rows from which an optimised translation of the chains pays."""
USELESS_R_HAT = 1.3
"""R-hat from which chains say nothing."""
HEAVIEST = 0.85
"""Tail shape of squared deviations above which short chains cannot have seen enough of the tail for an sd."""
ROUNDS = 2
"""How often chains that have not settled go on, each time for twice as long."""
FALSE_CHANGE = 0.01
"""Probability that noise alone looks like a change of some unknown."""
MOST_NOISE = 0.15
"""Noise of a change, in sds or as a share of an sd, above which chains that show none have not looked well enough."""


class Sampled(NamedTuple):
    """Draws of chains.

    Attributes:
        z: `[n, D]`, the draws, one chain after the other.
        values: `[n, M]`, the named unknowns.
        moments: Of the named values: a tail that is short in z may be long in x.
    """

    z: Float[np.ndarray, "n D"]
    values: Float[np.ndarray, "n M"]
    moments: Moments


def by_chains(
    model: Model,
    batch: Batch,
    density: Density,
    family: Family,
    judged: Judgement,
    *,
    chains: int,
    seed: int,
    to_columns: Columns | None = None,
) -> tuple[Judgement | None, str]:
    """The judgement that chains lead to, None where they say nothing; and a phrase on what they did.

    Args:
        model: The model.
        batch: All rows.
        density: Log density of all rows.
        family: q, from whose draws the chains start.
        judged: The verdict on q with its draws.
        chains: Number of chains.
        seed: Seed of the chains.
        to_columns: A function that names the unknowns, in place of the model's own naming.
    """
    names, before = named_columns(model, judged.z, density.dtype, to_columns)
    judges = varies(before)

    def seen(found: HamiltonianDraws) -> Sampled:
        z = found.draws.reshape(-1, density.dim)
        values = named_columns(model, z, density.dtype, to_columns)[1]
        return Sampled(z, values, moments(values[:, judges].reshape(chains, -1, int(judges.sum()))))

    def more(seed: int, found: HamiltonianDraws | None = None) -> HamiltonianDraws:
        kept: Any = {"chains": chains, "plain": batch.size < TALL}
        return hamiltonian_draws(model, batch, family, seed, density.dtype, before=found, **kept)

    found = more(seed)
    z, values, of = seen(found)
    for round_ in range(ROUNDS):
        if of.agree or not _may_settle(float(of.r_hat.max()), ROUNDS - round_):
            break
        longer = found._replace(draws=found.draws[:, :0])
        for k in range(2**round_):
            longer = longer.joined(more(seed + 2**round_ + k, longer))
        found = longer
        z, values, of = seen(found)
    density.ledger.add(gradients=found.evaluations)
    note = _note(found, float(of.r_hat.max()))
    if not of.r_hat.max() < USELESS_R_HAT:
        return None, f"{note}, which do not agree"
    trust, of_q = _trust(judged, names, before, values, judges, of)
    verdict = dataclasses.replace(judged.verdict, trust=trust)
    if of_q:
        return judged._replace(verdict=verdict, weights=np.full(len(judged.z), 1 / len(judged.z))), note
    own: Any = {"of_q": False, "chains": chains, "log_q": log_prob_of(family, z, density.dtype)}
    weights = np.full(len(z), 1 / len(z))
    return judged._replace(verdict=verdict, z=z, weights=weights, log_prob=density.values(z)[0], **own), note


def _may_settle(r_hat: float, rounds: int) -> bool:
    """Whether this R-hat may fall far enough: R-hat - 1 halves with every doubling of chains, at best."""
    return r_hat < USELESS_R_HAT and (r_hat - 1) / 2**rounds < MOST_R_HAT - 1


def _trust(
    judged: Judgement,
    names: tuple[str, ...],
    before: Float[np.ndarray, "n M"],
    values: Float[np.ndarray, "m M"],
    judges: Bool[np.ndarray, " M"],
    of: Moments,
) -> tuple[Trust, bool]:
    """What is said of the draws of chains; and whether q remains the answer, since they show no change of it."""
    sd, heavy, settled = np.where(judges, before.std(0), 1.0), ~np.ones_like(judges), np.ones_like(judges)
    shift = np.where(judges, (values.mean(0) - before.mean(0)) / sd, 0.0)
    ratio = np.where(judges, values.std(0) / sd, 1.0)
    heavy[judges] = heavy_tails(values[:, judges], above=HEAVIEST)
    settled[judges] = of.settled
    noise = _noise(of, len(before))
    changes = np.stack([np.abs(shift), np.abs(ratio - 1)])[:, judges]
    confirmed = settled.all() and np.all(changes <= noise) and np.all(noise <= MOST_NOISE)
    if of.chains < MANY_CHAINS and not heavy.any() and confirmed:
        answer, of_q = Trusted.GOOD, True
        doubts = np.zeros(len(names), bool)
        reason = (
            f"chains that started from draws of q moved means by {in_sds(changes[0].max())} and sds "
            f"by {in_percent(changes[1].max())}, no farther than their noise"
        )
    else:
        of_q, doubts = False, heavy | ~settled | (np.maximum(np.abs(shift), np.abs(ratio - 1)) > FARTHEST)
        answer, reason = answer_of_chains(names, shift, ratio, heavy, tails_of_interval(before, values))
        if not settled.all():
            answer, reason = Trusted.SUSPECT, unsettled(names, shift, ratio, float(of.r_hat.max()))
        if answer is Trusted.SUSPECT and not doubts.all():
            reason += f"; {len(doubts) - doubts.sum()} of {len(doubts)} unknowns can be quoted, as the table says"
    trust = dataclasses.replace(
        judged.verdict.trust,
        answer=answer,
        reason=reason,
        names=names,
        shift=shift,
        sd_ratio=ratio,
        second_moment_size=np.where(heavy, 0.0, len(values)),
        unknowns=answers_by_changes(shift, ratio, doubts) if not of_q else (Trusted.GOOD,) * len(names),
    )
    return trust, of_q


def _noise(of: Moments, draws: int) -> Float[np.ndarray, "2 M"]:
    """Changes of means and sds up to which noise of the chains and of `draws` draws of q would explain them."""
    most = float(stdtrit(of.chains - 1, 1 - FALSE_CHANGE / (4 * max(1, of.mean.size))))
    errors = np.stack([of.mean_error, of.sd_error]) / of.sd
    return most * np.sqrt(errors**2 + np.array([[1.0], [0.5]]) / draws)


def _note(chains: HamiltonianDraws, r_hat: float) -> str:
    number, gradients = len(chains.draws), chains.evaluations
    return f"Hamiltonian Monte Carlo: {number} chains, R-hat {r_hat:.3f} ({gradients:,} gradients)"

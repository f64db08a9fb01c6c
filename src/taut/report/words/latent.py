"""What page and terminal say of a latent-variable model."""

from taut.diagnostics.constraint_checks import sentences
from taut.diagnostics.saddle import Saddle, saddles
from taut.networks import MLP
from taut.report.latent_evidence import LatentEvidence
from taut.report.words import numbers as words
from taut.results.latent import LatentFit

HOW = {
    "fixed": "0/1 values drawn once from the grey levels",
    "dynamic": "0/1 values drawn from the grey levels, anew at each training step and once for testing",
    "threshold": "0/1 values, grey levels cut at a half",
    "none": "grey levels in [0, 1]",
}


def of(evidence: LatentEvidence | None) -> str:
    """Whose examples, e.g. " of digits"; nothing where the data have no name."""
    data = evidence.record.get("data") if evidence else None
    return f" of {words.label(data['name'])}" if data else ""


def figures(evidence: LatentEvidence | None) -> list[tuple[str, str, str]]:
    """The figures of an evaluation: name, value, what it is."""
    seen = evidence.evaluation if evidence else None
    if not seen:
        return []
    marginal, units = seen["log_marginal"], seen["activity"]
    lines = [
        (
            "ELBO",
            f"{words.nats(seen['elbo'])} (standard error {seen['elbo_standard_error']:.2g})",
            "the true one, whatever objective was trained",
        ),
        ("E log p(x|z)", words.nats(seen["expected_log_likelihood"]), "reconstruction; minus the distortion"),
        ("KL", words.divergence(seen["kl"]), "the rate"),
        (
            "log p(x)",
            f"{words.nats(marginal['value'])} (standard error {marginal['standard_error']:.2g})",
            f"importance sampling, {marginal['draws']} draws for each example, effective sample size "
            f"{marginal['effective_sample_size']:.1f} on average and {marginal['worst_effective_sample_size']:.1f} at "
            "worst. " + (marginal["warning"] or ""),
        ),
    ]
    if annealed := seen["annealed"]:
        of = annealed["log_marginal"]
        lines.append(
            (
                "log p(x), annealed",
                f"{words.nats(of['value'])} (standard error {of['standard_error']:.2g})",
                f"annealed importance sampling on {of['images']} of the examples, where importance sampling says "
                f"{words.nats(annealed['importance_sampling'])}",
            )
        )
    information = seen["information"]
    lines += [
        ("active units", f"{units['active']} of {units['units']}", seen["collapse"]["reason"]),
        (
            "mutual information",
            words.divergence(information["mutual_information"]),
            "what a code tells of its example. " + (information["warning"] or ""),
        ),
        ("marginal KL", words.divergence(information["marginal_kl"]), "how far all codes together lie from the prior"),
    ]
    return lines


def learned(fit: LatentFit) -> list[Saddle]:
    """How each constraint ended; none without constraints, or where training was too short to say."""
    objective = fit.problem.objective
    if not objective.constraints or len(fit.history.get("violation", ())) < 10:
        return []
    return saddles(objective, fit.history)


def coefficients(fit: LatentFit) -> list[str]:
    """Whether each constraint is met, and the multiplier that was learned for it."""
    return [*sentences(fit.constraint_checks), *map(coefficient, learned(fit))]


def coefficient(saddle: Saddle) -> str:
    """The multiplier in a sentence, with the beta that would lead to the same answer."""
    beta = saddle.equivalent_beta
    same = "" if beta is None else f", as \N{GREEK SMALL LETTER BETA} = {beta:.4g} would"
    name = words.printable(saddle.constraint)
    return f"\N{GREEK SMALL LETTER LAMDA} of {name} = {saddle.multiplier:.4g}{same}. {saddle.words}"


def feasible(evidence: LatentEvidence | None) -> list[str]:
    """Between what a bound on the expected log-likelihood can lie at all; nothing where none was asked for."""
    found = evidence.record.get("feasible_range") if evidence else None
    if not found:
        return []
    ceiling = words.nats(found["ceiling"]) if found["ceiling"] else "0"
    return [
        f"On the held-out examples E log p(x|z) can lie between {words.nats(found['floor'])} nats, which a decoder "
        f"that ignores z reaches, and {ceiling}, which none exceeds."
    ]


def networks(fit: LatentFit) -> str:
    """Encoder and decoder: the units of each layer, or the name of another kind of network."""
    said = {}
    for role, network in (("encoder", fit.posterior.encoder), ("decoder", fit.model.decoder)):
        layers = network.layers if isinstance(network, MLP) else ()
        sizes = [*(layer.weight.shape[0] for layer in layers), *(layer.weight.shape[1] for layer in layers[-1:])]
        kind = getattr(network, "__qualname__", type(network).__name__)
        said[role] = "-".join(map(str, sizes)) if layers else words.label(kind, 60)
    return ", ".join(f"{role} {what}" for role, what in said.items())


def provenance(evidence: LatentEvidence | None) -> list[tuple[str, str]]:
    """Data, splits and binarisation: what a figure must never be parted from."""
    record = evidence.record if evidence else {}
    lines = []
    if data := record.get("data"):
        shape = " x ".join(map(str, data["shape"]))
        lines.append(("data", f"{words.label(data['name'], 60)}, {shape} pixels, white is {data['levels']}"))
        lines.append(
            (
                "splits",
                f"{data['train']:,} to train on, {data['validation']:,} to validate on, {data['test']:,} to test on "
                f"(test split: {data['test_split']})",
            )
        )
    if how := record.get("binarisation"):
        lines.append(("binarisation", f"{how['kind']}, seed {how['seed']}: {HOW[how['kind']]}"))
    return lines

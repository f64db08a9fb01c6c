"""A fitted latent-variable model as lines for the terminal."""

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from taut.report.latent_evidence import LatentEvidence
from taut.report.terminal.posterior import verdict
from taut.report.words import latent as latent_words
from taut.report.words import numbers as words

COLOURS = {"converged": "green", "budget_spent": "green", "stopped": "green"}


def latent_table(fit: Any) -> RenderableType:
    """The figures on the test split, the learned coefficients, what was fitted and how it ended, and the verdict.

    Args:
        fit: the fit, with its `LatentEvidence` or without.
    """
    evidence = LatentEvidence.from_arrays(fit.evidence)
    facts = fit.to_json()
    shown, on = latent_words.held_out(fit, evidence)
    word, sentence = words.ending(facts, fit.ended.value)
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("nats per example", no_wrap=True)
    grid.add_column("test split", no_wrap=True)
    grid.add_column("", overflow="fold")
    for name, value, meaning in latent_words.figures(fit, evidence):
        grid.add_row(name, value, Text(meaning, style="dim"))
    parts: list[RenderableType] = [grid] if grid.row_count else []
    parts += [Text(latent_words.coefficient(saddle)) for saddle in latent_words.learned(fit)]
    parts += [Text(sentence) for sentence in latent_words.feasible(evidence)]
    speed = f"{facts['images_per_second']:,.0f} images/s, " if facts["images_per_second"] else ""
    lines = [f"{name}: {value}." for name, value in latent_words.provenance(fit, evidence)]
    parts.append(
        Text.assemble(
            latent_words.what(fit, evidence),
            "\n",
            f"{words.count(facts['iterations'], 'step')}, {speed}{facts['seconds']['total']:.1f} s.\n",
            *(line + "\n" for line in lines),
            (latent_words.bound(shown), "bold"),
            f" ({on})\n",
            (f"{word}. ", f"bold {COLOURS.get(facts['ended'], 'red')}"),
            sentence,
            verdict(facts["verdict"], "\n"),
        )
    )
    return Group(*parts)

"""The Markdown tables of `mixed.py`: one of Taut beside its targets, and one of all tools."""

from typing import Any

from mixed_judge import is_scale

NAMES = {"taut": "Taut", "lme4": "lme4", "statsmodels": "statsmodels", "nuts": "NumPyro NUTS"}


def tables(report: dict[str, Any]) -> str:
    """Both, and what the machine was."""
    where = ", ".join(f"{name} {value}" for name, value in report["machine"].items())
    return "\n\n".join([targets(report["rows"]), everything(report["rows"]), where])


def lines(head: str, rows: list[list[str]]) -> str:
    """A table whose columns are named in `head`, with bars between them."""
    columns = head.split("|")
    rows = [[cell.replace("|", "\\|") for cell in line] for line in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *rows])


def targets(rows: list[dict[str, Any]]) -> str:
    """Taut by model: its largest errors, CPU seconds, those of lme4 and NUTS in the same run, and the verdict."""
    by_tool = {(row["model"], row["tool"]): row for row in rows}
    found = []
    for row in rows:
        if row["tool"] != "taut":
            continue
        name = row["model"]
        if "cold" not in row:
            found.append([name, why(row), *[""] * 8])
            continue
        lme4, nuts = by_tool.get((name, "lme4"), {}), by_tool.get((name, "nuts"), {})
        verdict = row["verdict"]
        cells = [name, *(part(row[key]) for key in ("fixed", "scales", "groups"))]
        cells += ["yes" if row["reached"] else "no", number(row["cold"]), number(row["warm"])]
        cells += [of_lme4(row, lme4), over(nuts.get("call"), row["warm"]) + " / " + over(nuts.get("cold"), row["cold"])]
        found.append([*cells, f"converged: {verdict['converged']}, trust: {verdict['trust']}"])
    head = "model|fixed|scales|groups|within bounds|cold|warm|of lme4's, warm|NUTS over it, warm / cold|verdict"
    return "Taut. " + CAPTION + "\n\n" + lines(head, found)


def everything(rows: list[dict[str, Any]]) -> str:
    """All tools by model."""
    found = []
    for row in rows:
        tool = NAMES[row["tool"]]
        if "cold" not in row:
            found.append([row["model"], tool, *[""] * 5, why(row)])
            continue
        note = "; ".join(filter(None, [row.get("note", ""), scales(row), absent(row)]))
        seconds = [number(row["cold"]), number(row.get("warm", row.get("call")))]
        found.append([row["model"], tool, *(part(row[key]) for key in ("fixed", "scales", "groups")), *seconds, note])
    return "All tools. " + CAPTION + "\n\n" + lines("model|tool|fixed|scales|groups|cold|warm|note", found)


CAPTION = (
    "Largest error in reference sds and range of the ratios of sds, for fixed effects and thresholds, for scales, and "
    "for group effects; CPU seconds of a new process and of a further call (of the only call, for NUTS)."
)


def part(judged: dict[str, Any] | None) -> str:
    """`0.03 (0.97 to 1.02)`."""
    if judged is None:
        return "-"
    ratios = judged["sd"]
    return f"{judged['error']:.2f}" + (f" ({ratios[0]:.2f} to {ratios[1]:.2f})" if ratios else "")


def scales(row: dict[str, Any]) -> str:
    """Each scale's error, with its sign."""
    return ", ".join(f"{name} {error:+.2f}" for name, (error, _) in row["each"].items() if is_scale(name))


def absent(row: dict[str, Any]) -> str:
    """What the answer has not."""
    names = row["missing"]
    return (
        f"not given: {', '.join(names[:4])}{f' and {len(names) - 4} more' if len(names) > 4 else ''}" if names else ""
    )


def why(row: dict[str, Any]) -> str:
    """Why there is no answer."""
    return row.get("none") or f"failed: {row['failed']}"


def number(seconds: float | None) -> str:
    """Three digits; a dash for what was not measured."""
    return "-" if seconds is None else f"{seconds:.3g}"


def over(theirs: float | None, ours: float) -> str:
    """`24x`."""
    return "-" if theirs is None else f"{theirs / ours:.3g}x"


def of_lme4(row: dict[str, Any], lme4: dict[str, Any]) -> str:
    """Taut's warm seconds over lme4's, and what they may be: 1x with one scale, 2x with several."""
    if "warm" not in lme4:
        return "-"
    several = sum(map(is_scale, row["each"])) > 1
    return f"{row['warm'] / lme4['warm']:.2f}x of {2 if several else 1}x"

"""The error of a mean of gradients against their number: whether an estimator is consistent."""

from matplotlib.figure import Figure

from taut.report.figures.estimator_looks import looks
from taut.report.figures.log_axis import label_decades
from taut.report.figures.style import GREY, WIDTH, plain
from taut.studies.claims import Claims


def consistency(found: Claims) -> Figure:
    """Draw the distance from the exact gradient against the number of gradients averaged, beside a slope of -1/2.

    Args:
        found: The claims, from `taut.gradient_claims`.
    """
    noisy = found.table.filter(found.table["slope"].is_not_null())
    names = list(dict.fromkeys(noisy["estimator"]))
    figure = Figure(figsize=(WIDTH, 3.4 + 0.16 * len(names)))
    ax = figure.subplots()
    ends = []
    for name, (colour, marker, line) in zip(names, looks(names), strict=True):
        rows = found.errors.filter(found.errors["estimator"] == name).sort("point", "gradients")
        slope = noisy.filter(noisy["estimator"] == name)["slope"][0]
        label = f"{name}: \N{MINUS SIGN}{-slope:.2f}"
        for point in sorted(set(rows["point"])):
            there = rows.filter(rows["point"] == point)
            ax.plot(
                there["gradients"],
                there["error"],
                color=colour,
                marker=marker,
                linestyle=line,
                markersize=4,
                linewidth=1.2,
                label=label,
            )
            label = None
            ends.append((there["gradients"].to_numpy(), there["error"][0]))
    if ends:
        n, most = max(ends, key=lambda end: end[1])
        ax.plot(n, 1.6 * most * n**-0.5, color=GREY, linewidth=1, label="a slope of \N{MINUS SIGN}0.50")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        label_decades(ax.yaxis)
        ax.xaxis.set_major_formatter(plain)
        figure.legend(loc="outside lower center", ncols=2)
    ax.set_xlabel("gradients averaged")
    ax.set_ylabel("RMS distance from the exact gradient")
    return figure

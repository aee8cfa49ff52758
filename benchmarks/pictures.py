"""Pictures of the results: curves against time, an epoch beside the limits, and scaling."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gaps import family_paths, optimum

LEAST = 1e-5
"""The smallest excess over the optimum, and the smallest error, that is drawn."""
COLOURS = {
    "svmtrain dual": "#0072b2",
    "svmtrain sgd": "#56b4e9",
    "LIBLINEAR -s 3": "#d55e00",
    "LIBLINEAR -s 4": "#a03000",
    "LinearSVC": "#e69f00",
    "SGDClassifier": "#009e73",
    "plain numpy loop": "#7f7f7f",
    "torch SGD": "#cc79a7",
    "mlpack L-BFGS": "#6a51a3",
}
TITLES = {
    "weston_watkins": "Weston-Watkins",
    "crammer_singer": "Crammer-Singer",
    "one_vs_rest": "one against rest",
    "hinge": "hinge, two classes",
}


def plotting() -> Any:
    """Return pyplot, set to draw into files that are the same for the same figures."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {"svg.hashsalt": "svmtrain", "svg.fonttype": "none", "font.size": 9, "axes.grid": True}
    )
    matplotlib.rcParams.update({"grid.alpha": 0.3, "axes.axisbelow": True})
    from matplotlib import pyplot

    return pyplot


def save(figure: Any, path: Path) -> str:
    """Write a figure and return the name of its file."""
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plotting().close(figure)
    return path.name


def middle(repeats: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return the path whose points are medians over the repeats, as far as all of them went."""
    length = min(len(answer["path"]) for answer in repeats)
    found = []
    for number in range(length):
        points = [answer["path"][number] for answer in repeats]
        found.append(
            {
                key: statistics.median(point[key] for point in points)
                for key in ("seconds", "objective", "accuracy")
                if all(point[key] is not None for point in points)
            }
        )
    return sorted(found, key=lambda point: point["seconds"])


def style(name: str) -> dict[str, Any]:
    """Return how the curve of a contestant is drawn."""
    colour = next(value for key, value in COLOURS.items() if name.startswith(key))
    ours, compiled = name.startswith("svmtrain"), name.endswith("numba")
    lines = "-" if compiled or "sgd" in name else (0, (3, 1)) if ours else "-"
    return {
        "color": colour,
        "linestyle": lines,
        "linewidth": 1.6 if ours else 1.2,
        "marker": "None" if ours else "o",
        "markersize": 3,
        "label": name,
    }


def curves(race: Mapping[str, Any], path: Path) -> str:
    """Draw, for each family, excess over the optimum against time; and test error against time."""
    families = list(dict.fromkeys(one["family"] for one in race["contestants"].values()))
    pyplot = plotting()
    figure, axes = pyplot.subplots(
        2, len(families), figsize=(4.2 * len(families), 6.4), squeeze=False, sharex="col"
    )
    for column, family in enumerate(families):
        target = optimum(family_paths(race, family), 1e-3)
        upper, lower = axes[0][column], axes[1][column]
        for name, one in race["contestants"].items():
            if one["family"] == family and one["repeats"]:
                draw_curve(upper, lower, name, middle(one["repeats"]), target)
        upper.set(xscale="log", yscale="log", title=TITLES[family])
        lower.set(xscale="log", yscale="log", xlabel="seconds of training")
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "frameon": False}
        lower.legend(fontsize=7, **below)
        plain_numbers(lower)
    axes[0][0].set_ylabel("objective over its optimum, minus 1")
    axes[1][0].set_ylabel("test error")
    figure.suptitle(f"{race['dataset']}, lambda {race['lambda']:g}", y=0.96)
    return save(figure, path)


def draw_curve(
    upper: Any, lower: Any, name: str, points: list[dict[str, float]], target: float
) -> None:
    """Draw one contestant into the two axes of its family."""
    times = [max(point["seconds"], 1e-5) for point in points]
    excess = [max(point["objective"] / target - 1, LEAST) for point in points]
    upper.plot(times, excess, **style(name))
    judged = [point for point in points if "accuracy" in point]
    lower.plot(
        [max(point["seconds"], 1e-5) for point in judged],
        [max(1 - point["accuracy"], LEAST) for point in judged],
        **style(name),
    )


def plain_numbers(axes: Any) -> None:
    """Write errors as percentages, and seconds without powers, few enough to stay apart."""
    from matplotlib.ticker import FuncFormatter, LogLocator, PercentFormatter

    least, most = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if most < 50 * least else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter("")
    least, most = axes.get_ylim()
    if most < 10 * least:
        axes.set_yscale("linear")
    else:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes.yaxis.set_minor_formatter("")


def bars(epoch: Mapping[str, Any], path: Path) -> str:
    """Draw the seconds of an epoch as bars, with the limits as lines."""
    pyplot = plotting()
    times = {name: one for name, one in epoch["seconds"].items() if one}
    figure, axes = pyplot.subplots(figsize=(7, 0.45 * len(times) + 1.2))
    names = list(times)
    medians = [times[name]["median"] for name in names]
    colours = ["#0072b2" if name.startswith("svmtrain") else "#999999" for name in names]
    below = [one["median"] - one["min"] for one in times.values()]
    above = [one["max"] - one["median"] for one in times.values()]
    axes.barh(names, medians, color=colours, xerr=[below, above], ecolor="black", capsize=2)
    for name, line in (("skinny", "-"), ("large", ":")):
        limit = epoch["limits"][name]["median"]
        axes.axvline(limit, color="#d55e00", linestyle=line, label=f"limit, {name} products")
    axes.set(xlabel=f"seconds of an epoch of {epoch['rows']:,} x 784 x 10")
    axes.invert_yaxis()
    axes.legend(fontsize=7, loc="upper right")
    return save(figure, path)


def growth(scaling: Sequence[Mapping[str, Any]], path: Path) -> str:
    """Draw the seconds of an epoch against rows, features and classes."""
    pyplot = plotting()
    kinds = list(dict.fromkeys(line["grows"] for line in scaling))
    figure, axes = pyplot.subplots(1, len(kinds), figsize=(4 * len(kinds), 3), sharey=True)
    for line in scaling:
        one = axes[kinds.index(line["grows"])]
        medians = [spread["median"] for spread in line["seconds"]]
        label = f"{line['solver']}, exponent {line['exponent']:.2f}"
        colour = COLOURS[f"svmtrain {line['solver']}"]
        one.plot(line["sizes"], medians, "o-", color=colour, label=label)
    for one, kind in zip(axes, kinds, strict=True):
        one.set(xscale="log", yscale="log", xlabel=kind)
        sizes = next(line["sizes"] for line in scaling if line["grows"] == kind)
        one.set_xticks(sizes, [f"{size:,}" for size in sizes])
        one.set_xticks([], minor=True)
        one.legend(fontsize=7)
    axes[0].set_ylabel("seconds an epoch")
    return save(figure, path)

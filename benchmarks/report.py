"""Turn results.json into results.md and its pictures.

    python -m benchmarks.report FOLDER

does it again from the results.json of a folder, without measuring anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import pictures, tables
from benchmarks.tables import shown, table

MICRO = 1e6


def heading(results: Mapping[str, Any]) -> str:
    """Return what was run, on what."""
    machine, options = results["machine"], results["options"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    lines = [
        "# Results",
        "Written by the benchmark suite; the README of the folder above says how it measures, and "
        "how to read this. Times are seconds, medians with the range of the repeats in brackets, "
        "each in a fresh process on one thread, the contestants in turn.",
        table(
            ["what", "which"],
            [
                ["processor", f"{machine['processor']}, {machine['cores']} cores"],
                ["memory", f"{machine['memory'] / 1e9:.0f} GB"],
                ["system", f"{machine['system']}, Python {machine['python']}"],
                ["versions", versions],
                ["load before and after", f"{machine['load']:.2f}, {results['load_after']:.2f}"],
                ["date", machine["date"]],
                ["run", "quick" if options["quick"] else "full"],
                [
                    "repeats, seconds a peer may train",
                    f"{options['repeats']}, {options['budget']:g}",
                ],
            ],
        ),
    ]
    lines += ["\n".join(f"- {line}" for line in results["skipped"])] if results["skipped"] else []
    return "\n\n".join(lines)


RATES = {
    "products of a step, 256 x 784 x 10, GFLOP/s": "skinny",
    "products of 1,536 x 1,536, GFLOP/s": "large",
    "memory read, GB/s": "bandwidth",
    "random rows gathered, GB/s": "gather",
}


def epoch_table(epoch: Mapping[str, Any]) -> str:
    """Return the epochs, as multiples of the limits and of svmtrain's."""
    ours = epoch["seconds"].get("svmtrain, steps alone")
    rows = []
    for name, one in epoch["seconds"].items():
        if one is None:
            continue
        by = [epoch["limits"]["skinny"], epoch["limits"]["large"], ours]
        cells = [f"{one['median'] / other['median']:.2f}" if other else "-" for other in by]
        rows.append([name, shown(one), *cells])
    head = ["", "seconds", "x limit, its own products", "x limit, large", "x svmtrain's steps"]
    return table(head, rows)


def epoch_section(epoch: Mapping[str, Any], step: Mapping[str, Any], folder: Path) -> str:
    """Return the limits, the epochs as multiples of them, and the overhead of a step."""
    rates = [[name, shown(epoch["rates"][key], 1e-9)] for name, key in RATES.items()]
    skinny, large = (epoch["limits"][name]["median"] for name in ("skinny", "large"))
    small = f"{step['batch']} x {step['features']} x {step['classes']}"
    return "\n\n".join(
        [
            "## An epoch beside the machine's limits",
            table(["limit", "measured"], rates),
            f"Kernels: {'; '.join(epoch['kernels'])}. An epoch of {epoch['rows']:,} x 784 x 10 in "
            f"float32, batches of 256, takes at least {tables.figure(skinny)} s with the rate of "
            f"its own products, {tables.figure(large)} s with that of large ones (arithmetic and "
            "one read of the rows).",
            epoch_table(epoch),
            f"![Seconds of an epoch]({pictures.bars(epoch, folder / 'epoch.svg')})",
            f"A step of {small}: svmtrain {shown(step['svmtrain'], MICRO)} us, its bare products "
            f"{shown(step['bare products'], MICRO)} us, the loop's overhead "
            f"{shown(step['overhead'], MICRO)} us.",
        ]
    )


def race_section(races: list[Mapping[str, Any]], folder: Path) -> str:
    """Return the summary against the quickest peer, and every race's tables and curves."""
    parts = [
        "## Time to a gap of 1 % and of 0.1 %",
        "svmtrain's time is that until the gap was proven, the peers' that until a model of theirs "
        "was within it, which they cannot know.",
        tables.duel_table(tables.duels(races)),
    ]
    for race in races:
        name = f"{race['dataset']}-{race['lambda']:g}"
        picture = pictures.curves(race, folder / f"race-{name}.svg")
        parts.append(
            f"### {race['dataset']}, lambda {race['lambda']:g}\n\n{race['rows']:,} rows x "
            f"{race['features']:,} features, {race['classes']} classes."
        )
        for family in tables.families(race):
            if tables.runners(race, family):
                parts.append(tables.gap_heading(race, family))
                parts.append(tables.gap_table(race, family))
        parts.append("Each contestant's plain result:")
        parts.append(tables.job_table(race))
        parts.append(f"![Curves on {race['dataset']}]({picture})")
    return "\n\n".join(parts)


def whole_section(whole: Mapping[str, Any]) -> str:
    """Return whole processes from files to a model."""
    rows = []
    for name, one in whole["contestants"].items():
        accuracy = one["accuracy"]
        rows.append(
            [
                name,
                shown(one["seconds"]),
                shown(one["peak"], 1e-6),
                f"{accuracy['median']:.4f}" if accuracy else "-",
            ]
        )
    return "\n\n".join(
        [
            "## From files to a model on disk",
            f"{whole['data']}, {whole['rows']:,} rows, lambda {whole['lambda']:g}; svmtrain and "
            "scikit-learn read compressed IDX files, LIBLINEAR's Python package an svmlight file.",
            table(["", "seconds", "peak MB", "test accuracy"], rows),
        ]
    )


def scaling_section(scaling: list[Mapping[str, Any]], folder: Path) -> str:
    """Return the times of growing problems and their exponents."""
    rows = []
    for line in scaling:
        times = zip(line["sizes"], line["seconds"], strict=True)
        fixed = ", ".join(f"{v:,} {k}" for k, v in line["base"].items() if k != line["grows"])
        rows.append(
            [
                line["solver"],
                f"{line['grows']}, with {fixed}",
                "; ".join(f"{size:,}: {shown(one)}" for size, one in times),
                f"{line['exponent']:.2f}",
            ]
        )
    return "\n\n".join(
        [
            "## How an epoch grows",
            table(["solver", "what grows", "seconds an epoch", "exponent"], rows),
            f"![Scaling]({pictures.growth(scaling, folder / 'scaling.svg')})",
        ]
    )


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write results.json, results.md and the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    parts = [heading(results)]
    if "epoch" in results:
        parts.append(epoch_section(results["epoch"], results["step"], folder))
    if results.get("races"):
        parts.append(race_section(results["races"], folder))
    if "whole" in results:
        parts.append(whole_section(results["whole"]))
    if "scaling" in results:
        parts.append(scaling_section(results["scaling"], folder))
    (folder / "results.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    where = Path(sys.argv[1])
    write(json.loads((where / "results.json").read_text(encoding="utf-8")), where)

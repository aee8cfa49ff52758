"""Markdown tables of results, and figures as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gaps import (
    best_bound,
    best_objective,
    family_paths,
    optimum,
    spread,
    times_to,
)
from benchmarks.pictures import TITLES

GAPS = (1e-2, 1e-3)
NOT_REACHED = "not reached"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(value: float) -> str:
    """Return a positive figure with three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 3 if value < 1 else 2 if value < 10 else 1
    return f"{value:.{digits}f}" if value >= 0.01 else f"{value:.2g}"


def shown(one: Mapping[str, float] | None, factor: float = 1) -> str:
    """Return a median with its range; times `factor`."""
    if one is None:
        return NOT_REACHED
    median, least, most = (factor * one[key] for key in ("median", "min", "max"))
    text = figure(median)
    return text if least == most else f"{text} ({figure(least)}-{figure(most)})"


def families(race: Mapping[str, Any]) -> list[str]:
    """Return the families of a race, in the order of the contestants."""
    return list(dict.fromkeys(one["family"] for one in race["contestants"].values()))


def runners(race: Mapping[str, Any], family: str) -> list[str]:
    """Return the contestants of a family that have results."""
    return [
        name
        for name, one in race["contestants"].items()
        if one["family"] == family and one["repeats"]
    ]


def gap_table(race: Mapping[str, Any], family: str) -> str:
    """Return when each contestant of a family reached and had proven each gap."""
    head = ["", *(f"to {gap:.1%}" for gap in GAPS), *(f"{gap:.1%} proven" for gap in GAPS)]
    rows = []
    for name in runners(race, family):
        times = [times_to(race, name, gap) for gap in GAPS]
        proven = any(
            point.get("bound") is not None
            for answer in race["contestants"][name]["repeats"]
            for point in answer["path"]
        )
        cells = [shown(one["reached"]) for one in times]
        cells += [shown(one["proven"]) if proven else "-" for one in times]
        rows.append([name, *cells])
    return table(head, rows)


def gap_heading(race: Mapping[str, Any], family: str) -> str:
    """Return a line that says what the optimum of a family is known to be."""
    paths = family_paths(race, family)
    best, bound = best_objective(paths), best_bound(paths)
    known = "no bound" if bound is None else f"best bound {bound:.6f}"
    seen = [f"{gap:.1%}" for gap in GAPS if optimum(paths, gap) == best]
    held = f"; gaps of {' and '.join(seen)} are from the former" if seen else ""
    return f"**{TITLES[family]}**: best objective seen {best:.6f}, {known}{held}"


def job_table(race: Mapping[str, Any]) -> str:
    """Return load, train, total, objective, accuracy and memory of each contestant."""
    rows = []
    for name, one in race["contestants"].items():
        if not one["repeats"]:
            continue
        chosen = [answer["path"][answer["chosen"]] for answer in one["repeats"]]
        cells = [
            shown(spread([answer[key] for answer in one["repeats"]]))
            for key in ("load", "train", "total")
        ]
        objective = spread([point["objective"] for point in chosen])
        accuracy = spread([point["accuracy"] for point in chosen])
        peak = spread([answer["peak"] for answer in one["repeats"]])
        cells += [
            f"{TITLES[one['family']]} {objective['median']:.5f}" if objective else "-",
            f"{accuracy['median']:.4f}" if accuracy else "-",
            f"{peak['median'] / 1e6:.0f}" if peak else "-",
            chosen[0]["setting"],
        ]
        rows.append([name, *cells])
    head = ["", "load s", "train s", "total s", "objective", "test accuracy", "peak MB", "setting"]
    return table(head, rows)


def duels(races: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each race, family and gap, svmtrain's best proven time and the peers' best.

    Where no peer has a way to the optimum of a family, it is held to the quickest peer on an
    objective of that peer's own.
    """
    return [
        {
            **{key: race[key] for key in ("dataset", "lambda", "sparse")},
            "family": family,
            "gap": gap,
            **duel(race, family, gap),
        }
        for race in races
        for family in families(race)
        if any(is_ours(name) for name in runners(race, family))
        for gap in GAPS
    ]


def is_ours(name: str) -> bool:
    """Return whether a contestant is svmtrain."""
    return name.startswith("svmtrain")


def duel(race: Mapping[str, Any], family: str, gap: float) -> dict[str, Any]:
    """Return svmtrain's best time to have proven a gap, with and without numba, and a peer's."""
    ours = {n: times_to(race, n, gap)["proven"] for n in runners(race, family) if is_ours(n)}
    compiled = {name: one for name, one in ours.items() if name.endswith("numba")}
    plain = {name: one for name, one in ours.items() if name not in compiled}
    peer = None
    for some in ([family], families(race)):
        names = [n for other in some for n in runners(race, other) if not is_ours(n)]
        peer = peer or quickest({n: times_to(race, n, gap)["reached"] for n in names})
    return {
        "ours": quickest(plain),
        "numba": quickest(compiled),
        "ran": {"ours": bool(plain), "numba": bool(compiled)},
        "peer": peer,
    }


def quickest(times: Mapping[str, Mapping[str, float] | None]) -> tuple[str, Any] | None:
    """Return the name and time with the least median; None when nobody got there."""
    known = {name: one for name, one in times.items() if one is not None}
    if not known:
        return None
    name = min(known, key=lambda one: known[one]["median"])
    return name, known[name]


def ratio(ours: tuple[str, Any] | None, peer: tuple[str, Any] | None) -> float | None:
    """Return our time over the peer's; None when one of them did not get there."""
    if ours is None or peer is None:
        return None
    return float(ours[1]["median"] / max(peer[1]["median"], 1e-9))


def duel_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of svmtrain's proven times against the quickest peer's."""
    kinds = {"ours": "svmtrain, proven", "numba": "with numba, proven"}
    shown_kinds = [kind for kind in kinds if any(line["ran"][kind] for line in lines)]
    rows = []
    for line in lines:
        peer = line["peer"]
        cells = [
            f"{line['dataset']}{' (sparse)' if line['sparse'] else ''}",
            f"{line['lambda']:g}",
            TITLES[line["family"]],
            f"{line['gap']:.1%}",
        ]
        for kind in shown_kinds:
            by = ratio(line[kind], peer)
            cells.append(shown(line[kind][1]) if line[kind] else NOT_REACHED)
            cells.append("-" if by is None else f"{by:.2f}{' slower' if by > 1 else ''}")
        cells.append(f"{peer[0]}: {shown(peer[1])}" if peer else NOT_REACHED)
        rows.append(cells)
    head = ["data", "lambda", "objective", "gap"]
    for kind in shown_kinds:
        head += [kinds[kind], "over the peer's"]
    return table([*head, "quickest peer, reached"], rows)

"""Measure svmtrain beside its peers, and write tables and pictures.

    python -m benchmarks.bench [--data FOLDER ...] [--quick] [--only epoch ...] [--repeats 3]

`make bench DATA=FOLDER` and `make bench-quick` call this. README.md in this folder says what is
measured, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import epoch, machine, report, scaling, whole
from benchmarks.children import ROOT
from benchmarks.datasets import SOURCES, Dataset, NotThereError, prepare
from benchmarks.race import missing, race

SECTIONS = ("epoch", "whole", "scaling", "race")
RESULTS = ROOT / "benchmarks" / "results"
QUICK_SETS = ("digits", "breast_cancer")
FULL_SETS = ("iris", "breast_cancer", "digits", "a9a", "news20", "mnist", "fashion-mnist")
STAND_INS = ("mnist", "fashion-mnist")
"""Where none of these is found, made rows of the same shape take their place."""


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], prog="python -m benchmarks.bench"
    )
    parser.add_argument("--data", type=Path, action="append", default=[], help="folder of data")
    parser.add_argument("--quick", action="store_true", help="a minute: small data, few repeats")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="parts to measure")
    parser.add_argument("--datasets", nargs="+", choices=SOURCES, help="data sets of the race")
    parser.add_argument("--repeats", type=int, help="repeats of everything")
    parser.add_argument("--budget", type=float, help="seconds that a process may train")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--add", action="store_true", help="keep what was not measured now")
    return parser.parse_args(given)


def options_of(given: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of a run, as they are recorded."""
    quick = given.quick
    return {
        "quick": quick,
        "repeats": given.repeats or (1 if quick else 3),
        "budget": given.budget or (1.0 if quick else 30.0),
        "epochs": 10,
        "epoch_rows": 6_000 if quick else 60_000,
        "sections": list(given.only or SECTIONS),
        "datasets": list(given.datasets or (QUICK_SETS if quick else FULL_SETS)),
    }


class Bench:
    """One run of the suite: what it has found so far, and where it works."""

    def __init__(self, options: dict[str, Any], folders: Sequence[Path], work: Path) -> None:
        self.options = options
        self.folders = [*folders, ROOT / "data"]
        self.work = work
        self.began = time.monotonic()
        self.results: dict[str, Any] = {
            "machine": machine.describe(),
            "options": options,
            "skipped": [],
        }

    def say(self, text: str) -> None:
        """Tell how far it is; what was left out is also told in the results."""
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", file=sys.stderr, flush=True)
        if "left out" in text or "skipped" in text:
            self.results["skipped"].append(text)

    def run(self) -> dict[str, Any]:
        """Measure every part that is asked for."""
        repeats, quick = self.options["repeats"], self.options["quick"]
        sections = self.options["sections"]
        if "epoch" in sections:
            rows, most = self.options["epoch_rows"], 2 * repeats + 1
            self.results["epoch"] = epoch.measure(self.work, rows, repeats, 4, self.say)
            self.results["step"] = epoch.overhead(self.work, most, self.say)
        if "whole" in sections:
            self.results["whole"] = whole.measure(self.folders, self.work, self.options, self.say)
        if "scaling" in sections:
            self.results["scaling"] = scaling.measure(self.work, repeats, quick, self.say)
        if "race" in sections:
            self.races()
        self.results["load_after"] = os.getloadavg()[0]
        return self.results

    def races(self) -> None:
        """Run the races on all data sets that are there."""
        for line in missing():
            self.say(line)
        self.results["races"] = []
        for dataset in self.datasets():
            for lam in dataset.lambdas[: 1 if self.options["quick"] else None]:
                self.results["races"].append(race(dataset, lam, self.options, self.say))

    def datasets(self) -> list[Dataset]:
        """Return the data sets, prepared; made ones in the place of all pictures missing."""
        found = []
        names = self.options["datasets"]
        for name in names:
            try:
                found.append(prepare(name, self.folders, self.work))
            except NotThereError as error:
                self.say(str(error))
        wanted = set(names) & set(STAND_INS)
        if wanted and not any(one.name in wanted for one in found):
            found.append(prepare("made", self.folders, self.work))
        return found


def added(results: dict[str, Any], out: Path) -> dict[str, Any]:
    """Return results with what else those in a folder have: other parts, and other races."""
    earlier = json.loads((out / "results.json").read_text(encoding="utf-8"))
    now = {(one["dataset"], one["lambda"]) for one in results.get("races", [])}
    kept = [one for one in earlier.get("races", []) if (one["dataset"], one["lambda"]) not in now]
    races = [*kept, *results.get("races", [])]
    return {**earlier, **results, **({"races": races} if races else {})}


def main() -> None:
    """Run the suite and write its results."""
    given = arguments(sys.argv[1:])
    out = given.out or (RESULTS / "quick" if given.quick else RESULTS)
    with tempfile.TemporaryDirectory(prefix="svmtrain-bench-") as folder:
        bench = Bench(options_of(given), [path.resolve() for path in given.data], Path(folder))
        results = bench.run()
    report.write(added(results, out) if given.add else results, out)
    bench.say(f"wrote {out / 'results.md'}")


if __name__ == "__main__":
    main()

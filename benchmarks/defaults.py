"""How near to the optimum do the defaults come in 30 epochs?

    python benchmarks/defaults.py [FASHION_MNIST.npz]

For each data set: one run with every default, and long runs over several step sizes of a linear
schedule; the table gives the excess of the first over the best objective that any of them found.
Both are objectives over the same training rows.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from svmtrain.config import parse_config
from svmtrain.operations.fit import fit
from svmtrain.operations.job import FitResult, Session

DATA = Path(__file__).parent.parent / "data"
SMALL = {
    "digits": (DATA / "digits.csv", "label"),
    "iris": (DATA / "iris.csv", "species"),
    "breast_cancer": (DATA / "breast_cancer.svm", "null"),
}
LONG = {"small": 2000, "large": 100}


def run(path: Path, target: str, folder: str, name: str, *overrides: str) -> FitResult:
    """Train with the defaults and some overrides."""
    text = f"data: {{train: '{path}', target: {target}, test: 0.2}}\n"
    settings = (f"output.dir={folder}", f"output.name={name}", "checkpoint.every=none")
    config = parse_config(text, overrides=[*settings, *overrides])
    return fit(config, Session(say=lambda text: None, quiet=True), force=True)


def row(name: str, path: Path, target: str, folder: str, epochs: int) -> str:
    """Return the line of the table for one data set."""
    began = time.monotonic()
    default = run(path, target, folder, name)
    seconds = time.monotonic() - began
    lr = default.job.built.lr
    longer = (f"solver.epochs={epochs}", "solver.schedule=linear")
    best = min(
        run(
            path, target, folder, f"{name}-{factor}", *longer, f"solver.lr={lr * factor}"
        ).chosen.objective
        for factor in (0.25, 1, 4)
    )
    found = default.chosen.objective
    accuracy = default.test.report.accuracy if default.test else float("nan")
    return (
        f"| {name} | {len(default.job.splits.train):,} | {found:.6f} | {best:.6f} "
        f"| {100 * (found / best - 1):.2f} % | {accuracy:.4f} | {seconds:.2f} |"
    )


def main() -> None:
    """Print the table."""
    print("| data | rows | defaults, 30 epochs | best of long runs | excess | test acc. | s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (path, target) in SMALL.items():
            print(row(name, path, target, folder, LONG["small"]), flush=True)
        for argument in sys.argv[1:]:
            path = Path(argument).absolute()
            print(row(path.stem, path, "null", folder, LONG["large"]), flush=True)


if __name__ == "__main__":
    main()

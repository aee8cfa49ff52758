"""Draw the circuits of the pages in `docs/theory` again, by the command that readers have.

    python docs/make_pictures.py

writes `docs/pictures/NAME.svg` for every entry of `PICTURES`; a test says when one is out of date.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from svmtrain.cli import main

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"

#: The words of `svmtrain circuit` for each picture; the same command stands beside it in the text.
PICTURES: dict[str, list[str]] = {
    "add": ["--file", "data/circuits/add.txt"],
    "multiply": ["--file", "data/circuits/multiply.txt"],
    "max": ["--file", "data/circuits/max.txt"],
    "chain": ["(x + y) * z", "x=-2", "y=5", "z=-4"],
    "fork": ["x * y + y", "x=3", "y=2"],
    "stages": ["--file", "data/circuits/stages.txt"],
    "neuron": ["--file", "data/circuits/neuron.txt"],
    "neuron-stages": ["--file", "data/circuits/neuron-stages.txt"],
    "scores": [
        "X @ W + b",
        *("X=[[1, 2], [3, 4], [5, 6]]", "W=[[1, 0, -1], [2, 1, 0]]", "b=[[0.5, 0, -0.5]]"),
        "--upstream=[[1, -1, 0], [0, 0, 0], [0, 2, -2]]",
    ],
    "hinges": ["max(s1 - s0 + 1, 0) + max(s2 - s0 + 1, 0)", "s0=3.2", "s1=5.1", "s2=-1.7"],
    "loss-of-a-row": ["--loss", "weston_watkins", "--config", "configs/iris.yaml", "--row", "0"],
    "tie": ["max(s1 - s0 + 1, 0)", "s0=3", "s1=2"],
}


def draw(folder: Path) -> None:
    """Draw every picture into a folder.

    Raises
    ------
    RuntimeError
        When the command fails.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        for name, words in PICTURES.items():
            words = [word.replace("data/", f"{ROOT}/data/") for word in words]
            words = [word.replace("configs/", f"{ROOT}/configs/") for word in words]
            if main(["circuit", *words, "--draw", str(folder / f"{name}.svg")]):
                raise RuntimeError(f"svmtrain circuit could not draw {name}")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    draw(FOLDER)

"""The commands of the README and of the pages in docs/: find and run them, note what they print.

    python tests/readme_blocks.py --write [PAGE...]

runs every command of the `console` blocks of each page, in order, in a copy of the project's data,
configs and examples, and replaces the output in the page by the real one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
TIME_LIMIT = 120


@dataclass
class Step:
    """A command and what the page says that it prints."""

    command: str
    output: str


def steps(block: str) -> list[Step]:
    """Return the steps of a block; a line that begins with `$ ` is a command."""
    found: list[Step] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(Step(line[2:].rstrip("\n"), ""))
        else:
            found[-1].output += line
    return found


def prepare(folder: Path) -> None:
    """Copy what the commands need into an empty folder."""
    for name in ("data", "configs", "examples"):
        shutil.copytree(ROOT / name, folder / name)


def run(command: str, folder: Path) -> str:
    """Return what a command prints on stdout; when it fails, what it says on stderr too."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.stdout + (done.stderr if done.returncode else "")


def outline(text: str) -> list[str]:
    """Return a text with every number and every run of blanks made equal."""
    lines = [re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def steps_of(page: Path) -> list[Step]:
    """Return the steps of all blocks of a page."""
    return [step for block in BLOCK.findall(page.read_text()) for step in steps(block)]


def write(page: Path) -> None:
    """Replace the outputs in a page by real ones."""
    text = page.read_text()
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))

        def real(match: re.Match[str]) -> str:
            parts = [
                f"$ {step.command}\n{run(step.command, Path(name))}" for step in steps(match[1])
            ]
            return "```console\n" + "".join(parts) + "```"

        page.write_text(BLOCK.sub(real, text))


if __name__ == "__main__" and sys.argv[1:2] == ["--write"]:
    for one in map(Path, sys.argv[2:]) if sys.argv[2:] else [README, *DOCS]:
        write(one)

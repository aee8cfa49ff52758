"""Fuzz the parsers, guided by coverage: `python -m tests.fuzz.run csv npz --seconds 60`.

Each target has a process of its own, with limits on time and memory. Without names, all targets
take their turns. Needs atheris: pip install -e '.[fuzz]'. What is found goes into the folder
tests/fuzz/corpus of the target, once it is mended, so that it is tried ever after.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from svmtrain.config.keys import KEYS
from svmtrain.data.readers import READERS
from svmtrain.graph.expression import FILLED
from svmtrain.graph.gates import GATES
from tests.fuzz.mutations import NUMBERS, TOKENS
from tests.fuzz.targets import CORPUS, TARGETS

ROOT = Path(__file__).resolve().parents[2]
FINDINGS = ROOT / ".fuzz"
MEMORY_MB = 1024  # of the process, with all that it imports
INPUT_SECONDS = 10  # of the wall, when the second of the judge does not come to an end
INPUT_BYTES = 1 << 14
WORD_BYTES = 60  # of the dictionary; libFuzzer takes 64
GRACE = 60  # seconds to start and to end
SHARED = "/dev/shm"  # memory, where the system has it: files come and go thousands of times

UNITS = re.compile(r"stat::number_of_executed_units: +(\d+)")
COVERAGE = re.compile(r"^#\d+\s+(?:INITED|NEW|REDUCE|pulse|DONE)\s+cov: (\d+)", re.MULTILINE)


def arguments():
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(TARGETS))
    if unknown:
        parser.error(f"there is no target {unknown[0]}; known are {', '.join(TARGETS)}")
    return given


def dictionary():
    """Return pieces of all the languages, as libFuzzer takes them: it puts them into inputs."""
    words = {*TOKENS, *NUMBERS, *(name.encode() for name in (*KEYS, *GATES, *FILLED, *READERS))}
    words |= {key.name.encode() for key in KEYS.values()}
    short = sorted(word for word in words if 0 < len(word) <= WORD_BYTES)
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in short)


def fuzz(name, seconds):
    """Fuzz one target in a process of its own; return its output and its exit status."""
    place = SHARED if os.access(SHARED, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        work, grown = Path(folder, "work"), Path(folder, "corpus")
        work.mkdir()
        grown.mkdir()
        Path(folder, "words").write_text(dictionary(), encoding="ascii")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.process", name, str(work)),
                *(str(grown), str(CORPUS / TARGETS[name].corpus)),
                f"-dict={folder}/words",
                f"-max_total_time={seconds}",
                f"-rss_limit_mb={MEMORY_MB}",
                f"-timeout={INPUT_SECONDS}",
                f"-max_len={INPUT_BYTES}",
                f"-artifact_prefix={FINDINGS}/{name}-",
                "-print_final_stats=1",
            ],
            cwd=ROOT,
            capture_output=True,
            timeout=seconds + GRACE + 2 * INPUT_SECONDS,
            check=False,
        )
    return (done.stdout + done.stderr).decode("utf-8", "replace"), done.returncode


def line(name, output, status):
    """Return the line of the table about one target."""
    units = UNITS.search(output)
    coverage = COVERAGE.findall(output) or ["?"]
    found = "none" if status == 0 else f"see {FINDINGS.name}/{name}.log"
    return f"{name:20} {units[1] if units else '?':>10} {coverage[0]:>8} {coverage[-1]:>8}  {found}"


def main():
    """Fuzz, print a table, and end with 1 when something was found."""
    given = arguments()
    FINDINGS.mkdir(exist_ok=True)
    print(f"{'target':20} {'executions':>10} {'coverage':>8} {'grown to':>8}  findings")
    found = 0
    for name in given.names or TARGETS:
        try:
            output, status = fuzz(name, given.seconds)
        except subprocess.TimeoutExpired as late:
            output, status = (late.stderr or b"").decode("utf-8", "replace"), 1
        if status:
            found += 1
            (FINDINGS / f"{name}.log").write_text(output, encoding="utf-8")
        print(line(name, output, status), flush=True)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()

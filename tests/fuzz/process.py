"""The process that fuzzes one target: `python -m tests.fuzz.process NAME FOLDER CORPUS -OPTION`.

Corpora and options may be several. The folder is an empty one to work in, and is not left empty:
atheris ends the process at once. The options are those of libFuzzer, which gets them.
"""

import sys

import atheris

NAME, FOLDER = sys.argv.pop(1), sys.argv.pop(1)

# Parsers written in Python are followed inside; what is compiled is seen from outside only. The
# seeds come first, while whatever a parser imports only when it is needed is instrumented too.
with atheris.instrument_imports(include=["svmtrain", "yaml"]):
    from tests.fuzz.judge import judge
    from tests.fuzz.targets import TARGETS

    for seed in TARGETS[NAME].seeds().values():
        judge(TARGETS[NAME], seed, FOLDER, measured=False)


def one(content):
    """Judge one input."""
    judge(TARGETS[NAME], content, FOLDER)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()

"""The process that fuzzes one target: `python -m tests.fuzz.process NAME FOLDER CORPUS -OPTION`.

Corpora and options may be several. The folder is an empty one to work in, and is not left empty:
atheris ends the process at once. The options are those of libFuzzer, which gets them.
"""

import sys

import atheris

# Parsers written in Python are followed inside; what is compiled is seen from outside only.
with atheris.instrument_imports(include=["svmtrain", "yaml"]):
    from tests.fuzz.judge import judge
    from tests.fuzz.targets import TARGETS


def main():
    """Warm the target up with its seeds, then hand it over."""
    target, folder = TARGETS[sys.argv.pop(1)], sys.argv.pop(1)
    for seed in target.seeds().values():
        judge(target, seed, folder, memory=False)

    def one(content):
        judge(target, content, folder)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""The bad inputs among checkpoints: by number in the catalogue and name, how each is forged.

They are laid over a run that was killed half way, whose newest checkpoint is the bad one.
"""

import os
import re

import numpy as np
from bad_models import card, changed, directory, parts
from forged import forge, npy, signed

from svmtrain import ALGORITHM, container
from svmtrain.config import OF_SCHEDULES
from svmtrain.container import HEADER
from svmtrain.files import sha256_bytes
from svmtrain.operations.identity import NOT_IN_THE_STEPS

SECTOR = 512


def flipped(position):
    """Return a function that flips a bit at a place of a file, told as a share of its length."""

    def flip(content):
        at = int(position * (len(content) - 1))
        return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]

    return flip


def torn(content):
    """Lose a sector in the middle, as a disk does."""
    at = len(content) // 2 // SECTOR * SECTOR
    return content[:at] + bytes(SECTOR) + content[at + SECTOR :]


def forged(change):
    """Return a function that changes header and arrays and signs again."""
    make = changed(change)
    return lambda content: make(content, None)


def state(**values):
    """Return a function that changes the counters of the state and signs again."""
    return forged(lambda header, arrays: header["state"].update(values))


def text_of(old, new):
    """Return a function that changes the very text of the header and signs again."""

    def make(content):
        header, arrays = parts(content)
        archive = container.pack(header, {})
        text = archive[archive.index(b"{\n") : archive.index(b"\n}PK") + 2]
        members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
        members[HEADER] = re.sub(old, new, text, count=1)
        assert members[HEADER] != text
        return forge([(name, members[name]) for name in sorted(members)])

    return make


def other_algorithm(number, **arrays_then):
    """Return a function that has a checkpoint made by another algorithm, with other arrays."""

    def change(header, arrays):
        header["identity"]["algorithm"] = number
        for name, array in arrays_then.items():
            if array is None:
                del arrays[name]
            else:
                arrays[name] = array

    return forged(change)


DAMAGED = "damaged: the content does not match its digest"
#: Identity: (function from a good checkpoint to the bad one, telling part of the message). The
#: bad one is set aside and the run goes on from the checkpoint before it.
CHECKPOINTS = {
    "100-zero-bytes": (lambda content: b"", "the file is empty"),
    "101-truncated-by-one": (lambda content: content[:-1], "not a file of svmtrain"),
    "101-truncated-to-half": (lambda content: content[: len(content) // 2], "not a file of svm"),
    "101-one-byte": (lambda content: content[:1], "not a model (found no digest"),
    **{f"102-flipped-at-{at}": (flipped(at), DAMAGED) for at in (0, 0.25, 0.5, 0.75)},
    "102-flipped-in-the-digest": (flipped(1), DAMAGED),
    "103-appended-byte": (lambda content: content + b"\0", "not a file of svmtrain"),
    "103-appended-and-signed": (lambda content: signed(content + b"\0" * 71), "damaged or forged"),
    "104-torn-sector": (torn, DAMAGED),
    "104-zeros-only": (lambda content: bytes(len(content)), "not a model (found no digest"),
    "106-nan": (
        text_of(rb'"lambda": [^,]*', b'"lambda": NaN'),
        "damaged or forged: 'NaN in the header'",
    ),
    "106-key-twice": (
        text_of(rb'\n "version"', b'\n "version": 1,\n "version"'),
        "'a key appears twice in the header'",
    ),
    "106-integer-as-float": (state(epoch=2.0), "header field epoch is 2.0; expected"),
    "106-boolean": (state(epoch=True), "header field epoch is True; expected"),
    "106-negative": (state(position=-1), "header field position is -1; expected an integer from 0"),
    "106-vast": (state(step=10**30), "header field step is 1000000000000000000000000000000; exp"),
    "106-no-section": (
        forged(lambda header, arrays: header.pop("state")),
        "header field state is None; expected an object",
    ),
    "106-another-solver": (state(solver="os.system"), "is of the solver 'os.system', which is un"),
    "106-best-elsewhere": (
        forged(lambda header, arrays: header.update(best_file="../../model.npz")),
        "names '../../model.npz' as the best checkpoint",
    ),
    "106-array-too-many": (
        forged(lambda header, arrays: arrays.update(extra=np.zeros(1))),
        "unexpected or missing arrays: ['extra']",
    ),
    "106-array-missing": (
        forged(lambda header, arrays: arrays.pop("solver_mean_W")),
        "unexpected or missing arrays: ['solver_mean_W']",
    ),
    "106-nan-in-the-state": (
        forged(lambda header, arrays: arrays["solver_velocity_W"].fill(np.nan)),
        "solver_velocity_W contains a value that is not finite",
    ),
    "106-classes": (
        lambda content: card(classes=["ash", "ash", "oak"])(content, None),
        "has classes that are repeated",
    ),
    "106-overlapping": (lambda content: directory(42, 0)(content, None), "damaged or forged"),
    "113-name-and-header": (state(step=99), "holds step 99, not the one it is named for"),
    "114-folder": (None, "is not a regular file"),
    "114-symlink": (None, "is not a regular file"),
    "114-dangling-symlink": (None, "is not a regular file"),
    "114-fifo": (None, "is not a regular file"),
}


def lay(path, elsewhere, kind):
    """Put what is no regular file in the place of a checkpoint; the bytes are elsewhere."""
    content = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        if kind == "symlink":
            elsewhere.write_bytes(content)
        path.symlink_to(elsewhere)


def shorter_records(run):
    """Cut the last line off metrics.jsonl."""
    run.metrics.write_bytes(b"".join(run.metrics.read_bytes().splitlines(True)[:1]))


def other_records(run):
    """Change a digit in metrics.jsonl."""
    content = run.metrics.read_bytes()
    run.metrics.write_bytes(content.replace(b'"epoch": 1', b'"epoch": 7', 1))


def fewer_records(run):
    """Have the checkpoint know a shorter metrics.jsonl, with the digest that fits."""

    def change(header, arrays):
        first = run.metrics.read_bytes().splitlines(True)[0]
        header["metrics"] = {"length": len(first), "sha256": sha256_bytes(first)}

    newest(forged(change))(run)


def newest(forgery):
    """Return what forges the newest checkpoint of a run."""

    def lay_over(run):
        path = run.checkpoint_files()[0]
        path.write_bytes(forgery(path.read_bytes()))

    return lay_over


def all_damaged(run):
    """Cut every checkpoint short."""
    for path in run.checkpoint_files():
        path.write_bytes(path.read_bytes()[:-1])


def other_data(run):
    """Change a number in the training file."""
    data = run.path.parent.parent / "train.csv"
    data.write_text(data.read_text().replace(",0,", ",1,", 1))


def other_version(header, arrays):
    """Be of a newer format version, which has another array."""
    header["version"] = 2
    arrays["new"] = np.zeros(3)


COUNTERS = "of the checkpoint do not agree for 39 rows in batches of 8"
MADE_BY = "made by algorithm {}; this svmtrain has " + str(ALGORITHM)
CHANGED = (
    r"runs/run: the train data changed: SHA-256 was [0-9a-f]{64} and is now [0-9a-f]{64} \(put .*\)"
)
STEP = "runs/run/checkpoints/step-00000012.npz: "
#: Identity: (what is done to the run, exit code, the message as a pattern). Nothing is set aside.
SURROUNDINGS = {
    "94-newer-version-of-a-checkpoint": (
        newest(forged(other_version)),
        4,
        STEP + "has format version 2; this svmtrain reads version 1",
    ),
    "105-all-damaged": (
        all_damaged,
        4,
        r"runs/run: none of the checkpoints is intact; the newest: step-00000012\.npz ",
    ),
    "107-epoch": (newest(state(epoch=1)), 5, "step 12, epoch 1 and position 16 " + COUNTERS),
    "107-position": (newest(state(position=24)), 5, "epoch 2 and position 24 " + COUNTERS),
    "107-inside-a-batch": (newest(state(position=13)), 5, "epoch 2 and position 13 " + COUNTERS),
    "107-beyond-the-rows": (newest(state(position=56, epoch=1)), 5, "position 56 " + COUNTERS),
    "107-more-epochs-than-asked-for": (newest(state(epoch=9)), 5, "solver.epochs is 4, but 9 epo"),
    "108-of-another-run": (
        newest(forged(lambda header, arrays: header["identity"].update(run="0" * 16))),
        5,
        "runs/run: the checkpoint is of another run",
    ),
    "109-data": (other_data, 5, CHANGED),
    "111-same-arrays": (newest(other_algorithm(ALGORITHM - 1)), 5, MADE_BY.format(ALGORITHM - 1)),
    "111-fewer-arrays": (
        newest(other_algorithm(1, solver_mean_W=None, certificate_best_W=None)),
        5,
        STEP + "was " + MADE_BY.format(1),
    ),
    "111-other-arrays": (
        newest(other_algorithm(ALGORITHM + 1, solver_W=np.zeros(2), more=np.zeros(1))),
        5,
        STEP + "was " + MADE_BY.format(ALGORITHM + 1),
    ),
    "111-none": (newest(other_algorithm(None)), 5, MADE_BY.format("None")),
    "112-shorter": (shorter_records, 5, r"runs/run/metrics\.jsonl: has \d+ bytes; the checkpoint"),
    "112-changed": (other_records, 5, r"runs/run/metrics\.jsonl: was changed since the checkp"),
    "112-missing": (
        lambda run: run.metrics.unlink(),
        5,
        r"runs/run/metrics\.jsonl: no such file",
    ),
    "112-fewer-epochs": (fewer_records, 5, r"metrics\.jsonl: its epochs are not those of a che"),
}


#: Another value for each setting that the steps of the run depend on, and what else it needs.
SETTINGS = {
    "110-data.format": "csv",
    "110-data.target": "3",
    "110-data.header": "true",
    "110-data.delimiter": "','",
    "110-data.keep": "[a, b, c]",
    "110-data.drop": "[c]",
    "110-data.text": "onehot",
    "110-data.text_columns": "[c]; data.text=ordinal",
    "110-data.max_categories": "9",
    "110-data.unseen": "ignore",
    "110-data.missing": "mean",
    "110-data.missing_value": "1.0; data.missing=constant",
    "110-data.missing_marks": "['?']",
    "110-data.sparse": "true",
    "110-data.validation": "0.3",
    "110-data.test": "0.3",
    "110-data.stratified": "false",
    "110-data.seed": "1",
    "110-data.fold": "1/3",
    "110-data.train_share": "0.5",
    "110-data.repeat": "1; data.fold=1/3",
    "110-preprocess.scale": "none",
    "110-preprocess.row_norm": "l2",
    "110-objective.loss": "crammer_singer",
    "110-objective.delta": "2",
    "110-objective.lambda": "0.5",
    "110-objective.bias": "none",
    "110-objective.class_weight": "balanced",
    "110-solver.name": "dual; solver.lr=auto",
    "110-solver.lr": "0.1",
    "110-solver.schedule": "linear",
    "110-solver.momentum": "0.9",
    "110-solver.nesterov": "true",
    "110-solver.averaging": "tail",
    "110-solver.shuffle": "once",
    "110-solver.dtype": "float32",
    "110-solver.seed": "1",
    "110-solver.init": "normal",
    "110-solver.batch_size": "4",
    "110-objective.C": "7",
    "110-checkpoint.best": "train_loss",
}
OF_FILES = {"data.train", "solver.warm_start"}
BY_ANOTHER_NAME = {"solver.batch_size": "batch_size", "objective.C": "objective.lambda"}
MAY_CHANGE = {"solver.epochs", *NOT_IN_THE_STEPS, *OF_SCHEDULES} - {*BY_ANOTHER_NAME}

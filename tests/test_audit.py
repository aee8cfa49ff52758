"""What loading a file may not do, by an audit hook in a process: run, import, connect, write."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from audited import CODE
from small_files import CONTENT, NAMES, written
from small_runs import environment, start, write_config

RUN = "runs/c"
#: By what is loaded: the words of the command line, and the paths that it may write below.
LOADS = {
    "config": (("config", "show", "c.yaml"), ()),
    "dry run": (("fit", "c.yaml", "--dry-run"), ()),
    "model": (("evaluate", f"{RUN}/model.npz", "train.csv"), ()),
    "model shown": (("model", "show", RUN), ()),
    "model and rows": (("predict", RUN, "train.csv", "-o", "out/labels.txt"), ("out",)),
    "checkpoint": (("model", "show", f"{RUN}/checkpoints/step-00000020.npz"), ()),
    "run.json and metrics.jsonl": (("runs", "show", RUN), ("runs/c/.lock",)),
    "runs": (("runs", "list"), ("runs",)),
    "path.json": (("runs", "compare", "runs/path"), ("runs",)),
    "circuit": (("circuit", "--file", "circuit.txt", "--check"), ()),
    "resume": (("resume", RUN, "-q", "--set", "solver.epochs=6"), (RUN,)),
    "resume of a path": (("resume", "runs/path", "-q"), ("runs/path",)),
    "fit": (("fit", "c.yaml", "-q", "--name", "new"), ("runs",)),
    "model of LIBLINEAR": (("import", "m.liblinear", "-o", "out/m.npz"), ("out",)),
    "model exported": (("export", RUN, "--to", "onnx", "-o", "out/m.onnx"), ("out",)),
    "fit from a store": (
        ("fit", "c.yaml", "-q", "--name", "stored", "--set", "data.train=train.store"),
        ("runs",),
    ),
    "experiment": (
        ("cv", "c.yaml", "-q", "--jobs", "1", "--folds", "2", "--out", "cv"),
        ("cv",),
    ),
    "warm start": (
        ("fit", "c.yaml", "-q", "--name", "warm", "--set", f"solver.warm_start={RUN}"),
        ("runs",),
    ),
    "pickle as a model": (("model", "show", "evil.npz"), ()),
    "pickle as data": (("data", "info", "evil.npy", "--labels", "evil.npy"), ()),
    "pickle as a run": (("resume", "runs/evil"), ("runs/evil",)),
    "tags of YAML": (("fit", "evil.yaml"), ()),
    "calls in a circuit": (("circuit", "--file", "evil.txt"), ()),
}
LOADS |= {f"data of {name}": (("data", "info", ..., "--format", name), ()) for name in CONTENT}
FAILING = {name for name in LOADS if name.startswith(("pickle", "tags", "calls"))}


class Trap:
    """Unpickled, it would leave a file behind."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def filled(folder):
    """Fill a folder with everything that is loaded; return the path of the data in each format."""
    run = start(write_config(folder, "schedule: constant"), "c", "checkpoint.keep=9")
    in_process(folder, "export", RUN, "--to", "liblinear", "-o", "m.liblinear")
    start_path = ("--set", "objective.lambda=[0.1, 0.01]", "--name", "path")
    in_process(folder, "fit", "c.yaml", "-q", *start_path)
    in_process(folder, "data", "convert", "train.csv", "train.store", "--target", "kind", "-q")
    (folder / "out").mkdir()
    (folder / "circuit.txt").write_text("x = 2\ny = sigmoid(x) * x\n")
    (folder / "evil.txt").write_text("x = 2\ny = __import__('os').mkdir('sprung')\n")
    (folder / "evil.yaml").write_text("data: !!python/object/apply:os.mkdir [sprung]\n")
    for name in ("evil.npz", "evil.npy"):
        (folder / name).write_bytes(pickle.dumps(Trap()))
    shutil.copytree(run.path, folder / "runs" / "evil")
    for path in (folder / "runs" / "evil" / "checkpoints").iterdir():
        path.write_bytes(pickle.dumps(Trap()))
    for name in CONTENT:
        (folder / f"of-{name}").mkdir()
        written(folder / f"of-{name}", name)


def in_process(folder, *words):
    """Run the real command in a folder; it must succeed."""
    command = [sys.executable, "-m", "svmtrain", *words]
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)


def job(name):
    """Return a job for the process; `...` stands for the data of a format."""
    words, may = LOADS[name]
    kind = name.rpartition(" ")[2]
    data = f"of-{kind}/{NAMES.get(kind, 'data')}"
    return {"words": [data if word is ... else word for word in words], "may": may}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Return (code, findings) of each load, and of each thing that is to be caught."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "full").mkdir()
    filled(folder / "full")
    places = [folder / "warm", folder / "real"]
    for place in places:
        shutil.copytree(folder / "full", place)
        for path in place.rglob("config.yaml"):
            path.write_text(path.read_text().replace(str(folder / "full"), str(place)))
    jobs = {name: job(name) for name in LOADS}
    jobs |= {name: {**jobs["config"], "code": name} for name in CODE}
    child = [sys.executable, str(Path(__file__).with_name("audited.py")), *map(str, places)]
    options = {"capture_output": True, "text": True, "timeout": 120, "check": False}
    home = {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    text = json.dumps(list(jobs.values()))
    done = subprocess.run(child, input=text, env={**environment(), **home}, **options)
    assert done.returncode == 0, done.stderr
    assert not list(folder.rglob("sprung"))
    return dict(zip(jobs, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", LOADS)
def test_a_load_runs_nothing_and_writes_nowhere_else(seen, name):
    """No code, no import, no process, no connection; files only where the command says."""
    code, found = seen[name]
    assert found == []
    assert (code != 0) == (name in FAILING)


@pytest.mark.parametrize("name", CODE)
def test_the_hook_catches(seen, name):
    """Each thing that may not happen, done on purpose behind a load, is seen."""
    assert seen[name][1]

"""The repository around the package: data, configs, dependencies, targets, and names kept twice."""

import csv
import hashlib
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from svmtrain.config import load_config
from svmtrain.config.keys import KEYS
from svmtrain.data.columns import MISSING, TEXTS, UNSEEN
from svmtrain.data.dataset import GAP_MARKS
from svmtrain.data.readers import AUTO, READERS
from svmtrain.data.scaling import ROW_NORMS, SCALINGS
from svmtrain.fetch.catalogue import CATALOGUE
from svmtrain.objective.linear import BIASES
from svmtrain.objective.losses import LOSSES
from svmtrain.solvers.averaging import AVERAGING
from svmtrain.solvers.dual import DualState
from svmtrain.solvers.schedules import SCHEDULES
from svmtrain.solvers.sgd import INITS, SGDState
from svmtrain.training.stopping import METRICS

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, where pytest brings it
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
CONFIGS = sorted((ROOT / "configs").glob("*.yaml")) + sorted(
    (ROOT / "configs" / "experiments").glob("*.yaml")
)
REAL = sorted((ROOT / "configs" / "real").glob("*.yaml"))
EXPERIMENTS = [path for path in CONFIGS if path.parent.name == "experiments"]


def table(name):
    """Return the header and the rows of a CSV file in data/."""
    with open(DATA / name, newline="", encoding="ascii") as file:
        header, *rows = csv.reader(file)
    return header, rows


def checksums():
    """Return SHA256SUMS as a mapping from file name to digest."""
    lines = (DATA / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def phony_targets():
    """Return the targets for people that the Makefile declares."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^\.PHONY: ([a-z-]+)$", text, flags=re.MULTILINE)


def test_data_files_have_their_checksums():
    """Each data file is listed, and is what it was when it was made; the README says the same."""
    files = {path.name for path in DATA.iterdir() if path.suffix in (".csv", ".svm")}
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert set(checksums()) == files
    for name, digest in checksums().items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest
        assert any(f"`{name}`" in line and digest in line for line in readme.splitlines())


def test_digits_are_complete():
    """1,797 rows of 64 integer pixels from 0 to 16, and ten digits as labels."""
    header, rows = table("digits.csv")
    assert header == [f"pixel_{row}_{column}" for row in range(8) for column in range(8)] + [
        "label"
    ]
    assert len(rows) == 1797
    assert {len(row) for row in rows} == {65}
    assert {int(cell) for row in rows for cell in row[:-1]} == set(range(17))
    counts = Counter(row[-1] for row in rows)
    assert sorted(counts) == list("0123456789")
    assert sorted(counts.values()) == [174, 177, 178, 179, 180, 181, 181, 182, 182, 183]


def test_iris_is_complete():
    """150 rows of four lengths, 50 of each of three named species."""
    header, rows = table("iris.csv")
    assert len(header) == 5
    assert header[-1] == "species"
    assert {len(row) for row in rows} == {5}
    assert all(float(cell) > 0 for row in rows for cell in row[:-1])
    assert Counter(row[-1] for row in rows) == dict.fromkeys(
        ("setosa", "versicolor", "virginica"), 50
    )


def test_breast_cancer_is_complete():
    """569 rows of up to 30 features in ascending order, none of them 0, with two classes."""
    with open(DATA / "breast_cancer.svm", newline="", encoding="ascii") as file:
        rows = list(csv.reader(file, delimiter=" "))
    assert Counter(row[0] for row in rows) == {"1": 212, "-1": 357}
    seen = set()
    for row in rows:
        pairs = [cell.split(":") for cell in row[1:]]
        indices = [int(index) for index, _ in pairs]
        assert indices == sorted(set(indices))
        assert all(float(value) != 0 for _, value in pairs)
        seen.update(indices)
    assert seen == set(range(1, 31))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_loads_and_names_data_that_exist(path):
    """A config in the repository works as it stands, and names the column of its labels."""
    config = load_config(path)
    assert Path(config.data.train).is_file()
    assert isinstance(config.data.test, float)
    if config.data.train.endswith(".csv"):
        assert config.data.target in table(Path(config.data.train).name)[0]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_config_for_public_data_names_the_files_that_fetch_gets(path):
    """In the folder where it puts them by itself, with a comment that says how to get them."""
    config = load_config(path)
    entry = next(entry for entry in CATALOGUE.values() if entry.name == path.stem)
    names = {file.name for file in entry.files}
    names |= {output.name for file in entry.files for output in file.outputs}
    names |= {file.rewrite.name for file in entry.files if file.rewrite is not None}
    named = [config.data.train] + [config.data.test] * isinstance(config.data.test, str)
    for one in map(Path, named):
        assert one.name in names
        assert one.resolve().parent == ROOT / "data" / path.stem
    assert f"svmtrain data fetch {path.stem}" in path.read_text(encoding="utf-8")


def test_every_data_file_has_a_config():
    """Each data file has one config by its own name."""
    stems = {Path(name).stem for name in checksums()}
    assert stems == {path.stem for path in CONFIGS if path not in EXPERIMENTS}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_is_what_its_name_says(path):
    """The name of an experiment on the digits has its loss, its lambda and its averaging."""
    config = load_config(path)
    found = re.fullmatch(r"digits-(ww|cs)-(1e-\d)-(none|tail)", path.stem)
    assert found is not None
    loss, lam, averaging = found.groups()
    assert config.objective.loss == {"ww": "weston_watkins", "cs": "crammer_singer"}[loss]
    assert config.objective.lam == float(lam)
    assert config.solver.averaging == averaging


def test_the_experiments_are_a_full_design():
    """Two losses, three strengths and two averagings, each combination once."""
    configs = [load_config(path) for path in EXPERIMENTS]
    cells = {(c.objective.loss, c.objective.lam, c.solver.averaging) for c in configs}
    assert len(cells) == len(configs) == 12


def test_the_core_needs_four_packages():
    """Whatever else a feature needs is an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[^A-Za-z0-9_-]", one)[0] for one in project["dependencies"]]
    assert sorted(names) == ["click", "numpy", "pyyaml", "tqdm"]
    extras = {"sparse", "fast", "arrow", "images", "plot", "cluster", "bench", "fuzz", "dev"}
    extras |= {"docs", "exchange", "tensorboard"}
    assert set(project["optional-dependencies"]) == extras
    assert project["requires-python"] == ">=3.10"


def test_make_help_lists_every_target():
    """`make` alone prints every target for people, each with a line."""
    printed = subprocess.run(
        ["make", "-C", str(ROOT)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    listed = re.findall(r"^  make ([a-z-]+) +\S", printed, flags=re.MULTILINE)
    assert listed == phony_targets()
    assert {"help", "demo", "test", "check", "format", "experiments", "bench", "clean"} <= set(
        listed
    )
    assert {"cv", "sweep", "curve", "report"} <= set(listed)


@pytest.fixture
def made(tmp_path):
    """Return a function that runs make where svmtrain is a script that prints its words."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "svmtrain"):
        script = tmp_path / ".venv" / "bin" / name
        script.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        script.chmod(0o755)
    for stamp in (".installed", ".installed-plot"):
        (tmp_path / ".venv" / stamp).write_text(f"{tmp_path.resolve()}\n")

    def run(*words):
        done = subprocess.run(
            ["make", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},  # and no variables of a make that runs the tests
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (
            (
                "sweep",
                "CONFIG=a b.yaml",
                "GRID=a.b=1,2 c.d=log:1:9:3",
                "SET=e.f=1",
                "ARGS=--halving",
            ),
            "sweep|a b.yaml|--grid|a.b=1,2|--grid|c.d=log:1:9:3|--set|e.f=1|--halving",
        ),
        (("sweep",), "sweep|configs/digits.yaml|--grid|objective.lambda=log:1e-3:1:4"),
        (("cv", "ARGS=--folds 3"), "cv|configs/digits.yaml|--folds|3"),
        (
            ("curve", "SET=e.f=1 g.h=2"),
            "learning-curve|configs/digits.yaml|--set|e.f=1|--set|g.h=2",
        ),
        (("report", "RUNS=runs/a runs/b"), "report|runs/a|runs/b"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_make_hands_its_variables_to_the_command(made, words, given):
    """Lists are separated by blanks; every entry is a word of its own."""
    assert made(*words) == (0, given.split("|"), "")


def test_make_report_is_about_all_runs_and_says_when_there_are_none(made, tmp_path):
    """Those in runs/ that were begun."""
    code, _, message = made("report")
    assert code == 2
    assert "no runs in runs/: try make demo, or give RUNS=" in message
    for name in ("a", "b"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}")
    (tmp_path / "runs" / "c").mkdir()
    code, given, _ = made("report")
    assert (code, sorted(given)) == (0, ["report", "runs/a", "runs/b"])


def test_make_report_installs_what_draws_where_it_is_missing(made, tmp_path):
    """Beside what is there already, and once."""
    (tmp_path / ".venv" / ".installed-plot").unlink()
    code, given, _ = made("report", "RUNS=runs/a")
    assert (code, given[0], given[-3:]) == (
        0,
        "Installing what draws into .venv",
        [".[plot]", "report", "runs/a"],
    )
    assert made("report", "RUNS=runs/a") == (0, ["report", "runs/a"], "")


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("data.format", {AUTO, *READERS}),
        ("data.text", set(TEXTS)),
        ("data.unseen", set(UNSEEN)),
        ("data.missing", set(MISSING)),
        ("preprocess.scale", set(SCALINGS)),
        ("preprocess.row_norm", set(ROW_NORMS)),
        ("objective.loss", set(LOSSES)),
        ("objective.bias", set(BIASES)),
        ("solver.name", {SGDState.KIND, DualState.KIND}),
        ("solver.schedule", set(SCHEDULES)),
        ("solver.averaging", {"none", *AVERAGING}),
        ("solver.init", set(INITS)),
        ("stop.metric", {"auto", *METRICS}),
    ],
)
def test_the_schema_names_what_the_code_has(key, names):
    """The names of a key, which the schema keeps so as to load without numpy, are the table's."""
    kept = KEYS[key].kind.names()
    assert len(kept) == len(set(kept))
    assert set(kept) == names


def test_the_schema_has_the_marks_of_gaps_that_readers_know():
    """They are the default on both sides."""
    assert KEYS["data.missing_marks"].default == GAP_MARKS


def test_git_ignores_no_source():
    """No module, test, config or data file is kept out of a clone by .gitignore."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("unpacked from an archive: git is not there to say what it ignores")
    ignored = subprocess.run(
        [
            *("git", "-C", str(ROOT), "ls-files", "--others", "--ignored", "--exclude-standard"),
            *("--", "svmtrain", "tests", "configs", "data"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    assert [name for name in ignored if "__pycache__" not in name] == []

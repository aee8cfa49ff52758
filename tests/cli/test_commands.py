"""Every command, in this process: what it prints, where, and what it leaves on disk."""

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from reference import class_figures, confusion
from small_runs import CLASSES, rows_of, start, tree, write_config, write_table
from tone import faults_of

from svmtrain.cli import COMMANDS, group, main
from svmtrain.config import load_config
from svmtrain.config.keys import KEYS
from svmtrain.model import load_model
from svmtrain.runs.directory import RunDirectory


@pytest.fixture
def ok(call):
    """Run a command line that must succeed; return its stdout."""

    def run(*words):
        code, out, err = call(*words)
        assert code == 0, err
        return out

    return run


@pytest.fixture
def refused(call):
    """Run a command line that must fail with a code and one line; return that line."""

    def run(code, *words):
        found, out, err = call(*words)
        assert (found, out) == (code, ""), err
        assert "internal error" in err or faults_of(err) == [], err
        return err

    return run


# fit


def test_fit_prints_a_summary_that_names_everything(ok):
    """What, on what, how it ended, the best epoch, the figures, the model, the next command."""
    lines = ok("fit", "c.yaml").splitlines()
    names = [line[:12].strip() for line in lines]
    assert names == [
        *("trained", "on", "ended", "best epoch", "objective", "proven"),
        *("accuracy", "model", "next"),
    ]
    told = dict(zip(names, (line[12:] for line in lines), strict=True))
    assert "weston_watkins, lambda 0.03 (objective.C 0.42735), lr 0.05" in told["trained"]
    held = "3 classes (held out: 9 validation, 12 test)"
    assert told["on"] == f"39 rows x 3 features, {held}"
    assert told["ended"].startswith("all 4 epochs are done (")
    assert all(name in told["accuracy"] for name in ("train", "validation", "test"))
    assert Path(told["model"]).exists()
    assert told["next"] == "svmtrain evaluate runs/c --split test"


def test_fit_tells_its_progress_on_stderr_a_line_an_epoch(call):
    """No bars without a terminal, and nothing of it on stdout."""
    _, out, err = call("fit", "c.yaml")
    epochs = [line for line in err.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in epochs] == [f"epoch {n}/4" for n in range(1, 5)]
    assert "epoch 1/4" not in out


def test_fit_json_is_exactly_one_document(call):
    """Its figures are those of run.json and of the model on disk."""
    code, out, _ = call("fit", "c.yaml", "--json")
    document = json.loads(out)
    assert code == 0
    info = RunDirectory("runs/c").read_info()
    assert document["chosen"] == info["chosen"]
    assert document["test"] == info["test"]
    assert document["epochs"] == 4
    assert Path(document["model"]).exists()


def test_fit_quiet_prints_one_line(call):
    """And nothing on stderr, not on a resume either."""
    code, out, err = call("fit", "c.yaml", "-q")
    assert (code, out.count("\n"), err) == (0, 1, "")
    assert out.startswith("c: objective ")
    code, out, err = call("resume", "runs/c", "-q", "--set", "solver.epochs=5")
    assert (code, out.count("\n"), err) == (0, 1, "")


def test_fit_verbose_tells_files_and_step_sizes(call):
    """The digest of the data and every step size that was tried."""
    _, _, err = call("fit", "c.yaml", "-v", "--set", "solver.lr=auto")
    assert "train: train.csv, SHA-256 " in err
    assert "tried lr " in err
    assert err.count("(taken)") == 1


@pytest.mark.parametrize("name", ["my config", "caf\u00e9", ".hidden", "a" * 201])
def test_a_run_is_never_named_as_no_config_could_name_it(here, call, refused, name):
    """Its stored config could not be read again; any name can be given with --name."""
    (here / f"{name}.yaml").write_bytes((here / "c.yaml").read_bytes())
    assert "(name it with --name, or rename the file)" in refused(2, "fit", f"{name}.yaml")
    assert not Path("runs").exists()
    assert call("fit", f"{name}.yaml", "--name", "other", "-q")[0] == 0


def test_a_run_whose_folder_was_renamed_goes_on_again_and_again(here, call):
    """Also under a name that no config could give."""
    start(here / "c.yaml", "run").path.rename(here / "runs" / "my run")
    for epochs in (5, 6):
        words = ("resume", "runs/my run", "--set", f"solver.epochs={epochs}", "-q")
        assert call(*words)[::2] == (0, "")
    assert call("evaluate", "runs/my run")[0] == 0


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_dry_run_writes_nothing(here, ok, words):
    """It loads and builds everything, describes it, and stops."""
    before = tree(here)
    out = ok("fit", "c.yaml", "--dry-run", *words)
    assert tree(here) == before
    assert not Path("runs").exists()
    if words:
        document = json.loads(out)
        assert document["rows"] == {"train": 39, "validation": 9, "test": 12}
        assert document["classes"] == list(CLASSES)
        assert document["steps"] == 4 * 5
    else:
        assert "X 39 x 3 (float64), W 3 x 3, b 3; 9 validation rows, 12 test rows" in out
        assert "max(0, S_j - S_y + delta)" in out
        assert "20 steps of 8 rows, lr 0.05" in out


def test_dry_run_refuses_what_fit_would_refuse(refused):
    """A plan that cannot be carried out is no plan."""
    words = ("--set", "data.validation=0", "--set", "stop.metric=validation_loss")
    assert "no validation rows" in refused(2, "fit", "c.yaml", "--dry-run", *words)


def test_later_layers_win(here, ok):
    """Defaults, then the file, then --set, then flags, even flags equal to the default."""
    write_config(here, solver="threads: 3", more="output: {dir: elsewhere, name: filed}")

    def settings(*words):
        return json.loads(ok("fit", "c.yaml", "--dry-run", "--json", *words))["config"]

    plain = settings()
    assert plain["output"]["name"] == "filed"
    assert plain["output"]["dir"] == "elsewhere"
    assert plain["solver"]["threads"] == 3
    assert plain["solver"]["momentum"] == 0
    changed = ("--set", "output.name=put", "--set", "output.dir=there", "--set", "solver.threads=2")
    put = settings(*changed)
    assert (put["output"]["name"], put["output"]["dir"]) == ("put", "there")
    assert put["solver"]["threads"] == 2
    flags = settings(*changed, "--name", "flag", "--out", "runs", "--threads", "auto")
    assert (flags["output"]["name"], flags["output"]["dir"]) == ("flag", "runs")
    assert flags["solver"]["threads"] == "auto"


def test_of_two_sets_for_one_key_the_later_wins(ok):
    """As on every command line."""
    words = ("--set", "solver.epochs=2", "--set", "solver.epochs=3")
    assert json.loads(ok("fit", "c.yaml", "--json", *words))["epochs"] == 3


@pytest.mark.parametrize("name", ["2026", "no", "1e3", "null"])
def test_a_name_that_yaml_would_read_as_something_else_is_a_name(ok, name):
    """What a flag says is text."""
    ok("fit", "c.yaml", "-q", "--name", name)
    assert RunDirectory(f"runs/{name}").model.exists()
    assert load_config(f"runs/{name}/config.yaml").output.name == name


def test_the_stored_config_repeats_the_run(ok):
    """The model has the same bytes."""
    ok("fit", "c.yaml", "-q")
    ok("fit", "runs/c/config.yaml", "-q", "--name", "again")
    assert Path("runs/again/model.npz").read_bytes() == Path("runs/c/model.npz").read_bytes()


def test_an_existing_run_is_left_alone_without_force(here, ok, refused):
    """--force begins it again."""
    ok("fit", "c.yaml", "-q")
    before = tree(here)
    assert "--resume" in refused(2, "fit", "c.yaml", "--set", "solver.epochs=2")
    assert tree(here) == before
    ok("fit", "c.yaml", "-q", "--force", "--set", "solver.epochs=2")
    assert RunDirectory("runs/c").read_info()["epochs"] == 2


def test_a_folder_with_other_files_is_no_place_for_a_run(here, refused):
    """Nothing of somebody else's is touched."""
    Path("runs/c").mkdir(parents=True)
    Path("runs/c/thesis.tex").write_text("mine")
    assert "thesis.tex" in refused(2, "fit", "c.yaml", "--force")
    assert Path("runs/c/thesis.tex").read_text() == "mine"


def test_what_a_kill_left_before_the_config_was_written_is_no_obstacle(ok):
    """A lock, an empty folder and a temporary file are the run's own."""
    Path("runs/c/checkpoints").mkdir(parents=True)
    Path("runs/c/.lock").touch()
    Path("runs/c/.config.yaml.0a1b2c3d.svmtrain-tmp").write_text("half")
    ok("fit", "c.yaml", "-q", "--resume")
    assert not list(Path("runs/c").glob(".*svmtrain-tmp"))


def test_ways_to_begin_exclude_each_other(refused):
    """One of them, or none."""
    assert "exclude each other" in refused(2, "fit", "c.yaml", "--resume", "--force")


def test_if_changed_json_is_one_document_when_nothing_changed(call):
    """A script need not guess."""
    assert call("fit", "c.yaml", "-q", "--if-changed")[0] == 0
    code, out, err = call("fit", "c.yaml", "--if-changed", "--json")
    assert code == 0
    assert json.loads(out) == {"run": "runs/c", "reason": "up to date"}
    assert "up to date" in err


# resume


def test_resume_prolongs_a_run(ok):
    """The rest of the run is what it would have been."""
    ok("fit", "c.yaml", "-q", "--name", "long", "--set", "solver.epochs=7")
    ok("fit", "c.yaml", "-q", "--name", "short")
    document = json.loads(ok("resume", "runs/short", "--json", "--set", "solver.epochs=7"))
    assert document["epochs"] == 7
    assert Path("runs/short/model.npz").read_bytes() == Path("runs/long/model.npz").read_bytes()


def test_resume_of_what_is_no_run_is_a_usage_error(refused):
    """The path is named."""
    assert "runs/none: is not a run directory" in refused(2, "resume", "runs/none")


# evaluate


@pytest.fixture
def model(ok):
    """Train a run, and return its model."""
    ok("fit", "c.yaml", "-q")
    return load_model("runs/c/model.npz")


def expected(model, X, labels):
    """Return the figures of a model, one row at a time, from the formulas."""
    true, said, loss = [], [], 0.0
    for x, label in zip(X, labels, strict=True):
        z = [
            (v - o) * f for v, o, f in zip(x, model.scaler.offset, model.scaler.factor, strict=True)
        ]
        scores = [sum(z[k] * model.W[k, j] for k in range(3)) + model.b[j] for j in range(3)]
        y = model.classes.index(label)
        true.append(y)
        said.append(scores.index(max(scores)))
        loss += sum(max(0.0, scores[j] - scores[y] + 1) for j in range(3) if j != y)
    figures = [class_figures(true, said, c) for c in range(3)]
    penalty = 0.03 * (sum(w * w for w in model.W.flat) + sum(b * b for b in model.b))
    return {
        "rows": len(true),
        "accuracy": sum(t == s for t, s in zip(true, said, strict=True)) / len(true),
        "balanced_accuracy": sum(f[1] for f in figures) / 3,
        "macro_f1": sum(f[2] for f in figures) / 3,
        "loss": loss / len(true),
        "penalty": penalty,
        "objective": loss / len(true) + penalty,
        "confusion": confusion(true, said, 3),
        "figures": figures,
    }


def same(document, want):
    """Assert that the figures of an evaluation are those wanted."""
    figures = want.pop("figures")
    assert document["confusion"] == want.pop("confusion")
    for name, value in want.items():
        assert document[name] == pytest.approx(value, rel=1e-12), name
    for entry, label, figure in zip(document["classes"], CLASSES, figures, strict=True):
        assert entry["label"] == label
        found = [entry[name] for name in ("precision", "recall", "f1")]
        assert found == pytest.approx(list(figure), rel=1e-12)


def test_evaluate_figures_follow_the_formulas(ok, model):
    """On a labelled file: every figure is computed again, row by row."""
    write_table("more.csv", 100)
    rows = rows_of(100)
    want = expected(model, [row[:3] for row in rows], [row[3] for row in rows])
    same(json.loads(ok("evaluate", "runs/c", "more.csv", "--json")), want)


@pytest.mark.parametrize(("split", "rows"), [("train", 39), ("validation", 9), ("test", 12)])
def test_evaluate_split_judges_the_rows_of_the_run(ok, model, split, rows):
    """The sizes are those of the split, and the figures those that the run recorded."""
    document = json.loads(ok("evaluate", "runs/c", "--split", split, "--json"))
    info = RunDirectory("runs/c").read_info()
    assert document["rows"] == rows
    if split == "test":
        assert document == info["test"]
    else:
        assert document["accuracy"] == info["chosen"][f"{split}_accuracy"]
        assert document["loss"] == pytest.approx(info["chosen"][f"{split}_loss"], rel=1e-12)


def test_evaluate_judges_the_test_rows_when_nothing_is_said(ok, model):
    """Those are the honest ones."""
    assert ok("evaluate", "runs/c") == ok("evaluate", "runs/c", "--split", "test")


def test_evaluate_text_has_every_figure(ok, model):
    """A head, a table of classes, a confusion matrix."""
    out = ok("evaluate", "runs/c", "train.csv")
    head, classes, matrix = out.split("\n\n")
    names = [line[:19].strip() for line in head.splitlines()]
    figures = ["rows", "accuracy", "balanced accuracy", "macro F1", "Brier score", "objective"]
    assert names == figures
    assert [line.split()[0] for line in classes.splitlines()[1:]] == list(CLASSES)
    counts = [list(map(int, line.split()[1:])) for line in matrix.splitlines()[2:]]
    assert np.sum(counts) == 60


def test_evaluate_of_a_model_file_a_checkpoint_and_a_run_agree(ok, model):
    """The last epoch was the best here, so all three hold the same weights.

    Checkpoints are not calibrated.
    """
    run = RunDirectory("runs/c")
    newest = run.checkpoint_files()[0]
    assert run.read_info()["chosen"]["epoch"] == 4
    answers = [ok("evaluate", path, "train.csv") for path in ("runs/c", run.model, newest)]
    assert answers[0] == answers[1]
    lines = answers[0].splitlines()
    brier = [line for line in lines if line.startswith("Brier score")]
    assert len(brier) == 1
    assert answers[2].splitlines() == [line for line in lines if line not in brier]


def test_evaluate_refuses_rows_that_do_not_fit(refused, model):
    """An unknown label and another width of table are data errors."""
    text = Path("train.csv").read_text()
    Path("odd.csv").write_text(text.replace("oak", "yew", 1))
    assert "'yew'" in refused(3, "evaluate", "runs/c", "odd.csv")
    write_table("narrow.csv", 20, "aby")
    assert "narrow.csv" in refused(3, "evaluate", "runs/c", "narrow.csv")
    write_table("bare.csv", 20, "abc")
    refused(3, "evaluate", "runs/c", "bare.csv")


def test_evaluate_refuses_a_split_that_is_not_there(refused, ok):
    """No rows, no figures."""
    ok("fit", "c.yaml", "-q", "--set", "data.test=null")
    assert "the run has no test rows" in refused(2, "evaluate", "runs/c")


def test_evaluate_refuses_the_split_of_data_that_changed(refused, model):
    """Other rows would be split otherwise, and training rows would pass for test rows."""
    write_table("train.csv", 90)
    assert "changed since the run was made" in refused(3, "evaluate", "runs/c")


def test_evaluate_refuses_split_beside_data_and_unknown_formats(refused, model):
    """Both are usage errors."""
    refused(2, "evaluate", "runs/c", "train.csv", "--split", "test")
    message = refused(2, "evaluate", "runs/c", "train.csv", "--format", "orc")
    assert "auto, " in message
    assert "csv" in message


# predict


def test_predict_labels_are_those_of_the_model(ok, model):
    """One a line, as the original text; with or without a label column."""
    write_table("rows.csv", 50)
    write_table("bare.csv", 50, "abc")
    want = model.predict(np.array([row[:3] for row in rows_of(50)]))
    assert ok("predict", "runs/c", "rows.csv").splitlines() == want
    assert ok("predict", "runs/c", "bare.csv").splitlines() == want
    assert set(want) <= set(CLASSES)


def test_predict_puts_named_columns_in_the_order_of_the_model(ok, model):
    """By name, not by position."""
    write_table("turned.csv", 50, "ycba")
    write_table("rows.csv", 50)
    assert ok("predict", "runs/c", "turned.csv") == ok("predict", "runs/c", "rows.csv")


def test_predict_scores_are_exact_and_named(ok, model):
    """The header follows the order of the classes; the values read back bit for bit."""
    write_table("rows.csv", 50)
    header, *rows = csv.reader(io.StringIO(ok("predict", "runs/c", "rows.csv", "--scores")))
    assert header == ["label", *(f"score_{label}" for label in CLASSES)]
    X = np.array([row[:3] for row in rows_of(50)])
    assert [row[0] for row in rows] == model.predict(X)
    found = np.array([row[1:] for row in rows], dtype=np.float64)
    assert found.tobytes() == model.decision_function(X).tobytes()


def test_integer_labels_come_out_as_integers(ok):
    """As they stood in the file."""
    lines = [f"{(i * 7) % 11},{i % 2 * 5},{(-1, 7)[i % 2]}" for i in range(40)]
    Path("signs.csv").write_text("\n".join(["a,b,kind", *lines]) + "\n")
    ok("fit", "c.yaml", "-q", "--set", "data.train=signs.csv")
    assert set(ok("predict", "runs/c", "signs.csv").split()) == {"-1", "7"}


def test_predict_in_chunks_gives_what_one_piece_gives(ok, model):
    """A file of more rows than a chunk."""
    write_table("big.csv", 9000, "abc")
    want = model.predict(np.array([row[:3] for row in rows_of(9000)]))
    ok("predict", "runs/c", "big.csv", "-o", "labels.txt")
    assert Path("labels.txt").read_text().splitlines() == want


@pytest.mark.parametrize("before", [None, "what was there\n"])
def test_predict_leaves_nothing_of_a_file_that_goes_wrong_in_the_middle(here, call, model, before):
    """The output is replaced as a whole or not at all; no temporary file stays."""
    write_table("big.csv", 9000, "abc")
    lines = Path("big.csv").read_text().splitlines()
    lines[8000] = "1,n/a,3"
    Path("big.csv").write_text("\n".join(lines) + "\n")
    if before:
        Path("labels.txt").write_text(before)
    kept = tree(here)
    code, out, err = call("predict", "runs/c", "big.csv", "-o", "labels.txt")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "big.csv:8001" in err
    assert tree(here) == kept


def test_predict_reads_standard_input(ok, model, monkeypatch):
    """`-` is a pipe."""
    write_table("rows.csv", 50, "abc")
    want = ok("predict", "runs/c", "rows.csv")
    with open("rows.csv") as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        assert ok("predict", "runs/c", "-") == want


def test_predict_refuses_rows_of_another_width(refused, model):
    """The file is named."""
    write_table("wide.csv", 5, "abca", ("a", "b", "c", "kind"))
    assert "wide.csv" in refused(3, "predict", "runs/c", "wide.csv")


# config


def test_config_show_prints_a_config_that_loads(ok):
    """Everything is filled in, and --set is applied."""
    Path("full.yaml").write_text(ok("config", "show", "c.yaml", "--set", "solver.epochs=9"))
    full = load_config("full.yaml")
    assert full == load_config("c.yaml", ["solver.epochs=9"])
    document = json.loads(ok("config", "show", "c.yaml", "--json"))
    assert [f"{s}.{key}" for s, keys in document.items() for key in keys] == list(KEYS)


def test_config_schema_has_every_key(ok):
    """With type, default and help."""
    text = ok("config", "schema")
    document = json.loads(ok("config", "schema", "--json"))
    assert [entry["key"] for entry in document] == list(KEYS)
    assert all(entry["help"] and entry["type"] for entry in document)
    assert all(key in text for key in KEYS)


def test_config_init_writes_a_config_that_fits(ok):
    """From the data file alone, to a folder of its own."""
    Path("configs").mkdir()
    words = ("--target", "kind", "-o", "configs/new.yaml")
    assert "svmtrain fit configs/new.yaml" in ok("config", "init", "train.csv", *words)
    ok("fit", "configs/new.yaml", "-q", "--set", "solver.epochs=2", "--out", "runs")
    assert RunDirectory("runs/new").read_info()["shape"]["features"] == 3
    assert load_config("configs/new.yaml").data.target == "kind"


def test_config_init_prints_without_output(here, ok):
    """And writes nothing."""
    before = tree(here)
    assert "target: 3" in ok("config", "init", "train.csv", "--target", "3")
    assert tree(here) == before


def test_config_init_replaces_nothing_without_force(ok, refused):
    """--force is asked for."""
    kept = Path("c.yaml").read_text()
    words = ("config", "init", "train.csv", "--target", "kind", "-o", "c.yaml")
    assert "--force" in refused(2, *words)
    assert Path("c.yaml").read_text() == kept
    ok(*words, "--force")
    assert Path("c.yaml").read_text() != kept


def test_config_init_refuses_data_that_cannot_be_read(refused):
    """It reads the file, to be sure."""
    refused(3, "config", "init", "none.csv")
    refused(3, "config", "init", "train.csv", "--target", "colour")


# runs


@pytest.fixture
def three(here):
    """Make three runs that differ in lambda and epochs, one of them killed."""
    start("c.yaml", "one")
    start("c.yaml", "two", "objective.lambda=1.0", "solver.epochs=2")
    dead = start("c.yaml", "dead")
    dead.write_info({**dead.read_info(), "status": "running", "chosen": None})


def test_runs_list_has_a_line_a_run(ok, three):
    """A run that says it is running but holds no lock was killed."""
    header, *lines = ok("runs", "list").splitlines()
    assert header.split()[:4] == ["run", "status", "epochs", "objective"]
    assert [line.split()[:3] for line in lines] == [
        ["dead", "killed", "4"],
        ["one", "finished", "4"],
        ["two", "finished", "2"],
    ]


def test_a_run_at_work_is_running(ok, three):
    """The lock tells, not the pid."""
    with RunDirectory("runs/dead").locked():
        listed = json.loads(ok("runs", "list", "--json"))
    assert [run["status"] for run in listed] == ["running", "finished", "finished"]


def test_runs_list_sorts_the_best_first(ok, three):
    """Objectives upwards, accuracies and epochs downwards."""

    def listed(key):
        return json.loads(ok("runs", "list", "--json", "--sort", key))

    objectives = [run["objective"] for run in listed("objective")]
    assert objectives == sorted(objectives)
    for key in ("epochs", "train_accuracy"):
        values = [run[key] for run in listed(key)]
        assert values == sorted(values, reverse=True)
    assert [run["run"] for run in listed("run")] == ["dead", "one", "two"]


def test_an_unknown_figure_to_sort_by_is_a_usage_error(refused, three):
    """The figures are listed."""
    assert "objective" in refused(2, "runs", "list", "--sort", "speed")


def test_csv_and_json_of_a_table_say_the_same(ok, three):
    """Both have full precision."""
    document = json.loads(ok("runs", "list", "--json"))
    rows = list(csv.DictReader(io.StringIO(ok("runs", "list", "--csv"))))
    assert [row["run"] for row in rows] == [run["run"] for run in document]
    for row, run in zip(rows, document, strict=True):
        assert float(row["objective"]) == run["objective"]
        assert float(row["seconds"]) == run["seconds"]


def test_runs_compare_shows_the_settings_that_differ(ok, three):
    """And no others; given runs keep their order."""
    header, *lines = ok("runs", "compare", "runs/two", "runs/one").splitlines()
    assert header.split()[:4] == ["run", "lambda", "solver.epochs", "status"]
    assert [line.split()[:3] for line in lines] == [["two", "1.0", "2"], ["one", "0.03", "4"]]
    document = json.loads(ok("runs", "compare", "--json"))
    assert [set(run["settings"]) for run in document] == [{"objective.lambda", "solver.epochs"}] * 3
    rows = list(csv.reader(io.StringIO(ok("runs", "compare", "--csv"))))
    assert len(rows) == 4
    assert len({len(row) for row in rows}) == 1
    assert len(set(rows[0])) == len(rows[0])


def test_runs_of_an_empty_and_of_a_missing_folder(ok, refused):
    """Empty is an answer; missing is an error."""
    Path("runs").mkdir()
    assert ok("runs", "list") == ok("runs", "compare") == "no runs yet\n"
    assert json.loads(ok("runs", "list", "--json")) == []
    assert ok("runs", "list", "--csv").count("\n") == 1
    assert "nowhere" in refused(2, "runs", "list", "--dir", "nowhere")


def test_runs_of_a_folder_of_experiments_are_found_below(ok, three):
    """Where an experiment has some, the command that lists them is told."""
    Path("experiments/a sweep/runs").mkdir(parents=True)
    assert ok("runs", "list", "--dir", "experiments") == "no runs yet\n"
    Path("runs/one").rename("experiments/a sweep/runs/one")
    told = "no runs here; look below: svmtrain runs list --dir 'experiments/a sweep/runs'\n"
    for place in ("experiments", "experiments/a sweep"):
        assert ok("runs", "list", "--dir", place) == ok("runs", "compare", "--dir", place) == told
    assert ok("runs", "list", "--dir", "experiments/a sweep/runs").splitlines()[1].startswith("one")


def test_runs_show_tells_how_it_went(ok, three):
    """Facts, and at most ten epochs, the last among them."""
    out = ok("runs", "show", "runs/one")
    assert "status               finished\nreason               all 4 epochs are done" in out
    curve, epochs = out.split("\n\n")[1:]
    assert curve.startswith("objective (*)")
    epochs = [line.split()[0] for line in epochs.splitlines()]
    assert epochs == ["epoch", "1", "2", "3", "4"]
    document = json.loads(ok("runs", "show", "runs/one", "--json"))
    assert len(document["records"]) == 4
    assert document["settings"]["solver.epochs"] == 4
    assert "killed" in ok("runs", "show", "runs/dead")


def test_runs_show_of_a_long_run_ends_with_its_last_epoch(ok):
    """Evenly spread."""
    ok("fit", "c.yaml", "-q", "--set", "solver.epochs=37")
    lines = ok("runs", "show", "runs/c").split("\n\n")[2].splitlines()
    assert len(lines) <= 11
    assert lines[-1].split()[0] == "37"


def test_a_damaged_run_is_listed_as_such(ok, three):
    """One bad run.json does not hide the others."""
    Path("runs/two/run.json").write_text("{")
    listed = {run["run"]: run["status"] for run in json.loads(ok("runs", "list", "--json"))}
    assert listed == {"dead": "killed", "one": "finished", "two": "damaged"}


FORGED = {"status": "\x1b[2J", "command": 5, "last": {"epoch": "x", "seconds": [], "bound": {}}}


def test_a_run_of_forged_figures_is_listed_last_and_shown(ok, three):
    """What is no number is no figure; and a terminal obeys nothing of it."""
    forged = {**FORGED, "chosen": {"objective": "0", "train_accuracy": True}, "test": {}}
    Path("runs/two/run.json").write_text(json.dumps(forged))
    for figure in ("objective", "epochs", "train_accuracy", "seconds", "proven"):
        last = json.loads(ok("runs", "list", "--json", "--sort", figure))[-2:]
        assert [run[figure] for run in last if run["run"] == "two"] == [None]
    for out in (ok("runs", "list"), ok("runs", "show", "runs/two")):
        assert "\x1b" not in out


# model


def test_model_show_tells_what_a_model_is(ok, model):
    """Norms are those of the weights; JSON and text have the same facts."""
    document = json.loads(ok("model", "show", "runs/c", "--json"))
    assert document["classes"] == list(CLASSES)
    assert document["W"] == [3, 3]
    assert document["weight norm"] == pytest.approx(float(np.linalg.norm(model.W)))
    norms = [norm for _, norm, _ in document["class_norms"]]
    assert norms == pytest.approx(np.linalg.norm(model.W, axis=0).tolist())
    assert document["trained"]["settings"]["solver.epochs"] == 4
    text = ok("model", "show", "runs/c/model.npz")
    assert "ash, elm, oak" in text
    assert "settings.solver.epochs" in text


def test_model_show_of_a_model_without_a_history(ok, model):
    """A model made from Python may know nothing about its training."""
    model.trained.clear()
    model.save("bare.npz")
    assert "ash" in ok("model", "show", "bare.npz")


# help, usage and errors


def commands():
    """Return the words of every command, groups included."""
    found = [()]
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.list_commands(context)]
    return found


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words) or "svmtrain")
def test_help_leads_with_examples(ok, words):
    """The first thing after the usage line is an example of that very command."""
    out = ok(*words, "--help")
    usage, examples, rest = out.split("\n\n", 2)
    assert usage.startswith(" ".join(["Usage: svmtrain", *words]))
    title, *lines = examples.splitlines()
    assert title == "Examples:"
    wanted = " ".join(["svmtrain", *words])
    assert any(wanted in line for line in lines)
    assert rest.strip()
    assert out == ok(*words, "-h")


@pytest.mark.parametrize(
    "words",
    [
        ("traim",),
        ("fit",),
        ("fit", "c.yaml", "--fast"),
        ("fit", "c.yaml", "extra"),
        ("runs", "lst"),
        ("predict", "m"),
        ("evaluate", "m", "d", "--split", "holdout"),
        ("runs",),
        ("config",),
        ("model",),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(refused, words):
    """Exit code 2."""
    message = refused(2, *words)
    assert "--help" in message
    assert len(message) < 200


@pytest.mark.parametrize("words", [("--version",), ("-V",)])
def test_version_is_told(ok, words):
    """Name and number."""
    assert ok(*words).startswith("svmtrain, version ")


def test_debug_shows_a_traceback_before_the_line(call):
    """For users who want to look inside."""
    code, _, err = call("--debug", "fit", "none.yaml")
    assert code == 2
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("svmtrain: error: none.yaml: ")


def test_a_bug_of_ours_is_one_line_and_exit_1(refused, monkeypatch):
    """And says how to see more."""

    def broken(*args, **kwargs):
        raise RuntimeError("on\nfire")

    monkeypatch.setattr("svmtrain.operations.fit.load_splits", broken)
    message = refused(1, "fit", "c.yaml")
    assert message.startswith("svmtrain: internal error: RuntimeError: on\\nfire")
    assert "--debug" in message


def test_terminal_escapes_of_a_file_never_reach_the_terminal(refused):
    """Names come from files."""
    Path("bad\x1b[2J.yaml").write_text("x: [")
    assert "\x1b" not in refused(2, "fit", "bad\x1b[2J.yaml")


def test_a_closed_stdout_is_no_internal_error(call, monkeypatch, model):
    """`>&-`: training is not lost, and labels that cannot be given are an error."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["fit", "c.yaml", "-q", "--name", "silent"]) == 0
    assert main(["predict", "runs/c", "train.csv"]) == 7


@pytest.fixture
def digits(here):
    """Write two IDX pairs of small images, the second of other rows than the first."""
    for number, name in enumerate(("train", "t10k")):
        pixels = np.random.default_rng(number).integers(0, 256, (30, 2, 2), dtype=np.uint8)
        labels = pixels[:, 0, 0] > 127
        parts = (("images-idx3", pixels), ("labels-idx1", labels.astype(np.uint8)))
        for part, array in parts:
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
            content = gzip.compress(head + array.tobytes())
            (here / f"{name}-{part}-ubyte.gz").write_bytes(content)
    return here


def test_images_and_labels_in_files_of_their_own(ok, refused, digits):
    """Found beside by name, or named; without labels there is predict."""
    settings = ("--set", "data.train=train-images-idx3-ubyte.gz", "--set", "data.target=null")
    test = ("--set", "data.test=t10k-images-idx3-ubyte.gz")
    ok("fit", "c.yaml", *settings, *test, "-q")
    figures = json.loads(ok("evaluate", "runs/c", "--split", "test", "--json"))
    again = ok("evaluate", "runs/c", "t10k-images-idx3-ubyte.gz", "--json")
    assert json.loads(again) == figures
    (digits / "t10k-labels-idx1-ubyte.gz").rename(digits / "truth")
    assert (
        json.loads(
            ok("evaluate", "runs/c", "t10k-images-idx3-ubyte.gz", "--labels", "truth", "--json")
        )
        == figures
    )
    message = refused(3, "evaluate", "runs/c", "t10k-images-idx3-ubyte.gz")
    assert "there is no 't10k-labels-idx1-ubyte.gz' (name the labels: data.labels in" in message
    assert len(ok("predict", "runs/c", "t10k-images-idx3-ubyte.gz").splitlines()) == 30


def test_a_pattern_is_judged_and_labelled_as_its_files(ok, refused, call, here):
    """In the order of their names; none of them is overwritten."""
    ok("fit", "c.yaml", "-q")
    rows = (here / "train.csv").read_text().splitlines(keepends=True)
    for number, part in enumerate((rows[1:31], rows[31:])):
        content = "".join([rows[0], *part]).encode()
        (here / f"part-{number}.csv.gz").write_bytes(gzip.compress(content))
    whole = ok("predict", "runs/c", "train.csv")
    assert ok("predict", "runs/c", "part-*.csv.gz") == whole
    judged = [
        json.loads(ok("evaluate", "runs/c", data, "--json"))
        for data in ("train.csv", "part-*.csv.gz")
    ]
    assert judged[0]["confusion"] == judged[1]["confusion"]
    assert judged[0]["objective"] == pytest.approx(judged[1]["objective"], rel=1e-12)
    assert "no file matches this pattern" in refused(3, "evaluate", "runs/c", "none-*.csv")
    message = refused(2, "predict", "runs/c", "part-*.csv.gz", "-o", "part-1.csv.gz")
    assert "would be replaced" in message
    assert "--labels goes with DATA" in call("evaluate", "runs/c", "--labels", "y")[2]

"""What a new user types wrong, and what to type then: one sentence that has the command in it."""

import itertools
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_runs import environment, start, tree

from svmtrain.objective import compiling


@pytest.fixture
def run(here):
    """Return a small finished run, `runs/ref`, without test rows."""
    return start(here / "c.yaml", "ref", "data.test=null")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("fti", "c.yaml"), " (did you mean 'fit'?)"),
        (("runs", "lst"), " (did you mean 'list'?)"),
        (("train", "c.yaml"), " (did you mean 'fit'?)"),
        (("xyz",), ""),
    ],
)
def test_a_mistyped_command_is_asked_about(told, words, meant):
    """Where one is near; the help is named as for all wrong usage."""
    *groups, name = words[: 2 if words[0] == "runs" else 1]
    helped = " ".join(["svmtrain", *groups, "--help"])
    assert told(2, *words) == f"No such command {name!r}{meant} (see {helped})"


def test_data_in_place_of_a_config_get_one(told):
    """A table, small or too large for a config."""
    advice = "(if it is data: svmtrain config init train.csv -o train.yaml writes a config for it)"
    for lines in (1, 10_000):
        Path("train.csv").write_text("a,b,kind\n" * lines + "x: [\n")
        assert told(2, "fit", "train.csv").endswith(advice)


def test_a_run_in_place_of_a_config_is_gone_on_with(told, run):
    """And its config is named; another folder is only said to be one."""
    advice = "svmtrain resume runs/ref goes on with it, and runs/ref/config.yaml is its config"
    assert advice in told(2, "fit", "runs/ref")
    Path("folder").mkdir()
    assert told(2, "fit", "folder") == (
        "folder: cannot be read: it is a folder (a config is a file in YAML)"
    )


def test_a_mistyped_config_is_asked_about(told):
    """By the names in its folder; nothing is suggested where nothing is near."""
    Path("digits.yaml").write_text("data: {}\n")
    assert told(2, "fit", "digist.yaml") == "digist.yaml: no such file (did you mean digits.yaml?)"
    assert told(2, "fit", "other/x.yaml") == "other/x.yaml: no such file"
    assert told(2, "fit", "unlike.yaml") == "unlike.yaml: no such file"


@pytest.mark.parametrize("command", ["resume", "verify", "report"])
def test_a_mistyped_run_is_asked_about(told, run, command):
    """Beside it, or in runs/; a folder of runs names one of them, a config its command."""
    start_of = "is not a run directory (it does not exist"
    assert told(2, command, "runs/zzz").endswith(f"runs/zzz: {start_of})")
    assert told(2, command, "runs/rif").endswith(f"{start_of}; did you mean runs/ref?)")
    assert told(2, command, "ref").endswith(f"{start_of}; did you mean runs/ref?)")
    assert told(2, command, "runs").endswith("name one of them, such as runs/ref)")
    assert "svmtrain fit c.yaml --resume" in told(2, command, "c.yaml")


def test_a_run_without_its_config_says_what_makes_it_again(told, run):
    """Where the command is kept."""
    run.config.unlink()
    for command in ("resume", "verify", "gradcheck"):
        assert "runs/ref/run.json has the command" in told(2, command, "runs/ref")


def test_models_that_are_none_say_what_can_be_done(told, run):
    """Damaged in a run, missing, a file of data, a folder of runs."""
    for words in (("predict", "runs/ref", "train.csv"), ("evaluate", "runs/ref")):
        run.model.write_bytes(b"junk")
        assert told(4, *words).endswith("; svmtrain runs repair runs/ref says what can be done")
        run.model.unlink()
        assert "has no model yet: svmtrain resume runs/ref goes on" in told(4, *words)
    assert "the model comes first, then the data" in told(4, "predict", "train.csv", "runs/ref")
    assert "such as runs/ref" in told(4, "predict", "runs", "train.csv")


def test_rows_that_a_run_does_not_have_name_those_that_it_has(told, run):
    """And a model alone has none."""
    assert "try --split validation, or name a file" in told(2, "evaluate", "runs/ref")
    shutil.copy(run.model, "m.npz")
    assert "svmtrain evaluate m.npz DATA" in told(2, "evaluate", "m.npz")


def test_changed_data_say_what_to_do(told, run):
    """Put them back, or begin another run."""
    with open("train.csv", "a") as file:
        file.write("1,2,3,oak\n")
    advice = "(put the old file back, or begin another run)"
    assert told(5, "resume", "runs/ref").endswith(advice)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("5 minutes", "300"), ("1.5h", "5400"), ("2 days", "172800"), ("90 s", "90")],
)
def test_times_in_other_units_are_worked_out(told, text, hint):
    """A config has seconds."""
    message = told(2, "fit", "c.yaml", "--set", f"checkpoint.every={text}")
    assert message.endswith(f"(write {hint} seconds)")


def test_a_list_of_one_is_shown(told):
    """With what to write instead."""
    message = told(2, "fit", "c.yaml", "--set", "objective.lambda=[0.1]")
    assert message.endswith("got [0.1] (one alone stands without brackets: 0.1)")


def test_a_label_column_that_is_not_found_names_the_option(told):
    """Of the command line and of a config."""
    message = told(3, "config", "init", "train.csv")
    assert message.endswith("(name the target: data.target of a config, or --target)")


@pytest.mark.parametrize(
    ("settings", "told_of"),
    [
        (("solver.name=dual",), "solver.name is dual, and has no use for solver.lr"),
        (("solver.name=dual", "solver.lr=auto"), None),
        (("solver.decay=0.1",), "solver.schedule is pegasos, and has no use for solver.decay"),
        (("solver.decay=0.1", "solver.schedule=step"), None),
    ],
)
def test_settings_that_do_nothing_are_told_of(here, call, settings, told_of):
    """Once, and not under -q; those that are the default are nobody's setting."""
    words = ["fit", "c.yaml", *itertools.chain(*(("--set", one) for one in settings))]
    _, _, err = call(*words)
    assert ("no use for" in err) is (told_of is not None)
    assert told_of is None or f"svmtrain: {told_of}\n" in err
    assert "no use for" not in call(*words, "-q", "--force")[2]


def test_a_compiler_is_announced_once():
    """Before the first loop that is not kept, and not again."""
    told = []

    class Kept:
        """What keeps nothing."""

        def load_overload(self, *args):
            """Find nothing."""

        def save_overload(self, *args):
            """Keep nothing."""

    compiling.when_compiling(lambda: told.append("compiling"))
    for _ in range(3):
        kept = Kept()
        compiling._forgive(kept)
        kept.load_overload("float64")
    assert told == ["compiling"]


def test_a_path_that_was_stopped_lists_what_is_to_come(here, call):
    """In its order after what was begun, with no figure."""
    words = ("fit", "c.yaml", "--name", "path", "--set", "objective.lambda=[0.1,0.01,0.001]")
    assert call(*words)[0] == 0
    shutil.rmtree("runs/path/lambda-0.001")
    out = call("runs", "list")[1]
    last = out.splitlines()[-1].split()
    assert last[:3] == ["path/lambda-0.001", "to", "come"]
    assert set(last[3:]) == {"-"}


def test_a_drawing_is_there_even_if_nobody_reads_the_table(here):
    """As under `| head -1`."""
    words = ["circuit", "(x + y) * z", "x=1", "y=2", "z=3", "--draw", "c.svg"]
    with subprocess.Popen(
        [sys.executable, "-m", "svmtrain", *words],
        cwd=here,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.wait(60)
    assert Path("c.svg").read_text().startswith("<")


def test_a_run_shows_what_it_minimised_and_how(call, run):
    """Loss, strength, solver and how near the optimum it came."""
    shown = dict(re.findall(r"^(\w+) +(.+)$", call("runs", "show", "runs/ref")[1], re.MULTILINE))
    assert shown["loss"] == "weston_watkins"
    assert (shown["lambda"], shown["solver"]) == ("0.0300", "sgd")
    assert "proven" in shown


@pytest.mark.parametrize(
    ("words", "then"),
    [
        (("data", "check", "train.csv", "--target", "kind"), "config init train.csv --target kind"),
        (("data", "convert", "train.csv", "t.npz", "--target", "kind"), "config init t.npz"),
        (
            ("data", "split", "train.csv", "-o", "parts", "--target", "kind"),
            "config init parts/train.csv --target kind --test parts/test.csv -o config.yaml",
        ),
        (("doctor", "c.yaml", "--set", "solver.lr=auto"), "fit c.yaml --set solver.lr=auto"),
        (
            ("fit", "c.yaml", "--name", "p", "--set", "objective.lambda=[1,2]"),
            "runs compare runs/p",
        ),
    ],
)
def test_what_is_done_names_what_comes_next(here, call, words, then):
    """On stderr, so that no result has it; and not where a program reads JSON."""
    code, out, err = call(*words)
    assert code == 0, err
    assert f"svmtrain: next: svmtrain {then}" in err
    assert "next:" not in out
    again = [*words, "--json", *(["--force"] if {"convert", "split", "fit"} & {*words} else [])]
    assert "next:" not in call(*again)[2]


@pytest.fixture
def judged(here):
    """Return a small finished run with validation and test rows."""
    return start(here / "c.yaml", "judged", "data.test=0.2")


def test_predictions_replace_no_file_that_is_kept(told, call, judged):
    """Nothing in a run or an experiment, no config, no model; earlier labels are replaced."""
    before = tree(".")
    words = ("predict", "runs/judged", "train.csv", "-o")
    for inside in ("run.json", "labels.txt", "checkpoints/labels.txt"):
        assert "lies inside a run directory" in told(2, *words, f"runs/judged/{inside}")
    assert "is named like a config" in told(2, *words, "c.yaml")
    assert "such as m.txt or m.csv" in told(2, *words, "m.npz")
    shutil.copy(judged.model, "m.model")
    before = tree(".")
    assert "is a model or another archive" in told(2, *words, "m.model")
    assert told(7, *words, "no/x.txt") == (
        "no/x.txt: cannot write: there is no folder no; make it first"
    )
    assert tree(".") == before
    Path("exp/runs").mkdir(parents=True)
    Path("exp/experiment.json").write_text("{}")
    assert "the folder of an experiment" in told(2, *words, "exp/runs/labels.txt")
    for _ in range(2):
        assert call(*words, "labels.txt")[0] == 0


def test_a_calibrated_model_replaces_a_file_by_force_alone(told, call, judged):
    """And nothing in a run; few rows for the curve of steps are told of."""
    words = ("calibrate", "runs/judged", "--method", "isotonic", "-o")
    code, _, err = call(*words, "m.npz")
    assert (code, "are few for --method isotonic" in err) == (0, True)
    before = tree(".")
    assert "m.npz: exists already: --force replaces it" in told(2, *words, "m.npz")
    for name in ("config.yaml", "new.npz"):
        assert "lies inside a run" in told(2, *words, f"runs/judged/{name}", "--force")
    assert "svmtrain calibrate m.npz DATA -o FILE" in told(2, "calibrate", "m.npz", "-o", "n.npz")
    assert tree(".") == before
    assert call(*words, "m.npz", "--force")[0] == 0


def test_a_number_to_predict_is_asked_about(here, call):
    """By all that reads labels, once; and a column that counts the rows is told of."""
    rows = [f"{i + 1},{i % 7},{1000.5 + i * 3 % 50}" for i in range(60)]
    Path("pay.csv").write_text("\n".join(["id,age,income", *rows]) + "\n")
    question = "50 classes over 60 rows: is 'income' a number to predict? svmtrain trains"
    words = ("pay.csv", "--target", "income")
    _, text, _ = call("config", "init", *words)
    assert "NOTE: 'id' counts the rows" in text
    assert question in " ".join(text.replace("#", " ").split())
    Path("pay.yaml").write_text(text)
    assert call("fit", "pay.yaml", "--name", "pay")[2].count(f"svmtrain: {question}") == 1
    assert question in call("doctor", "pay.yaml")[1]
    told = call("data", "info", *words)[1]
    assert "50 classes over 60 rows: is the label a number" in told
    assert "note: 'id' counts the rows" in told
    for few in (("fit", "c.yaml", "--name", "few"), ("data", "info", "train.csv")):
        assert "number to predict" not in "".join(map(str, call(*few)))


def test_a_starter_config_holds_out_rows_to_judge_by(here, call):
    """So that the run can be evaluated at once; a file of test rows takes their place."""
    words = ("config", "init", "train.csv", "--target", "kind")
    Path("own.yaml").write_text(call(*words)[1])
    assert "\n  test: 0.2\n" in Path("own.yaml").read_text()
    assert call("fit", "own.yaml", "-q")[0] == 0
    assert call("evaluate", "runs/own")[0] == 0
    assert "\n  test: train.csv\n" in call(*words, "--test", "train.csv")[1]


@pytest.mark.parametrize("first", [("data", "check"), ("data", "split")])
def test_the_next_command_reads_the_data_in_the_same_way(here, call, first):
    """What was given is given again, so that the command works as it is printed."""
    rows = "\n".join(f"{i};0{i % 4};{'ab'[i % 2]};{i}" for i in range(20))
    Path("odd name.csv").write_text(rows + "\n")
    out = ["-o", "parts"] if "split" in first else []
    said = ["--target", "2", "--delimiter", ";", "--no-header"]
    columns = [] if out else ["--text-column", "1", "--drop", "0"]
    code, _, err = call(*first, "odd name.csv", *out, *said, *columns)
    assert code == 0, err
    next_one = shlex.split(err.partition("next: svmtrain ")[2])
    assert [*said, *columns] == next_one[next_one.index("--target") :][: len(said + columns)]
    assert call(*next_one)[0] == 0
    assert call("fit", "config.yaml", "-q")[0] == 0
    text = Path("config.yaml").read_text()
    assert all(line in text for line in ('\n  delimiter: ";"\n', "\n  target: 2\n"))


def test_a_wide_table_without_a_target_names_its_last_column(told):
    """Which is often the one of the labels."""
    Path("wide.csv").write_text(",".join(f"f{i}" for i in range(30)) + ",kind\n")
    told_of = told(3, "config", "init", "wide.csv")
    assert "'f6', 'f7' and 23 more, the last 'kind' (name the target" in told_of


def test_a_mistyped_model_or_file_of_data_is_asked_about(told, run):
    """By the runs and the files that are there; nothing is suggested where nothing is near."""
    shutil.copy(run.model, "people.npz")
    for command in (("predict",), ("evaluate",), ("export", "--to", "c"), ("model", "show")):
        data = ["train.csv"] if command[0] in ("predict", "evaluate") else []
        assert told(4, *command, "runs/rfe", *data) == (
            "runs/rfe: no such file (did you mean runs/ref?)"
        )
        assert told(4, *command, "rfe/model.npz", *data).endswith("(did you mean runs/ref?)")
        assert told(4, *command, "pepole.npz", *data).endswith("(did you mean people.npz?)")
        assert told(4, *command, "x/zzz.npz", *data) == "x/zzz.npz: no such file"
    words = ("calibrate", "pepole.npz", "train.csv", "-o", "c.npz")
    assert told(4, *words).endswith("(did you mean people.npz?)")
    for command in ("predict", "evaluate"):
        assert told(3, command, "runs/ref", "trian.csv").endswith("(did you mean train.csv?)")
        assert told(3, command, "runs/ref", "test.csv") == "test.csv: no such file"


def test_a_run_that_was_finished_says_so(call, run):
    """And how it goes on; what is prolonged has its summary, and a program its document."""
    told = "runs/ref was finished already (all 4 epochs are done), and nothing was trained"
    for _ in range(2):
        out = call("resume", "runs/ref")[1]
        assert out == f"{told}: svmtrain resume runs/ref --set solver.epochs=8 trains on\n"
    assert call("resume", "runs/ref", "--json")[1].startswith("{")
    assert "\nended  " in call("resume", "runs/ref", "--set", "solver.epochs=6")[1]
    assert "so more are another run" in _resumed(call, "solver.schedule=cosine")
    assert "a change of its stop rules" in _resumed(call, "stop.patience=1", "solver.epochs=90")


def _resumed(call, *settings):
    """Return what is said when a run of another setting is resumed that was finished."""
    changes = itertools.chain(*(("--set", one) for one in settings))
    assert call("fit", "c.yaml", "--name", "other", "--force", "-q", *changes)[0] == 0
    return call("resume", "runs/other")[1]


def test_figures_that_flatter_are_told_of(call, judged):
    """Those of rows that had a part in the model and its probabilities; not those of others."""
    assert "were fitted on these rows" in call("evaluate", judged.path, "--split", "validation")[2]
    assert "were trained on these rows" in call("evaluate", judged.path, "--split", "train")[2]
    assert call("evaluate", judged.path)[2] == ""
    plain = start("c.yaml", "plain", "output.calibration=none")
    assert call("evaluate", plain.path, "--split", "validation")[2] == ""


@pytest.mark.parametrize(
    "words", [("fit", "x"), ("data", "check", "x"), ("circuit", "--file", "x")]
)
def test_other_encodings_are_told_what_to_do(here, call, words):
    """Of configs, tables and circuits."""
    Path("x").write_bytes(b"a,label\n\xff,1\n1,2\n")
    assert "(save it as UTF-8)" in "".join(call(*words)[1:])

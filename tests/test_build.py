"""From a config to objects: splits, objective, batch size, solver, scaler, metrics."""

import numpy as np
import pytest
from small_runs import CLASSES, rows_of, write_config, write_table

from svmtrain.build import batch_size, best_metric, build, build_objective, load_splits, stop_rules
from svmtrain.config import load_config, parse_config
from svmtrain.config.schema import Objective, Solver
from svmtrain.data.dataset import Dataset
from svmtrain.errors import ConfigError, DataError


@pytest.fixture
def load(tmp_path):
    """Return a function from overrides to a config over 60 rows without held-out ones."""
    path = write_config(tmp_path, data="validation: 0")
    return lambda *overrides: load_config(path, overrides)


def as_set(rows):
    """Return the rows of a dataset with their labels; all of the 60 are different."""
    if rows is None:
        return set()
    return {(*x, rows.classes[y]) for x, y in zip(rows.X.tolist(), rows.y, strict=True)}


ALL = {(float(a), float(b), float(c), label) for a, b, c, label in rows_of(60)}


@pytest.mark.parametrize("stratified", ["true", "false"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fractions_split_the_rows_without_overlap(load, stratified, seed):
    """Every row is in one part; the validation fraction is of what the test rows leave."""
    splits = load_splits(
        load(
            "data.test=0.25",
            "data.validation=0.2",
            f"data.stratified={stratified}",
            f"data.seed={seed}",
        )
    )
    parts = [splits.train, splits.validation, splits.test]
    assert [len(part) for part in parts] == [36, 9, 15]
    sets = [as_set(part) for part in parts]
    assert len(ALL) == 60
    assert set.union(*sets) == ALL
    assert sum(map(len, sets)) == 60
    if stratified == "true":
        assert [part.counts().tolist() for part in parts] == [[12] * 3, [3] * 3, [5] * 3]


def test_the_folds_hold_out_what_the_test_rows_leave(load):
    """Test rows stay aside, every other row is tested on once, and validation rows are within."""
    aside = as_set(load_splits(load("data.test=0.25")).test)
    held = []
    for which in (1, 2, 3):
        overrides = ["data.test=0.25", "data.validation=0.2", f"data.fold={which}/3"]
        splits = load_splits(load(*overrides))
        parts = [as_set(part) for part in (splits.train, splits.validation, splits.test)]
        assert list(map(len, parts)) == [24, 6, 15]
        assert set.union(*parts) == ALL - aside
        held.append(parts[2])
    assert set.union(*held) == ALL - aside
    with pytest.raises(DataError, match="has 60 rows for 61 folds"):
        load_splits(load("data.fold=1/61"))


LOOSE = ("data.stratified=false", "data.test=0.5")


@pytest.mark.parametrize(
    ("rows", "overrides", "advice"),
    [
        (1, ("data.fold=1/2",), "give the class more rows"),
        (1, ("data.fold=1/2", "data.stratified=false"), "give the class more rows"),
        (2, LOOSE, "hold out fewer rows or set data.stratified: true"),
        (2, ("data.fold=1/2", *LOOSE), "hold out fewer rows or set data.stratified: true"),
        (2, ("data.fold=1/2", "data.test=0.5"), "hold out fewer rows or give the class more rows"),
    ],
)
def test_a_class_without_a_row_to_train_on_is_told_with_what_helps(
    load, tmp_path, rows, overrides, advice
):
    """One row is in a fold whatever is asked for; what is set already is not advised."""
    table = tmp_path / "train.csv"
    table.write_text(table.read_text() + "1,2,3,yew\n" * rows)
    found = []
    for seed in range(40):
        try:
            load_splits(load(*overrides, f"data.seed={seed}"))
        except DataError as error:
            found.append(str(error))
    told = f"no row of class 'yew' is left to train on, of {rows} in all; {advice}"
    assert found
    assert {message.partition(": ")[2] for message in found} == {told}


def test_a_share_of_the_training_rows_leaves_the_others_alone(load):
    """What is held out is the same for every share."""
    held = ("data.test=0.25", "data.validation=0.2")
    whole, half, other = (
        load_splits(load(*held, f"data.train_share={share}", f"data.repeat={repeat}"))
        for share, repeat in ((0.9, 0), (0.5, 0), (0.5, 1))
    )
    assert as_set(half.train) < as_set(whole.train)
    assert as_set(half.train) != as_set(other.train)
    assert half.train.counts().tolist() == other.train.counts().tolist() == [6] * 3
    for name in ("validation", "test"):
        assert as_set(getattr(half, name)) == as_set(getattr(whole, name))


def test_a_split_follows_its_seed(load):
    """The same seed gives the same rows, another seed others."""
    first, again, other = (
        as_set(load_splits(load("data.test=0.5", f"data.seed={seed}")).test) for seed in (3, 3, 4)
    )
    assert first == again != other


def test_the_test_rows_do_not_depend_on_the_validation_rows(load):
    """So that runs with other validation settings can be compared on them."""
    with_, without = (
        load_splits(load("data.test=0.3", f"data.validation={part}")) for part in (0.4, 0)
    )
    assert as_set(with_.test) == as_set(without.test)
    assert without.validation is None


def test_held_out_files_are_taken_whole_and_put_in_order(load, tmp_path):
    """A test file may have its columns in another order; they go by name."""
    test = write_table(tmp_path / "t.csv", 21, "cyab", ("a", "b", "c", "kind"))
    validation = write_table(tmp_path / "v.csv", 12)
    splits = load_splits(load(f"data.test={test}", f"data.validation={validation}"))
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (60, 12, 21)
    assert splits.test.X.tolist() == [[float(v) for v in row[:3]] for row in rows_of(21)]
    assert [splits.test.classes[y] for y in splits.test.y] == [row[3] for row in rows_of(21)]
    assert [file.role for file in splits.files] == ["train", "validation", "test"]


def test_a_held_out_file_with_an_unknown_class_is_refused(load, tmp_path):
    """Its classes are those of the training rows."""
    test = write_table(tmp_path / "t.csv", 21)
    test.write_text(test.read_text().replace("oak", "yew"))
    with pytest.raises(DataError, match="'yew'"):
        load_splits(load(f"data.test={test}"))


def test_a_label_unknown_in_one_of_several_files_is_placed_in_it(load, tmp_path):
    """The row counts within the file."""
    write_table(tmp_path / "t1.csv", 6)
    other = write_table(tmp_path / "t2.csv", 3)
    other.write_text(other.read_text().replace("elm", "yew"))
    with pytest.raises(DataError, match=r"t2\.csv: row 2 has the label 'yew'"):
        load_splits(load(f"data.test={tmp_path}/t?.csv"))


def test_labels_without_their_data_are_refused(load):
    """A setting without effect is an error."""
    config = load("data.test=0.5", "data.test_labels=y.npy")
    with pytest.raises(ConfigError, match=r"data\.test_labels is given, but data\.test names no"):
        load_splits(config)


def test_text_labels_of_arrays_have_no_header_to_lose(load, tmp_path):
    """A class of one row is no header where there are no lines."""
    np.savez(tmp_path / "t.npz", X=np.arange(8.0).reshape(4, 2), y=["a", "b", "b", "b"])
    config = load(f"data.train={tmp_path / 't.npz'}", "data.target=null")
    assert load_splits(config).train.classes == ("a", "b")


def test_a_class_that_a_split_takes_away_is_noticed(load, tmp_path):
    """There is nothing to train it on."""
    lines = (tmp_path / "train.csv").read_text().splitlines()
    (tmp_path / "train.csv").write_text("\n".join([*lines, "1,2,3,yew"]) + "\n")
    config = load("data.test=0.98", "data.stratified=false")
    with pytest.raises(DataError, match=r"no row of class .* is left .* data\.stratified"):
        load_splits(config)


def dataset(counts):
    """Return a dataset with so many rows of each class."""
    y = np.repeat(np.arange(len(counts)), counts)
    return Dataset(np.ones((len(y), 2)), y.astype(np.int64), CLASSES[: len(counts)])


def test_C_and_lambda_are_two_names_for_one_strength():
    """lambda = 1 / (2 C n), over the training rows."""
    train = dataset([5, 15])
    assert build_objective(Objective(C=0.25), train).lam == 1 / (2 * 0.25 * 20)
    assert build_objective(Objective(lam=0.125), train).lam == 0.125
    assert build_objective(Objective(), train).lam == 0.03


def test_the_rows_that_C_counts_are_the_training_rows(load):
    """Held-out rows are not among them."""
    config = load("data.test=0.25", "objective.C=2.0")
    assert build(config, load_splits(config)).problem.objective.lam == 1 / (2 * 2.0 * 45)


def test_balanced_weights_give_every_class_the_same_share():
    """n / (classes x rows of the class)."""
    weight = build_objective(Objective(class_weight="balanced"), dataset([2, 8, 10])).class_weight
    assert weight.tolist() == pytest.approx([20 / 6, 20 / 24, 20 / 30])
    assert build_objective(Objective(), dataset([2, 8])).class_weight is None


def test_given_weights_go_to_their_classes():
    """A class that is not named weighs 1; one that is not there is an error that lists them."""
    train = dataset([2, 8, 10])
    weight = build_objective(Objective(class_weight={"oak": 3.0, "ash": 0.5}), train).class_weight
    assert weight.tolist() == [0.5, 1.0, 3.0]
    with pytest.raises(ConfigError, match=r"the class 'yew'; the data have 'ash', 'elm', 'oak'"):
        build_objective(Objective(class_weight={"yew": 2.0}), train)


def test_integer_classes_are_named_as_text_in_weights():
    """As they stand in YAML."""
    train = Dataset(np.ones((4, 1)), np.array([0, 0, 1, 1]), (-1, 7))
    weight = build_objective(Objective(class_weight={"-1": 2.0}), train).class_weight
    assert weight.tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        *((3, 3), (8, 8), (60, 8), (4000, 8), (7999, 8), (8000, 16), (64000, 128)),
        *((128000, 256), (10**7, 256)),
    ],
)
def test_an_auto_batch_is_a_500th_of_the_rows(rows, size):
    """A power of two from 8 to 256, and never more than there are rows."""
    assert batch_size(Solver(), rows) == size


def test_a_given_batch_is_at_most_all_rows():
    """So that the counters agree."""
    assert batch_size(Solver(batch_size=100), 60) == 60
    assert batch_size(Solver(batch_size=7), 60) == 7


@pytest.mark.parametrize("metric", ["validation_loss", "validation_accuracy"])
@pytest.mark.parametrize(
    ("rule", "key"), [(stop_rules, "stop.metric"), (best_metric, "checkpoint.best")]
)
def test_a_metric_of_rows_that_are_not_there_is_refused(load, rule, key, metric):
    """The message says what to do."""
    with pytest.raises(ConfigError, match=rf"{key} is {metric}, .*set data\.validation"):
        rule(load(f"{key}={metric}"), has_validation=False)


def test_the_best_epoch_is_by_objective_unless_there_is_patience(load):
    """Then it is by the metric that is waited for."""
    assert best_metric(load(), True) == "objective"
    assert best_metric(load("stop.patience=3"), True) == "validation_loss"
    assert best_metric(load("stop.patience=3"), False) == "objective"
    assert best_metric(load("stop.patience=3", "checkpoint.best=train_loss"), True) == "train_loss"


def test_pegasos_needs_a_penalty(load):
    """Its rate is 1 / (2 lambda t)."""
    config = load("objective.lambda=0", "solver.schedule=pegasos")
    with pytest.raises(ConfigError, match=r"pegasos needs objective\.lambda > 0.*inverse_scaling"):
        build(config, load_splits(config))


@pytest.mark.parametrize("scale", ["standard", "minmax", "maxabs"])
def test_the_scaler_knows_the_training_rows_only(load, scale):
    """Held-out rows are scaled with constants that they had no part in."""
    config = load("data.test=0.3", "data.validation=0.3", f"preprocess.scale={scale}")
    splits = load_splits(config)
    built = build(config, splits)
    X = splits.train.X
    offset = {"standard": X.mean(axis=0), "minmax": X.min(axis=0), "maxabs": np.zeros(3)}[scale]
    width = {"standard": X.std(axis=0), "minmax": np.ptp(X, axis=0), "maxabs": abs(X).max(axis=0)}
    assert built.scaler.offset == pytest.approx(offset)
    assert built.scaler.factor == pytest.approx(1 / width[scale])
    for rows, scaled in (
        (X, built.problem.train.X),
        (splits.validation.X, built.problem.validation.X),
    ):
        assert np.allclose(scaled, (rows - offset) / width[scale], rtol=1e-12, atol=1e-12)


def test_the_arrays_have_the_dtype_of_the_solver(load):
    """All of them, so that nothing is computed twice as wide."""
    config = load("solver.dtype=float32", "solver.momentum=0.5", "solver.averaging=polyak")
    built = build(config, load_splits(config))
    assert built.problem.train.X.dtype == np.float32
    assert {array.dtype for array in built.start.solver.arrays().values()} == {np.dtype("f4")}


@pytest.mark.parametrize("header", ["0,1,species", "0,1,2"])
def test_a_header_of_numbers_is_not_taken_for_a_row(tmp_path, header):
    """Its label would be a class of its own; the user is asked instead."""
    rows = [f"{i}.5,{i % 4},{'ab'[i % 2] if 'species' in header else i % 2}" for i in range(20)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    text = f"data: {{train: {path}, target: 2, validation: 0"
    with pytest.raises(DataError, match=r"t\.csv:1: .* is that of no other: set data\.header"):
        load_splits(parse_config(text + "}\n"))
    assert len(load_splits(parse_config(text + ", header: true}\n")).train) == 20

"""The model: the same scores after a round trip, and one line about every file it cannot use."""

import copy
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from svmtrain import container
from svmtrain.data.columns import ColumnRule, Encoder, Rules
from svmtrain.data.dataset import Table
from svmtrain.data.scaling import Scaler
from svmtrain.errors import DataError, ModelError
from svmtrain.model import LinearClassifier, load_model
from svmtrain.objective.linear import LinearObjective


def classifier(dtype=np.float64, classes=("cat", "dog", "owl"), **changes):
    """Return a small model and rows that fit it."""
    rng = np.random.default_rng(0)
    X = rng.normal(5, 3, (20, 4))
    parts = {
        "W": rng.normal(size=(4, len(classes))).astype(dtype),
        "b": rng.normal(size=len(classes)).astype(dtype),
        "classes": classes,
        "scaler": Scaler.fit(X, "standard", "l2"),
        "objective": LinearObjective("crammer_singer", 0.5, 0.01, "free", np.ones(len(classes))),
        "feature_names": ("a", "b", "c", "d"),
        "target": "label",
        "trained": {"seed": 3, "lr": 0.1},
    }
    return LinearClassifier(**{**parts, **changes}), X


@pytest.mark.parametrize("classes", [("cat", "dog", "owl"), (-1, 7), ("+1", "07")])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_saved_model_scores_the_same(tmp_path, dtype, classes):
    """Scores are equal bit for bit, and everything else comes back too."""
    model, X = classifier(dtype, classes)
    model.save(tmp_path / "model.npz")
    found = load_model(tmp_path / "model.npz")
    assert found.decision_function(X).tobytes() == model.decision_function(X).tobytes()
    assert found.predict(X) == model.predict(X)
    assert found.card() == model.card()
    assert found.to_bytes() == model.to_bytes() == (tmp_path / "model.npz").read_bytes()
    assert [type(label) for label in found.classes] == [type(label) for label in classes]


def test_model_without_the_optional_parts_survives(tmp_path):
    """No feature names, no target, no class weights, nothing about the training."""
    model, X = classifier(
        feature_names=None, target=None, trained={}, objective=LinearObjective(lam=0.0)
    )
    model.save(tmp_path / "model.npz")
    found = load_model(tmp_path / "model.npz")
    assert found.feature_names is None
    assert found.target is None
    assert found.objective == model.objective
    assert found.predict(X) == model.predict(X)


def test_scores_follow_the_formula():
    """S = scaler(X) W + b, row by row."""
    model, X = classifier()
    for row, scores in zip(X, model.decision_function(X), strict=True):
        columns = zip(row, model.scaler.offset, model.scaler.factor, strict=True)
        scaled = [(x - o) * f for x, o, f in columns]
        length = sum(x * x for x in scaled) ** 0.5
        for j in range(3):
            want = sum(scaled[k] / length * model.W[k, j] for k in range(4)) + model.b[j]
            assert scores[j] == pytest.approx(want, rel=1e-12, abs=1e-12)


def test_prediction_is_the_label_of_the_largest_score():
    """Labels, not numbers, come out; at a tie the first class wins."""
    scaler = Scaler.fit(np.ones((1, 2)), "none", "none")
    model, _ = classifier(
        W=np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), b=np.zeros(3), scaler=scaler
    )
    X = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert model.predict(X) == ["cat", "dog", "cat"]
    assert model.predict_index(X).tolist() == [0, 1, 0]


def test_float32_model_scores_in_float32():
    """The rows take the dtype of the weights."""
    model, X = classifier(np.float32)
    assert model.decision_function(X).dtype == np.float32


@pytest.mark.parametrize("X", [np.ones((2, 3)), np.ones((2, 5)), np.ones(4), np.ones((1, 2, 4))])
def test_rows_of_another_width_are_refused(X):
    """The message names the shape found and the features expected."""
    model, _ = classifier()
    with pytest.raises(DataError, match=r"shape \(.*\); the model expects 4 features"):
        model.predict(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_refused(bad):
    """A NaN has no class."""
    model, X = classifier()
    X[3, 1] = bad
    with pytest.raises(DataError, match="not finite"):
        model.predict(X)


def parts():
    """Return the header and arrays of a good model file, to be changed."""
    model, _ = classifier()
    header, arrays = container.unpack(model.to_bytes(), "model.npz")
    return copy.deepcopy(header), arrays


def refused(path):
    """Assert that a file is refused with one line that names it, and return that line."""
    with pytest.raises(ModelError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < len(str(path)) + 250
    return message


ARRAYS = {
    "W too narrow": ("W", np.ones((4, 2))),
    "W too wide": ("W", np.ones((4, 4))),
    "W too short": ("W", np.ones((3, 3))),
    "W flat": ("W", np.ones(12)),
    "W of integers": ("W", np.ones((4, 3), dtype=np.int64)),
    "W of another dtype than b": ("W", np.ones((4, 3), dtype=np.float32)),
    "b too long": ("b", np.ones(4)),
    "b square": ("b", np.ones((3, 1))),
    "b of integers": ("b", np.ones(3, dtype=np.int64)),
    "NaN in W": ("W", np.full((4, 3), np.nan)),
    "infinity in b": ("b", np.array([0.0, np.inf, 0.0])),
    "offset too short": ("scaler_offset", np.ones(3)),
    "offset of float32": ("scaler_offset", np.ones(4, dtype=np.float32)),
    "NaN in the offset": ("scaler_offset", np.full(4, np.nan)),
    "factor too long": ("scaler_factor", np.ones(5)),
    "infinity in the factor": ("scaler_factor", np.full(4, np.inf)),
    "class weights too short": ("class_weight", np.ones(2)),
    "NaN in the class weights": ("class_weight", np.full(3, np.nan)),
    "an array too many": ("extra", np.ones(1)),
}


@pytest.mark.parametrize("case", sorted(ARRAYS))
def test_arrays_that_do_not_agree_are_refused(tmp_path, case):
    """Shapes, dtypes and finiteness are checked against the classes and each other."""
    header, arrays = parts()
    name, array = ARRAYS[case]
    path = tmp_path / "model.npz"
    path.write_bytes(container.pack(header, {**arrays, name: array}))
    refused(path)


@pytest.mark.parametrize("name", ["W", "b", "scaler_offset", "scaler_factor", "class_weight"])
def test_missing_array_is_refused(tmp_path, name):
    """Every array of the model must be there."""
    header, arrays = parts()
    del arrays[name]
    path = tmp_path / "model.npz"
    path.write_bytes(container.pack(header, arrays))
    assert "missing arrays" in refused(path)


def encoder_of(*texts, named=True):
    """Return an encoder of a column a word, whose letters are its texts."""
    columns = [ColumnRule(f"t{at}", tuple(word), None) for at, word in enumerate(texts)]
    return Encoder(tuple(columns), Rules(text="onehot"), named)


def test_a_model_with_an_encoder_comes_back(tmp_path):
    """With the columns that it was trained on, and which of them were chosen."""
    encoder = encoder_of("ab", "cd")
    model, _ = classifier(
        encoder=encoder, feature_names=encoder.feature_names, keep=("t0", "t1"), drop=("id", 3)
    )
    model.save(tmp_path / "model.npz")
    back = load_model(tmp_path / "model.npz")
    assert (back.encoder, back.keep, back.drop) == (encoder, ("t0", "t1"), ("id", 3))
    table = Table(np.array([[1.0, 0.0]]), None, None, {0: ("b", "a"), 1: ("d",)})
    assert back.features(table, "t.csv").tolist() == [[1, 0, 0, 1]]


@pytest.mark.parametrize("key", ["keep", "drop", "encoder"])
def test_a_model_of_before_columns_were_chosen_is_loaded(tmp_path, key):
    """It takes all columns, as they are."""
    header, arrays = parts()
    del header["model"][key]
    (tmp_path / "model.npz").write_bytes(container.pack(header, arrays))
    model = load_model(tmp_path / "model.npz")
    assert (model.keep, model.drop, model.encoder) == ((), (), None)


CARDS = {
    "no classes": ("classes", []),
    "one class": ("classes", ["a"]),
    "fewer classes than columns": ("classes", ["a", "b"]),
    "more classes than columns": ("classes", ["a", "b", "c", "d"]),
    "classes that are not sorted": ("classes", ["a", "c", "b"]),
    "classes repeated": ("classes", ["a", "b", "b"]),
    "classes of two kinds": ("classes", ["a", "b", 3]),
    "classes that are booleans": ("classes", [0, True, 2]),
    "classes that are all booleans": ("classes", [False, True]),
    "classes that are floats": ("classes", [0.5, 1.5, 2.5]),
    "classes that are lists": ("classes", [[], [1], [2]]),
    "classes that are no list": ("classes", "abc"),
    "too few feature names": ("feature_names", ["a"]),
    "feature names that are no text": ("feature_names", [1, 2, 3, 4]),
    "feature names that are no list": ("feature_names", {"a": 1}),
    "target that is a list": ("target", []),
    "target that is a boolean": ("target", True),
    "unknown scale": ("scale", "log"),
    "unknown row norm": ("row_norm", "l1"),
    "unknown loss": ("loss", "os.system"),
    "unknown bias": ("bias", "yes"),
    "margin of zero": ("delta", 0),
    "margin too large": ("delta", 10**400),
    "margin that is text": ("delta", "1"),
    "negative lambda": ("lambda", -1e-3),
    "lambda too large": ("lambda", 10**400),
    "lambda that is a boolean": ("lambda", True),
    "training facts that are text": ("trained", "yes"),
    "columns to keep that are numbers": ("keep", [0.5]),
    "columns to drop that are no list": ("drop", "a"),
    "encoder that is a text": ("encoder", "onehot"),
    "encoder of too many features": ("encoder", encoder_of("ab", "abc").card()),
    "encoder of features of other names": ("encoder", encoder_of("xy", "ab").card()),
    "encoder of features without names": ("encoder", encoder_of("ab", "cd", named=False).card()),
}


@pytest.mark.parametrize("case", sorted(CARDS))
def test_cards_with_impossible_values_are_refused(tmp_path, case):
    """Every field is checked for type, range and agreement with the weights."""
    header, arrays = parts()
    key, value = CARDS[case]
    header["model"][key] = value
    path = tmp_path / "model.npz"
    path.write_bytes(container.pack(header, arrays))
    refused(path)


@pytest.mark.parametrize(
    "key", ["classes", "scale", "row_norm", "loss", "delta", "lambda", "bias", "trained"]
)
def test_cards_without_a_field_are_refused(tmp_path, key):
    """Nothing that is needed is guessed."""
    header, arrays = parts()
    del header["model"][key]
    path = tmp_path / "model.npz"
    path.write_bytes(container.pack(header, arrays))
    assert key in refused(path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("version", 2, "format version 2; this svmtrain reads version 1"),
        ("version", 0, "format version 0"),
        ("version", "1", "version is '1'"),
        ("version", None, "version is None"),
        ("format", "other", "is a 'other'; expected svmtrain-model or svmtrain-checkpoint"),
        ("format", 7, "format is 7"),
        ("model", [], r"model is []"),
        ("format", "\x1b[2J\n", r"is a '\x1b[2J\n'"),
    ],
)
def test_other_versions_and_formats_are_refused(tmp_path, key, value, words):
    """A newer version is named; a control character of a file never reaches the terminal."""
    header, arrays = parts()
    header[key] = value
    path = tmp_path / "model.npz"
    path.write_bytes(container.pack(header, arrays))
    message = refused(path)
    assert words in message
    assert message.isprintable()


def test_npz_files_of_others_are_refused(tmp_path):
    """An archive written by numpy is no model, whatever its arrays are called."""
    path = tmp_path / "model.npz"
    for save in (np.savez, np.savez_compressed):
        save(path, W=np.ones((4, 3)), b=np.ones(3))
        assert "not a file of svmtrain" in refused(path)


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickles_are_refused_and_never_run(tmp_path):
    """A pickle is not a model, and nothing of it is executed."""
    sprung = tmp_path / "sprung"
    path = tmp_path / "model.npz"
    path.write_bytes(pickle.dumps(Trap(sprung)))
    assert "not a model" in refused(path)
    np.save(path.with_suffix(".npy"), np.array([Trap(sprung)], dtype=object), allow_pickle=True)
    refused(path.with_suffix(".npy"))
    assert not sprung.exists()


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04", b"label,a\n1,2\n"])
def test_files_of_other_kinds_are_refused(tmp_path, content):
    """Empty, tiny and text files."""
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    refused(path)


def test_folders_fifos_and_missing_files_are_refused(tmp_path):
    """None of them is opened as a model, and none of them blocks."""
    assert "it is a folder" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "none.npz")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path / "pipe")


def test_model_holds_nothing_of_the_place_it_was_made_in(tmp_path, monkeypatch):
    """No home path, no working folder, no name of the user or the host."""
    home = tmp_path / "home-of-someone"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    model, _ = classifier()
    model.save("model.npz")
    content = Path("model.npz").read_bytes()
    places = (home, Path.cwd(), os.path.expanduser("~"), tmp_path)
    assert not any(str(place).encode() in content for place in places)

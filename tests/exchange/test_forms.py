"""Models in the forms of others, by programs of others: the same scores, the same labels."""

import ctypes
import importlib.util
import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import safetensors.numpy
import skops.io
from small_models import (
    CLASSES,
    HOSTILE,
    by_liblinear,
    make_encoder,
    make_filler,
    make_model,
    make_rows,
    with_encoder,
)

from svmtrain.calibration import CALIBRATIONS, Calibration, Curve
from svmtrain.data.dataset import Table
from svmtrain.errors import ConfigError
from svmtrain.exchange import c_source, json_form, liblinear, python_source, skops_file
from svmtrain.exchange import onnx as onnx_form
from svmtrain.exchange import safetensors as safetensors_form
from svmtrain.exchange.forms import EXPORTS
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES

EXACT = {"rtol": 1e-13, "atol": 1e-13}

#: Every way in which numbers are prepared, for two classes and for three.
KINDS = pytest.mark.parametrize(
    ("scale", "row_norm", "n_classes"),
    [
        ("none", "none", 3),
        ("standard", "none", 3),
        ("standard", "none", 2),
        ("maxabs", "l2", 3),
        ("standard", "l2", 2),
    ],
)


def model_of(scale, row_norm, n_classes, **more):
    """Return a model of one of the kinds."""
    return make_model(scale=scale, row_norm=row_norm, classes=CLASSES[n_classes], **more)


def imported(content, folder):
    """Return what a Python file holds once it is imported."""
    path = folder / "exported.py"
    path.write_bytes(content)
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(content, folder):
    """Return the library that a compiler makes of C without a single warning."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    source, library = folder / "exported.c", folder / "exported.so"
    source.write_bytes(content)
    strict = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
    words = ["cc", *strict, "-O1", "-shared", "-fPIC", "-nostdlib", "-o", library, source]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def by_c(library, rows, n_classes):
    """Return the places and the scores that the function in C gives for rows."""
    doubles = ctypes.POINTER(ctypes.c_double)
    scores, places = np.zeros((len(rows), n_classes)), []
    for row, out in zip(np.ascontiguousarray(rows), scores, strict=True):
        to = (row.ctypes.data_as(doubles), out.ctypes.data_as(doubles))
        places.append(library.svmtrain_predict(*to))
    return places, scores


def texts_of(library, name, count):
    """Return the texts of an array in C."""
    found = (ctypes.c_char_p * count).in_dll(library, name)
    return [text.decode("utf-8") for text in found]


def session_of(content):
    """Return a session of onnxruntime on one thread, of a model that onnx finds no fault with."""
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def one_score(scores):
    """Return scores as scikit-learn has them: one for two classes."""
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_liblinear_gives_the_same_labels(loss, n_classes):
    """Scaling folded in, a bias or none, and a tie for the first class."""
    model = make_model(classes=(-4, 9, 12)[:n_classes], objective=LinearObjective(loss=loss))
    rows = make_rows(model)
    written = liblinear.export(model)
    assert written.notes == ()
    assert by_liblinear(written.content, rows) == model.predict(rows)
    bare = make_model(classes=(5, 6), scale="none", b=np.zeros(2))
    content = liblinear.export(bare).content
    assert b"bias -1\n" in content
    assert by_liblinear(content, np.zeros((1, 5))) == bare.predict(np.zeros((1, 5))) == [5]


@pytest.mark.skipif(not shutil.which("liblinear-predict"), reason="LIBLINEAR is not installed")
@pytest.mark.parametrize("loss", ["one_vs_rest", "weston_watkins"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_real_liblinear_predicts_the_same(loss, n_classes, tmp_path):
    """Its own program, on text rows whose zeros are not there."""
    model = make_model(classes=(-4, 9, 12)[:n_classes], objective=LinearObjective(loss=loss))
    rows = make_rows(model)
    rows[::3, 1] = 0
    lines = (" ".join(f"{i}:{v!r}" for i, v in enumerate(row, 1) if v) for row in rows.tolist())
    (tmp_path / "rows").write_text("".join(f"0 {line}\n" for line in lines))
    (tmp_path / "model").write_bytes(liblinear.export(model).content)
    words = ["liblinear-predict", "rows", "model", "out"]
    subprocess.run(words, cwd=tmp_path, check=True, timeout=60, stdout=subprocess.DEVNULL)
    found = [int(line) for line in (tmp_path / "out").read_text().split()]
    assert found == model.predict(rows)


def test_liblinear_is_told_labels_by_numbers():
    """Texts are numbered from 0, and whoever uses the file is told which is which."""
    model = make_model()
    written = liblinear.export(model)
    assert written.notes == ("labels are numbers there: 0 is 'ash', 1 is 'elm', 2 is 'oak'",)
    rows = make_rows(model)
    assert by_liblinear(written.content, rows) == model.predict_index(rows).tolist()


@pytest.mark.parametrize(
    ("form", "model", "problem"),
    [
        (liblinear, make_model(row_norm="l2"), "rows are divided by their length"),
        (liblinear, make_model(classes=(1, 2**31)), "a class is beyond 2,147,483,647"),
        (liblinear, with_encoder(make_encoder()), "the model takes columns of text, which LIBL"),
        (onnx_form, with_encoder(make_encoder()), "the model takes columns of text, which ONNX"),
        (c_source, with_encoder(make_encoder()), "the model takes columns of text, which C"),
        (skops_file, with_encoder(make_encoder()), "a table with text or gaps"),
        (c_source, make_model(classes=("a", "b" * 4001)), "has 4,001 bytes; a literal of C"),
    ],
)
def test_what_a_form_cannot_carry_is_said(form, model, problem):
    """In one sentence that names a form that can."""
    with pytest.raises(ConfigError, match=problem) as caught:
        form.export(model)
    assert "--to" in str(caught.value) or "FILE.py" in str(caught.value)


@KINDS
def test_a_python_file_gives_the_same_scores(scale, row_norm, n_classes, tmp_path):
    """A pipeline of scikit-learn, made when the file is imported."""
    model = model_of(scale, row_norm, n_classes)
    rows = make_rows(model)
    pipeline = imported(python_source.export(model).content, tmp_path).pipeline
    expected = one_score(model.decision_function(rows))
    np.testing.assert_allclose(pipeline.decision_function(rows), expected, **EXACT)
    assert pipeline.predict(rows).tolist() == model.predict(rows)


def calibrated(n_classes, method):
    """Return a calibrated model."""
    if method == "sigmoid":
        curve = Curve(np.array([0.7]), np.array([-0.2]))
    else:
        curve = Curve(np.array([-2.0, 0.5, 1.0]), np.array([0.0, 0.25, 1.0]))
    calibration = Calibration(method, curve, 99)
    return make_model(classes=CLASSES[n_classes], calibration=calibration)


@pytest.mark.parametrize("method", CALIBRATIONS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_python_file_gives_the_same_probabilities(n_classes, method, tmp_path):
    """Of every kind of calibration, for two classes and for more."""
    model = calibrated(n_classes, method)
    rows = make_rows(model) * 5
    module = imported(python_source.export(model).content, tmp_path)
    np.testing.assert_allclose(module.predict_proba(rows), model.predict_proba(rows), **EXACT)
    bare = imported(python_source.export(make_model()).content, tmp_path)
    assert not hasattr(bare, "predict_proba")


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_a_calibration_travels_or_is_said_to_stay(method):
    """As numbers, with the rule in words; where there are none, by a note."""
    model = calibrated(3, method)
    curve = model.calibration.curve
    found = json.loads(json_form.export(model).content)["calibration"]
    assert (found["x"], found["y"]) == (curve.x.tolist(), curve.y.tolist())
    content = safetensors_form.export(model).content
    tensors = safetensors.numpy.load(content)
    np.testing.assert_array_equal(tensors["calibration_x"], curve.x)
    np.testing.assert_array_equal(tensors["calibration_y"], curve.y)
    assert found["probabilities"].startswith("p(m) ")
    assert json.dumps(found["probabilities"]).encode() in content
    for form in (liblinear, onnx_form, c_source, skops_file):
        assert form.export(model).notes[-1].startswith("probabilities stay behind")
        assert not any("probab" in note for note in form.export(make_model()).notes)


@KINDS
def test_a_file_of_skops_is_the_same_pipeline(scale, row_norm, n_classes, tmp_path):
    """Loaded without trusting any type beyond those that skops knows."""
    model = model_of(scale, row_norm, n_classes)
    rows = make_rows(model)
    pipeline = skops.io.loads(skops_file.export(model).content, trusted=[])
    expected = one_score(model.decision_function(rows))
    np.testing.assert_allclose(pipeline.decision_function(rows), expected, **EXACT)
    assert pipeline.predict(rows).tolist() == model.predict(rows)


def test_an_export_without_skops_names_the_extra(monkeypatch):
    """And the form that needs none."""
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ConfigError, match=r"svmtrain\[exchange\].*FILE\.py"):
        skops_file.export(make_model())


@pytest.mark.parametrize("text", ["onehot", "ordinal"])
def test_a_python_file_carries_tables_with_text_and_gaps(text, tmp_path):
    """Texts, gaps filled, a text that no training row had: by the encoder's own rules."""
    model = with_encoder(make_encoder(text))
    table = pd.DataFrame(
        {
            "weight": ["1", "2.5", "?", "-3e0"],
            "co'l\"our\\": ["it's", "?", " blue", "green"],
            "unused": ["x", "x", "x", "x"],
            "size": ["4", "", "0.25", "7"],
        }
    )
    texts = {1: ("it's", "blue", "green")}
    X = np.array([[4, 0, 1], [np.nan, np.nan, 2.5], [0.25, 1, np.nan], [7, 2, -3]])
    expected = model.decision_function(model.features(Table(X, None, None, texts), "t"))
    module = imported(python_source.export(model).content, tmp_path)
    columns = table[["size", "co'l\"our\\", "weight"]]
    as_object = columns.to_numpy(dtype=object)
    for rows in (table, columns, columns.to_dict("list"), as_object, as_object.tolist()):
        np.testing.assert_allclose(module.pipeline.decision_function(rows), expected, **EXACT)
    with pytest.raises(ValueError, match=r"rows have shape \(4, 2\); expected \(n, 3\)"):
        module.pipeline.predict(as_object[:, :2])


@pytest.mark.parametrize(
    ("cells", "problem"),
    [(["?", "1"], "column 'size' has a gap"), (["1", "1"], "has 'green', which no training row")],
)
def test_a_python_file_refuses_what_the_model_refuses(cells, problem, tmp_path):
    """A gap that nothing fills, a text that is unknown."""
    model = with_encoder(make_encoder(unseen="error", missing="error"))
    module = imported(python_source.export(model).content, tmp_path)
    table = {"size": cells, "co'l\"our\\": ["red", "green"], "weight": ["1", "1"]}
    with pytest.raises(ValueError, match=problem):
        module.pipeline.predict(table)


@KINDS
def test_onnx_gives_the_same_scores(scale, row_norm, n_classes):
    """And labels that are numbers or texts, as the classes are."""
    model = model_of(scale, row_norm, n_classes)
    rows = make_rows(model)
    label, scores = session_of(onnx_form.export(model).content).run(None, {"features": rows})
    np.testing.assert_allclose(scores, model.decision_function(rows), **EXACT)
    assert label.tolist() == model.predict(rows)


@KINDS
def test_c_gives_the_same_scores(scale, row_norm, n_classes, tmp_path):
    """Compiled without a warning, and without any library."""
    model = model_of(scale, row_norm, n_classes)
    rows = make_rows(model)
    places, scores = by_c(compiled(c_source.export(model).content, tmp_path), rows, n_classes)
    np.testing.assert_allclose(scores, model.decision_function(rows), **EXACT)
    assert [model.classes[place] for place in places] == model.predict(rows)


def test_lengths_of_any_size_leave_the_floats_nowhere(tmp_path):
    """Neither their squares nor their roots: rows of 1e200, of 1e-200, and of one number."""
    model = make_model(scale="none", row_norm="l2")
    rows = make_rows(model, 8) * 10.0 ** np.array([[200], [-200], [300], [-300], [0]] * 8)[:8]
    rows[5, 1:] = 0
    expected = model.decision_function(rows)
    _, scores = session_of(onnx_form.export(model).content).run(None, {"features": rows})
    np.testing.assert_allclose(scores, expected, **EXACT)
    _, scores = by_c(compiled(c_source.export(model).content, tmp_path), rows, 3)
    np.testing.assert_allclose(scores, expected, **EXACT)


def test_onnx_and_c_fill_gaps(tmp_path):
    """A NaN becomes what the training rows had; where nothing fills it, C says so by -1."""
    model = with_encoder(make_filler())
    rows = make_rows(model)
    rows[::2, 0] = rows[1::3, 2] = np.nan
    expected = model.decision_function(model.features(Table(rows, None), "t"))
    _, scores = session_of(onnx_form.export(model).content).run(None, {"features": rows})
    np.testing.assert_allclose(scores, expected, **EXACT)
    places, scores = by_c(compiled(c_source.export(model).content, tmp_path), rows, 3)
    np.testing.assert_allclose(scores, expected, **EXACT)
    (tmp_path / "no").mkdir()
    unfilled = compiled(c_source.export(make_model(3)).content, tmp_path / "no")
    places, _ = by_c(unfilled, rows[:2], 3)
    assert places[0] == -1
    assert places[1] >= -1
    assert liblinear.export(model).notes[-1].startswith("gaps are not filled there")


def test_hostile_names_stay_names(tmp_path):
    """Quotes, backslashes, ends of comments, trigraphs: each comes out as it went in."""
    classes = tuple(sorted(HOSTILE))
    model = make_model(len(HOSTILE), classes, feature_names=HOSTILE)
    rows, count = make_rows(model), len(HOSTILE)
    library = compiled(c_source.export(model).content, tmp_path)
    assert texts_of(library, "svmtrain_classes", count) == list(classes)
    assert texts_of(library, "svmtrain_features", count) == list(HOSTILE)
    module = imported(python_source.export(model).content, tmp_path)
    assert module.pipeline.predict(rows).tolist() == model.predict(rows)
    assert list(classes) == module.CLASSES
    label, _ = session_of(onnx_form.export(model).content).run(None, {"features": rows})
    assert label.tolist() == model.predict(rows)
    document = json.loads(json_form.export(model).content)
    assert document["model"]["classes"] == list(classes)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_safetensors_hold_the_very_arrays(dtype):
    """As a layer of torch has them, with the card of the model beside them."""
    plain = make_model()
    model = make_model(W=plain.W.astype(dtype), b=plain.b.astype(dtype), row_norm="l2")
    content = safetensors_form.export(model).content
    tensors = safetensors.numpy.load(content)
    assert {name: array.dtype for name, array in tensors.items()} == {
        **{"weight": dtype, "bias": dtype},
        **{"offset": np.float64, "factor": np.float64},
    }
    np.testing.assert_array_equal(tensors["weight"], model.W.T)
    rows = make_rows(model)
    z = (rows - tensors["offset"]) * tensors["factor"]
    lengths = np.sqrt(np.square(z).sum(axis=1, keepdims=True))
    z /= np.where(lengths > 0, lengths, 1)
    near = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else EXACT
    scores = z @ tensors["weight"].T + tensors["bias"]
    np.testing.assert_allclose(scores, model.decision_function(rows), **near)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["model"]) == json.loads(json.dumps(model.card()))
    assert "z = z / |z|" in header["__metadata__"]["scores"]


def test_json_has_everything():
    """Every array to the last bit, and the card."""
    model = with_encoder(make_encoder())
    document = json.loads(json_form.export(model).content)
    parts = {"W": model.W, "b": model.b}
    parts |= {"offset": model.scaler.offset, "factor": model.scaler.factor}
    for name, array in parts.items():
        np.testing.assert_array_equal(document[name], array)
    assert document["model"] == json.loads(json.dumps(model.card()))


@pytest.mark.parametrize("name", EXPORTS)
def test_a_form_is_made_the_same_every_time(name):
    """No clock and no chance in it, so that equal models are equal files."""
    for ending, write in EXPORTS[name].writers.items():
        if ending != ".skops":  # an archive with times, written by skops
            assert write(make_model()).content == write(make_model()).content

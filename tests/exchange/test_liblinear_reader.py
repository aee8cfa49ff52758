"""Models that LIBLINEAR saved: what they give, and what is wrong with those that are refused."""

import shutil
import subprocess

import numpy as np
import pytest
from small_models import by_liblinear, make_model, make_rows

from svmtrain.errors import ModelError
from svmtrain.exchange import liblinear, liblinear_reader
from svmtrain.objective.linear import LinearObjective

THREE = """solver_type L2R_L1LOSS_SVC_DUAL
nr_class 3
label 9 -4 12
nr_feature 2
bias 2
w
1 -2.5 0.5
0.25 0 -1e-3
0.5 3 -0.125
"""
TWO = """solver_type L2R_L2LOSS_SVC
nr_class 2
label 1 -1
nr_feature 3
bias -1
w
1.5
-2
0.25
"""
CS = """solver_type MCSVM_CS
nr_class 2
label -1 1
nr_feature 2
bias -1
w
1.5 -1.25
-2 2.5
"""


def read(text, folder):
    """Return what comes of a file of some text."""
    path = folder / "x.model"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return liblinear_reader.read(path)


@pytest.mark.parametrize("text", [THREE, TWO, CS, TWO.replace("\n", "\r\n")])
def test_labels_are_those_of_liblinear(text, tmp_path):
    """By the rules of its README, with the classes in their order and the bias of its size."""
    model, notes = read(text, tmp_path)
    rows = make_rows(model)[:-1]
    assert notes == ()
    assert model.predict(rows) == by_liblinear(text.replace("\r", "").encode(), rows)
    assert list(model.classes) == sorted(model.classes)


@pytest.mark.skipif(not shutil.which("liblinear-train"), reason="LIBLINEAR is not installed")
@pytest.mark.parametrize("solver", range(8))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_solver_of_the_real_liblinear_is_read(solver, n_classes, tmp_path):
    """Trained by its own program, with a bias: the same labels as its own program gives."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(60, 3)) + 0.5
    labels = (-4, 9, 12)[:n_classes]
    of_row = [labels[i % n_classes] for i in range(60)]
    rows[:, 0] += of_row
    lines = (" ".join(f"{i}:{v!r}" for i, v in enumerate(row, 1)) for row in rows.tolist())
    text = "".join(f"{label} {line}\n" for label, line in zip(of_row, lines, strict=True))
    (tmp_path / "rows").write_text(text)
    for words in (
        ["liblinear-train", "-q", "-s", str(solver), "-B", "2", "rows", "m"],
        ["liblinear-predict", "rows", "m", "out"],
    ):
        subprocess.run(words, cwd=tmp_path, check=True, timeout=60, stdout=subprocess.DEVNULL)
    model, notes = liblinear_reader.read(tmp_path / "m")
    found = [int(line) for line in (tmp_path / "out").read_text().split()]
    assert model.predict(rows) == found
    assert len({*found}) == n_classes
    assert bool(notes) == (solver in (0, 5, 6, 7))


def test_what_is_not_known_is_not_made_up(tmp_path):
    """The file says nothing of C: lambda is 0, the loss is the solver's, the solver is kept."""
    model, _ = read(THREE, tmp_path)
    objective = model.objective
    assert (objective.loss, objective.lam, objective.bias) == ("one_vs_rest", 0, "regularized")
    assert model.trained == {
        "imported": {"from": "LIBLINEAR", "solver_type": "L2R_L1LOSS_SVC_DUAL"}
    }
    model, notes = read(TWO.replace("L2R_L2LOSS_SVC", "L2R_LR"), tmp_path)
    assert notes[0].startswith("L2R_LR minimised the logistic loss, which no loss here is")


@pytest.mark.parametrize("loss", ["one_vs_rest", "one_vs_rest_squared", "crammer_singer"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_there_and_back_is_the_same_model(loss, n_classes, tmp_path):
    """To the last bit, where nothing is to be folded; for two classes W is (-w, w) then."""
    model = make_model(
        classes=(1, 5, 6)[:n_classes], scale="none", objective=LinearObjective(loss=loss)
    )
    back, _ = read(liblinear.export(model).content, tmp_path)
    if n_classes == 2:
        w = (model.W[:, 1] - model.W[:, 0]) / 2
        np.testing.assert_array_equal(back.W, np.stack([-w, w], axis=1))
    else:
        np.testing.assert_array_equal(back.W, model.W)
        np.testing.assert_array_equal(back.b, model.b)
    assert back.objective.loss == loss
    assert liblinear.export(back).content == liblinear.export(model).content


#: What is wrong: (what is replaced, by what, the line that is named, a part of the message).
WRONG = {
    "no model": (THREE, "hello\n", 1, "'hello' in the header; expected a model of LIBLINEAR"),
    "nothing": (THREE, "", 1, "'' in the header"),
    "binary": (THREE, b"PK\x03\x04\x1b[2J", 1, "in the header; expected a model"),
    "no weights": ("w\n1 -2.5 0.5\n0.25 0 -1e-3\n0.5 3 -0.125\n", "", 6, "'' in the header"),
    "no w": (THREE, "nr_class 3", None, "ends before its weights"),
    "regression": (
        *("L2R_L1LOSS_SVC_DUAL", "L2R_L2LOSS_SVR", 1),
        "expected one of classification, since this one is of regression and predicts numbers: L2R",
    ),
    "unknown": ("L2R_L1LOSS_SVC_DUAL", "NEW", 1, "expected one of classification: L2R"),
    "one class": ("nr_class 3", "nr_class 1", 2, "nr_class is '1'; expected a whole number from 2"),
    "vast classes": ("nr_class 3", "nr_class 999999999", 2, "nr_class is '999999999'; expected"),
    "many classes": ("nr_class 3", "nr_class 1000000", 3, "label is '9 -4 12'; expected 1000000 d"),
    "twice": ("nr_class 3", "nr_class 3\nnr_class 3", 3, "nr_class stands there a second time"),
    "missing": ("nr_class 3\n", "", None, "has no nr_class before its weights"),
    "same labels": ("9 -4 12", "9 9 12", 3, "expected 3 different whole numbers"),
    "no label": ("9 -4 12", "9 -4 x", 3, "expected 3 different whole numbers"),
    "large label": ("9 -4 12", "9 -4 3000000000", 3, "expected 3 different whole numbers"),
    "vast features": (
        *("nr_feature 2", "nr_feature 2000000000", None),
        "has 3 lines of weights; expected 2,000,000,001, by nr_feature and bias",
    ),
    "no features": ("nr_feature 2", "nr_feature 0", 4, "nr_feature is '0'; expected a whole"),
    "bad bias": ("bias 2", "bias nan", 5, "bias is 'nan'; expected a finite number"),
    "two biases": ("bias 2", "bias 2 3", 5, "bias is '2 3'; expected a finite number"),
    "huge bias": ("bias 2", "bias 1e308", None, "has a bias that is beyond the floats"),
    "rho": ("bias 2", "bias 2\nrho 1", 6, "'rho' in the header"),
    "short line": ("0.25 0 -1e-3", "0.25 0", 8, "has 2 weights; expected 3"),
    "long line": ("0.25 0 -1e-3", "0.25 0 -1e-3 1", 8, "has 4 weights; expected 3"),
    "nan": ("0.25 0", "nan 0", 8, "weight 'nan'; expected a finite number"),
    "inf": ("0.25 0", "1e999 0", 8, "weight '1e999'; expected a finite number"),
    "underscore": ("0.25 0", "1_0 0", 8, "weight '1_0'; expected a finite number"),
    "escape": ("0.25 0", "\x1b[2J 0", 8, r"weight '\x1b[2J'; expected a finite number"),
    "fewer lines": ("0.5 3 -0.125\n", "", None, "has 2 lines of weights; expected 3"),
    "more lines": ("0.5 3 -0.125\n", "0.5 3 -0.125\n1 1 1\n", None, "has 4 lines of weights"),
}


@pytest.mark.parametrize(("old", "new", "line", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_line(old, new, line, problem, tmp_path):
    """And no size in the header is believed: memory is not taken for it."""
    text = new if isinstance(new, bytes) else THREE.replace(old, new)
    with pytest.raises(ModelError) as caught:
        read(text, tmp_path)
    assert problem in str(caught.value)
    assert caught.value.line == line

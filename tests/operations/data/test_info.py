"""What is told of data: every figure against the rows, every warning by data that have it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from svmtrain.cli import main
from svmtrain.data.dataset import ReadOptions
from svmtrain.errors import DataError
from svmtrain.operations.data.info import data_info
from svmtrain.operations.data.warnings import WARNINGS


def write(path, text):
    """Write a text and return its path as a string."""
    Path(path).write_text(text, encoding="utf-8")
    return str(path)


def of(tmp_path, text, name="t.csv", **options):
    """Return what is known of a text."""
    return data_info(write(tmp_path / name, text), options=ReadOptions(**options))


PLAIN = "a,b,label\n1,0,x\n2,5,y\n3,0,x\n4,9,y\n"


def test_figures_are_those_of_the_rows(tmp_path):
    """Rows, density, classes and columns, computed here from the numbers."""
    info = of(tmp_path, PLAIN)
    X = np.array([[1, 0], [2, 5], [3, 0], [4, 9.0]])
    assert (info.rows, info.features, info.format, info.held) == (4, 2, "csv", "dense")
    assert info.density == 6 / 8
    assert info.memory == X.nbytes
    assert info.classes == {"x": 2, "y": 2}
    for at, column in enumerate(info.columns):
        values = X[:, at]
        assert (column.name, column.kind, column.gaps) == ("ab"[at], "number", 0)
        assert column.zeros == (values == 0).mean()
        assert column.mean == pytest.approx(values.mean())
        assert column.deviation == pytest.approx(values.std())
        assert (column.low, column.high) == (values.min(), values.max())
    assert (info.duplicate_rows, info.duplicate_columns, info.warnings) == (0, [], [])


def test_text_and_gaps_are_told_and_not_refused(tmp_path):
    """Without a setting, and with columns said to be text or dropped."""
    info = of(tmp_path, "a,w,label\n1,u,x\n?,u,y\n3,,x\n4,v,y\n")
    number, text = info.columns
    assert (number.gaps, number.mean) == (1, pytest.approx(8 / 3))
    assert (text.kind, text.gaps, text.texts, text.commonest) == ("text", 1, 2, "u")
    assert any("2 columns have gaps ('a', 'w')" in warning for warning in info.warnings)
    assert any("1 columns of text ('w')" in warning for warning in info.warnings)
    forced = of(tmp_path, PLAIN, text_columns=("a",), drop=("b",))
    assert [(c.name, c.kind, c.texts) for c in forced.columns] == [("a", "text", 4)]


def test_sparse_files_count_the_zeros_between(tmp_path):
    """The columns are those of all rows; indices are told to count from 1."""
    info = of(tmp_path, "1 2:3 4:1\n-1 2:0\n1 5:2\n", "t.svm")
    assert (info.rows, info.features, info.smallest_index) == (3, 5, 2)
    assert info.density == 3 / 15
    assert [column.zeros for column in info.columns] == [1, 2 / 3, 1, 2 / 3, 2 / 3]
    assert info.columns[1].mean == 1
    with pytest.raises(DataError, match=r"t\.svm:2:3: index 0.*add 1 to every index: perl"):
        of(tmp_path, "1 1:2\n1 0:3\n", "t.svm")


def test_bytes_stay_bytes(tmp_path):
    """The memory is that of the rows as they are held."""
    X, y = np.arange(12, dtype=np.uint8).reshape(4, 3), np.array([0, 1, 0, 1])
    np.savez(tmp_path / "t.npz", X=X, y=y)
    info = data_info(str(tmp_path / "t.npz"))
    assert (info.dtype, info.memory, info.format) == ("uint8", 12, "npz")


def test_columns_of_text_are_the_same_by_their_texts(tmp_path):
    """Not by the numbers that stand for them."""
    info = of(tmp_path, "n,w,z,v,label\n0,u,p,u,x\n1,v,q,v,y\n2,t,r,t,x\n")
    assert info.duplicate_columns == [("w", "v")]


def test_data_without_labels_are_told_of(tmp_path):
    """And why there are none; a label that is missing in one row is a fault, though."""
    np.savez(tmp_path / "t.npz", X=np.arange(8.0).reshape(4, 2))
    np.save(tmp_path / "t.npy", np.arange(8.0).reshape(4, 2))
    for name, why in (("t.npz", "holds no array 'y'"), ("t.npy", "does not tell by its name")):
        info = data_info(str(tmp_path / name))
        assert (info.rows, info.classes) == (4, None)
        assert any(why in warning for warning in info.warnings)
    with pytest.raises(DataError, match=r"t\.csv:3:2: the label is empty"):
        of(tmp_path, "a,label\n1,x\n2,\n")


def test_values_whose_square_is_too_large_leave_the_document_valid(tmp_path):
    """What a float64 cannot hold is null."""
    info = of(tmp_path, "a,b,label\n1e200,1,x\n-1e200,2,y\n1e308,3,x\n")
    assert info.columns[0].deviation is None
    assert (info.columns[0].low, info.columns[0].high) == (-1e200, 1e308)
    json.dumps(info.to_dict(), allow_nan=False)


def test_huge_and_foreign_labels_are_told_as_they_are(tmp_path):
    """Whole numbers in the order of their value."""
    text = "a,label\n1,99999999999999999999999\n2,12345678901234567890\n3,\u540d\n"
    labels = ["12345678901234567890", "99999999999999999999999", "\u540d"]
    assert list(of(tmp_path, text).classes) == labels


@pytest.mark.parametrize("name", ["t.csv", "t.svm"])
def test_the_size_as_a_store_is_that_of_the_store(tmp_path, capsys, name):
    """To the byte, the description apart."""
    text = PLAIN if name == "t.csv" else "1 2:3 4:1\n-1 2:0\n1 5:2\n"
    size = of(tmp_path, text, name).store
    words = ["data", "convert", str(tmp_path / name), str(tmp_path / "s"), "-q", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == size


def test_the_most_telling_columns_are_listed_where_not_all_are(tmp_path, capsys):
    """Text and gaps, then the fullest and most varied, then constants; else all in order."""
    text = "flat,few,many,w,gap,wild,label\n7,0,1,u,,100,x\n7,0,2,v,2,900,y\n7,5,3,u,3,500,x\n"
    path = write(tmp_path / "t.csv", text)
    info = data_info(path)
    assert [c.name for c in info.telling(5)] == ["gap", "w", "wild", "many", "few"]
    assert [c.name for c in info.telling(6)] == [c.name for c in info.columns]
    assert main(["data", "info", path, "--columns", "all"]) == 0
    assert "... and" not in capsys.readouterr().out
    assert main(["data", "info", path, "--columns", "some"]) == 2
    assert "neither a number nor all" in capsys.readouterr().err


LABELS = "a,label\n" + "".join(f"{i},{'x' if i % 9 else 'y'}\n" for i in range(40))
CASES = {
    "_labels": ("a,b\n1,2\n3,4\n", "no labels: no column is called label, target, class, y; found"),
    "_labels one": ("a,label\n1,x\n3,x\n", "every row has the label 'x'"),
    "_numbers": (LABELS, "'a' counts the rows, and says nothing of new ones: drop it"),
    "_numbers labels": (
        "a,label\n" + "".join(f"{i % 7},{i * 0.5}\n" for i in range(30)),
        "30 classes over 30 rows: is the label a number to predict?",
    ),
    "_rare": (LABELS, "1 of 2 classes are rare, 'y' with 5 of 40 rows"),
    "_alike": ("a,label\n1,yes\n2,Yes\n", "'Yes' and 'yes' differ in capitals or blanks alone"),
    "_alike blanks": ("a,label\n1,big cat\n2,bigcat\n", "'big cat' and 'bigcat' differ in"),
    "_constant": ("a,b,label\n1,7,x\n2,7,y\n", "1 constant columns ('b'): they could go"),
    "_empty": ("a,b,label\n1,,x\n2,,y\n", "1 columns have no value ('b'): drop them"),
    "_empty some": ("a,b,label\n1,,x\n2,3,y\n", "1 columns have gaps ('b'): data.missing"),
    "_text": ("a,b,label\n1,u,x\n2,v,y\n", "1 columns of text ('b'): set data.text"),
    "_text many": (
        "a,b,label\n" + "".join(f"{i},t{i},{'xy'[i % 2]}\n" for i in range(120)),
        "1 columns have more than 100 different texts ('b')",
    ),
    "_scales": ("a,b,label\n1,1e6,x\n2,9e6,y\n", "column 'b' varies 8e+06 times as much as 'a'"),
    "_same": (
        "a,b,label\n1,1,x\n2,2,y\n",
        "1 columns are the same as another (such as 'b' as 'a')",
    ),
    "_same rows": ("a,b,label\n1,5,x\n1,5,y\n2,3,y\n", "1 of the rows repeat an earlier one"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_warning_is_given_where_it_is_due(tmp_path, case):
    """And not for data that have nothing to warn of."""
    text, expected = CASES[case]
    assert any(expected in warning for warning in of(tmp_path, text).warnings)
    assert of(tmp_path, PLAIN).warnings == []


def test_every_warning_has_a_case():
    """A new one is tested by being here."""
    assert {warning.__name__ for warning in WARNINGS} == {case.split()[0] for case in CASES}


@pytest.mark.parametrize(
    "text",
    ["a,label\n1,x\n", "label\nx\ny\n", "a,label\n,x\n,y\n", "a,label\n3,x\n3,y\n"],
)
def test_small_and_odd_tables_are_told_of_or_refused_in_a_sentence(tmp_path, text):
    """One row, no feature, gaps alone, a constant."""
    if text.startswith("label"):
        with pytest.raises(DataError, match="no feature columns"):
            of(tmp_path, text)
    else:
        json.dumps(of(tmp_path, text).to_dict(), allow_nan=False)


def test_the_command_prints_a_text_or_one_document(tmp_path, capsys):
    """Names from files are shown escaped; columns past the limit are counted."""
    path = write(tmp_path / "t.csv", 'a,b\x1b[31m,label\n1,2,"\x1bx"\n2,3,y\n')
    assert main(["data", "info", path, "--columns", "1"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "... and 1 more (--columns, --json)" in printed
    assert main(["data", "info", path, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [column["name"] for column in document["columns"]] == ["a", "b\x1b[31m"]
    assert main(["data", "info", str(tmp_path / "none.csv")]) == 3


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [("a,w,label\n1,u,x\n,v,y\n", 0, "gaps"), ("a,b\n1,2\n3,4\n", 3, "name the target")],
)
def test_standard_input_is_told_of_in_one_reading(monkeypatch, capsys, text, code, told):
    """With text and gaps; without a label column the error is about that."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["data", "info", "-"]) == code
    assert told in "".join(capsys.readouterr())


def test_sparse_columns_are_compared_too(tmp_path):
    """By where they are not 0 and by their values; a stored 0 is none, an empty column no twin."""
    text = "1 1:1 2:1 4:1 6:1\n-1 1:2 2:2 3:0 4:3\n1 6:2\n"
    assert of(tmp_path, text, "t.svm").duplicate_columns == [("1", "2")]


def test_sparse_files_of_a_dataset_may_differ_in_width(tmp_path):
    """The widest counts, wherever it stands."""
    write(tmp_path / "a.svm", "1 1:1 5:2\n-1 2:1\n")
    write(tmp_path / "b.svm", "1 1:1 2:0\n-1 2:1\n")
    info = data_info(str(tmp_path / "*.svm"))
    assert (info.rows, info.features, info.files, info.duplicate_rows) == (4, 5, 2, 1)
    assert [column.zeros for column in info.columns] == [0.5, 0.5, 1, 1, 0.75]

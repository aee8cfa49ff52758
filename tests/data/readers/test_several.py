"""Several files as one dataset: lists, patterns, labels in order, and columns that agree."""

import numpy as np
import pytest

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import data_paths, expanded, read_each, read_tables, title
from svmtrain.errors import DataError


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Return a function that writes files to the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content)

    return write


def test_a_pattern_means_its_files_sorted_by_name(put):
    """As plain strings, and in a list where the pattern stands; hidden files stay hidden."""
    put(b10_csv="", b9_csv="", B1_csv="", a_txt="", _b_csv="")
    assert expanded("*.csv") == ["B1.csv", "b10.csv", "b9.csv"]
    assert expanded(["a.txt", "b?.csv", "none.csv"]) == ["a.txt", "b9.csv", "none.csv"]
    assert expanded("b[1-9]*.csv") == ["b10.csv", "b9.csv"]


def test_a_file_whose_name_is_a_pattern_is_that_file(put, tmp_path):
    """What exists is meant as it stands."""
    put(a1_csv="")
    (tmp_path / "a[1].csv").touch()
    assert expanded("a[1].csv") == ["a[1].csv"]


def test_a_pattern_that_nothing_matches_is_an_error(put):
    """It is named."""
    put()
    with pytest.raises(DataError, match=r"^part-\*\.csv: no file matches this pattern"):
        expanded(["part-*.csv"])


def test_labels_are_as_many_as_the_files():
    """And in their order."""
    files = data_paths(["a", "b"], ["c", "d"])
    assert [(file.path, file.labels) for file in files] == [("a", "c"), ("b", "d")]
    with pytest.raises(DataError, match="1 files of labels are given for 2 of data"):
        data_paths(["a", "b"], "c")


def test_many_files_are_called_by_the_first():
    """In messages about all of them."""
    assert title("a") == title(["a"]) == "a"
    assert title(["a", "b", "c"]) == "a and 2 more"


def test_files_are_joined_in_the_order_of_the_list(put):
    """The columns of later files take the order of the first."""
    put(a_csv="x,z,label\n1,2,p\n", b_csv="z,label,x\n4,q,3\n", c_csv="x,z,label\n5,6,p\n")
    table = read_tables(["c.csv", "a.csv", "b.csv"])
    assert table.X.tolist() == [[5, 6], [1, 2], [3, 4]]
    assert table.labels == ["p", "p", "q"]
    assert table.feature_names == ("x", "z")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,w,label\n1,2,p\n", "b.csv: lacks columns that the model expects: 'z'"),
        ("x,z,w,label\n1,2,3,p\n", "b.csv: has columns that the model does not know: 'w'"),
        ("x,z,label\n1,n/a,p\n", "b.csv:2:2: column 2 ('z') is 'n/a'"),
    ],
)
def test_an_error_names_the_file(put, content, message):
    """Of the several."""
    put(a_csv="x,z,label\n1,2,p\n", b_csv=content)
    with pytest.raises(DataError) as caught:
        read_tables("?.csv")
    assert message in str(caught.value)


def test_rows_of_svmlight_may_reach_differently_far(put):
    """What no row of a file reaches is zero in it."""
    put(a_svm="1 1:1\n", b_svm="2 3:1\n", c_svm="1 2:5\n")
    table = read_tables("*.svm")
    X = table.X if isinstance(table.X, np.ndarray) else table.X.toarray()
    assert X.tolist() == [[1, 0, 0], [0, 0, 1], [0, 5, 0]]
    assert table.labels.tolist() == [1, 2, 1]


def test_files_may_be_of_several_formats(put, tmp_path):
    """Each is found for itself, and X has the dtype that holds all."""
    put(a_csv="1,2,7\n3,4,8\n")
    np.savez(tmp_path / "b.npz", X=np.array([[5, 6]], dtype=np.uint8), y=[9])
    table = read_tables(["a.csv", "b.npz"], options=ReadOptions(target=-1))
    assert table.X.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert table.labels == ["7", "8", "9"]


def test_each_pair_has_its_own_labels(put, tmp_path):
    """By name, or in the order in which they are given."""
    put()
    for name, value in (("a", 1), ("b", 2)):
        np.save(tmp_path / f"{name}_X.npy", np.full((2, 3), value, dtype=np.uint8))
        np.save(tmp_path / f"{name}_y.npy", np.array([value, value]))
    table = read_tables("*_X.npy")
    assert (table.X.dtype, table.X[:, 0].tolist()) == (np.uint8, [1, 1, 2, 2])
    assert table.labels.tolist() == [1, 1, 2, 2]
    given = read_tables("*_X.npy", labels=["b_y.npy", "a_y.npy"])
    assert given.labels.tolist() == [2, 2, 1, 1]
    assert [name for name, _ in read_each("*_X.npy")] == ["a_X.npy", "b_X.npy"]

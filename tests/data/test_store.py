"""Stores: what goes in comes out, and what does not fit is refused."""

import signal
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from small_stores import cells_of, dense_table, in_parts, names, same, sparse_table

from svmtrain import interrupts
from svmtrain.data.dataset import CodedLabels, ReadOptions, Table, encode_labels, find_classes
from svmtrain.data.fingerprint import identify
from svmtrain.data.mapped import forget, mapping_of
from svmtrain.data.moments import pieces
from svmtrain.data.readers import iter_tables, read_table
from svmtrain.data.sparse import Csr, stacked
from svmtrain.data.store import (
    describe,
    is_store,
    open_store,
    statistics,
    verify,
    write_store,
)
from svmtrain.data.store.description import DTYPES
from svmtrain.errors import DataError, Interrupted

TEXT = ReadOptions(text=True, gaps=True)


# What goes in comes out


@pytest.mark.parametrize("size", [1, 7, 50])
@pytest.mark.parametrize("dtype", [np.dtype(name) for name in DTYPES] + [np.dtype(">i4")])
def test_dense_rows_keep_their_dtype(tmp_path, dtype, size):
    """Bytes stay bytes; only the order of bytes in a number may change."""
    table = dense_table(dtype=dtype)
    found = write_store(in_parts(table, size), tmp_path / "s")
    assert found.dtype == dtype.newbyteorder("<").str
    opened = open_store(tmp_path / "s")
    assert opened.X.dtype == dtype.newbyteorder("<")
    assert np.array_equal(opened.X, table.X)
    assert list(opened.labels) == table.labels
    assert names(tmp_path) == ["s"]


@pytest.mark.parametrize("size", [1, 3, 40])
def test_sparse_rows_are_three_arrays(tmp_path, size):
    """Values, columns and beginnings; the width is the largest seen."""
    table = sparse_table()
    parts = list(in_parts(table, size))
    parts[0] = Table(parts[0].X.widened(4), parts[0].labels) if size == 1 else parts[0]
    write_store(parts, tmp_path / "s")
    opened = open_store(tmp_path / "s")
    same(opened, table)
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(opened.X, name), getattr(table.X, name))
    assert opened.X.indices.dtype == np.int32


def test_numpy_opens_the_arrays(tmp_path):
    """Each file is a plain .npy; the labels are the numbers of the classes."""
    table = dense_table()
    write_store([table], tmp_path / "s")
    assert np.array_equal(np.load(tmp_path / "s" / "X.npy"), table.X)
    codes = np.load(tmp_path / "s" / "y.npy")
    assert codes.dtype == np.int32
    assert [("c0", "c1", "c2")[code] for code in codes] == table.labels


def test_rows_are_mapped_and_cannot_be_written(tmp_path):
    """Nothing is read before it is looked at, and the files are safe."""
    write_store([dense_table()], tmp_path / "s")
    opened = open_store(tmp_path / "s")
    assert mapping_of(opened.X) is not None
    assert mapping_of(opened.labels.codes) is not None
    with pytest.raises(ValueError, match="read-only"):
        opened.X[0, 0] = 1


@pytest.mark.parametrize("make", [dense_table, sparse_table])
def test_rows_can_be_forgotten_and_looked_at_again(tmp_path, make):
    """The pages are let go, the content is not; rows in memory are left alone."""
    table = make()
    write_store([table], tmp_path / "s")
    opened = open_store(tmp_path / "s")
    for part in (opened.X, opened.X[3:7], table.X):
        forget(part)
    same(opened, table)


def test_names_texts_and_gaps_are_kept(tmp_path):
    """The texts of a column that grow from chunk to chunk are those of the last."""
    X = np.array([[0, 1.5], [np.nan, 2], [1, np.nan], [2, 7]])
    columns = ("kind", "größe")
    first = Table(X[:2], ["b", "a"], columns, {0: ("x",)})
    second = Table(X[2:], ["a", "a"], columns, {0: ("x", "y", "z")})
    found = write_store([first, second], tmp_path / "s", source="t.csv")
    assert (found.gaps, found.source, found.counts) == (2, "t.csv", (3, 1))
    same(open_store(tmp_path / "s"), Table(X, ["b", "a", "a", "a"], columns, {0: ("x", "y", "z")}))


def test_a_store_may_have_no_labels(tmp_path):
    """There is then no file of them, and training on it is refused in words."""
    write_store([Table(np.eye(3), None)], tmp_path / "s")
    assert "y.npy" not in names(tmp_path / "s")
    assert open_store(tmp_path / "s").labels is None
    assert read_table(tmp_path / "s", options=ReadOptions(labels_required=False)).labels is None
    with pytest.raises(DataError, match="has no labels"):
        read_table(tmp_path / "s")


def test_a_matrix_without_values_is_kept(tmp_path):
    """Sparse rows may all be zero."""
    X = Csr(np.zeros(0), np.zeros(0, np.int32), np.zeros(4, np.int64), (3, 2))
    write_store([Table(X, ["a", "b", "a"])], tmp_path / "s")
    assert cells_of(open_store(tmp_path / "s").X).tolist() == [[0, 0]] * 3
    assert statistics(tmp_path / "s").tolist() == [[0, 0]] * 4


def test_empty_tables_are_passed_over(tmp_path):
    """A chunk without rows adds nothing, not even a kind."""
    table = dense_table(4)
    write_store([Table(np.zeros((0, 3)), []), table, Table(table.X[:0], [])], tmp_path / "s")
    same(open_store(tmp_path / "s"), table)


@settings(max_examples=60, deadline=None)
@given(
    X=arrays_of.arrays(
        st.sampled_from(["u1", "i2", "f4", "f8"]),
        st.tuples(st.integers(1, 30), st.integers(1, 5)),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    size=st.integers(1, 10),
    labels=st.data(),
    dense=st.booleans(),
)
def test_any_rows_come_back(tmp_path_factory, X, size, labels, dense):
    """Whatever the values, the labels and the chunks."""
    place = tmp_path_factory.mktemp("any") / "s"
    kinds = st.sampled_from(["1", "-7", "07", "b", "é", " "]) | st.text(max_size=3)
    chosen = labels.draw(st.lists(kinds, min_size=len(X), max_size=len(X)))
    if not dense:
        row, column = np.nonzero(X)
        indptr = np.searchsorted(row, np.arange(len(X) + 1)).astype(np.int64)
        X = Csr(X[row, column], column.astype(np.int32), indptr, X.shape)
    table = Table(X, chosen)
    write_store(in_parts(table, size), place)
    same(open_store(place), table)
    verify(place)


# Labels


def test_coded_labels_mean_what_the_labels_of_a_reader_mean(tmp_path):
    """Classes and their numbers are the same, for text, text of integers and integers."""
    for number, labels in enumerate(
        [["b", "a", "b"], ["10", "9", "-1"], ["07", "7", "7"], np.array([5, -2, 5])]
    ):
        write_store([Table(np.eye(3), labels)], tmp_path / str(number))
        coded = open_store(tmp_path / str(number)).labels
        classes = find_classes(labels, "t")
        assert find_classes(coded, "t") == classes
        assert encode_labels(coded, classes, "t").tolist() == (
            encode_labels(labels, classes, "t").tolist()
        )


def test_coded_labels_without_rows_are_no_classes():
    """A part of a store may lack some of its classes."""
    labels = CodedLabels(np.array([2, 0, 2], np.int32), ("a", "b", "c"))
    assert find_classes(labels, "t") == ("a", "c")
    assert encode_labels(labels, ("a", "c"), "t").tolist() == [1, 0, 1]
    with pytest.raises(DataError, match=r"row 12 has the label 'a'.*none of the 2"):
        encode_labels(labels, ("b", "c"), "t", before=10)


def test_labels_of_another_kind_are_refused(tmp_path):
    """Numbers and text do not mix, nor do labels and none."""
    for labels, words in ((["a"], "text as labels; expected numbers"), (None, "nothing as labels")):
        tables = [Table(np.eye(2)[:1], np.array([1])), Table(np.eye(2)[:1], labels)]
        with pytest.raises(DataError, match=words):
            write_store(tables, tmp_path / "s")


def test_a_target_of_too_many_values_is_refused(tmp_path, monkeypatch):
    """Memory does not grow with the wrong column."""
    monkeypatch.setattr("svmtrain.data.store.writer.MOST_CLASSES", 20)
    with pytest.raises(DataError, match="more than 20 different labels; is it the right column"):
        write_store([Table(np.ones((30, 1)), np.arange(30))], tmp_path / "s")
    assert names(tmp_path) == []


# What is refused


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (dense_table(3, 7), "rows from 51 on have 7 features; expected 6"),
        (sparse_table(3, 6), "sparse and dense rows do not mix"),
        (dense_table(3, 6, np.float64), r"values of float64 after values of uint8.*--dtype"),
        (Table(dense_table(3, 6).X, ["a"] * 3, tuple("abcdef")), "other names of columns"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path, second, words):
    """And nothing is left of the store."""
    with pytest.raises(DataError, match=words):
        write_store([dense_table(), second], tmp_path / "s")
    assert names(tmp_path) == []


def test_a_dtype_can_be_asked_for(tmp_path):
    """Then rows of several types go together."""
    tables = [dense_table(), dense_table(5, 6, np.float64)]
    assert write_store(tables, tmp_path / "s", dtype="float32").dtype == "<f4"
    X = np.concatenate([table.X for table in tables])
    assert np.array_equal(open_store(tmp_path / "s").X, X.astype(np.float32))


def test_a_value_too_large_for_the_dtype_is_refused(tmp_path):
    """It would be infinite."""
    with pytest.raises(DataError, match="too large for float32"):
        write_store([Table(np.array([[1e39], [0]]), ["a", "b"])], tmp_path / "s", dtype="float32")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused(tmp_path, value):
    """No reader delivers any."""
    with pytest.raises(DataError, match="not finite"):
        write_store([Table(np.array([[1.0], [value]]), ["a", "b"])], tmp_path / "s")


def test_no_rows_are_refused(tmp_path):
    """There is nothing to store."""
    with pytest.raises(DataError, match="holds no rows"):
        write_store([], tmp_path / "s")
    assert names(tmp_path) == []


# Statistics


def reference(X):
    """Return mean, deviation, least and largest of each column, gaps left out."""
    figures = (np.nanmean, np.nanstd, np.nanmin, np.nanmax)
    return np.array([figure(X.astype(np.float64), axis=0) for figure in figures])


@pytest.mark.parametrize("limit", [5, 50, 10**6])
@pytest.mark.parametrize("size", [1, 7, 400])
@pytest.mark.parametrize("kind", ["bytes", "floats", "gaps", "sparse", "far"])
def test_statistics_are_those_of_numpy(tmp_path, monkeypatch, kind, size, limit):
    """Over all cells, zeros that are not stored included, gaps not; whatever the blocks."""
    monkeypatch.setattr("svmtrain.data.moments.BLOCK_VALUES", limit)
    rng = np.random.default_rng(1)
    table = sparse_table(400) if kind == "sparse" else dense_table(400)
    if kind in ("floats", "gaps", "far"):
        X = rng.normal(size=(400, 6)) * [1e-3, 1, 10, 1e3, 1, 1] + [0, 5, 0, 1, 0, 0]
        X = X + 1e6 if kind == "far" else X
        X[rng.random(X.shape) < 0.2 * (kind == "gaps")] = np.nan
        table = Table(X, table.labels)
    write_store(in_parts(table, size), tmp_path / "s")
    expected = reference(cells_of(table.X))
    scale = 1e6 if kind == "far" else 1
    assert np.allclose(statistics(tmp_path / "s"), expected, rtol=1e-12, atol=1e-12 * scale)


def test_a_column_of_gaps_has_no_statistics(tmp_path):
    """NaN for all four."""
    X = np.array([[1, np.nan], [2, np.nan]])
    assert write_store([Table(X, ["a", "b"])], tmp_path / "s").gaps == 2
    assert np.isnan(statistics(tmp_path / "s")).tolist() == [[False, True]] * 4


@pytest.mark.parametrize("make", [dense_table, sparse_table])
@pytest.mark.parametrize("limit", [1, 10, 10**6])
def test_pieces_are_all_rows_in_order(monkeypatch, make, limit):
    """None is lost, whatever the size."""
    monkeypatch.setattr("svmtrain.data.moments.BLOCK_VALUES", limit)
    X = make().X
    assert np.array_equal(cells_of(stacked(list(pieces(X)))), cells_of(X))


# As data files


def test_a_store_is_read_like_a_file(tmp_path):
    """Whole, or in chunks; found by what is in the folder, or by its name."""
    for make in (dense_table, sparse_table):
        table = make()
        write_store([table], tmp_path / make.__name__)
        for format in ("auto", "store"):
            same(read_table(tmp_path / make.__name__, format), table)
            parts = list(iter_tables(tmp_path / make.__name__, format, rows=7))
            assert max(len(part.X) for part in parts) == 7
            assert np.array_equal(cells_of(stacked([p.X for p in parts])), cells_of(table.X))
            assert [label for part in parts for label in part.labels] == list(table.labels)


def test_other_folders_and_files_are_no_stores(tmp_path):
    """The message says what was expected."""
    (tmp_path / "f").write_text("x,label\n1,a\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"is a folder; expected a file, or a folder of .*store"):
        read_table(tmp_path / "empty")
    with pytest.raises(DataError, match="is a folder; csv data are a file"):
        read_table(tmp_path, "csv")
    with pytest.raises(DataError, match="is a file; store data are a folder"):
        read_table(tmp_path / "f", "store")
    assert not is_store(tmp_path)


def test_columns_go_by_the_names_of_a_model(tmp_path):
    """In its order; a missing one is an error."""
    table = Table(np.array([[1, 2, 3], [4, 5, 6]], np.uint8), ["a", "b"], ("x", "y", "z"))
    write_store([table], tmp_path / "s")
    found = read_table(tmp_path / "s", options=ReadOptions(feature_names=("z", "x", "y")))
    assert found.X.tolist() == [[3, 1, 2], [6, 4, 5]]
    assert (found.X.dtype, found.feature_names) == (np.uint8, ("z", "x", "y"))
    with pytest.raises(DataError, match="lacks columns that the model expects: 'w'"):
        read_table(tmp_path / "s", options=ReadOptions(feature_names=("w", "x", "y")))
    with pytest.raises(DataError, match="has 3 features, but the model expects 4"):
        read_table(tmp_path / "s", options=ReadOptions(n_features=4))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"keep": ("z", "x")}, ["x", "z"]),
        ({"drop": ("x", "z")}, ["y"]),
        ({"keep": ("x", "y"), "drop": ("x",)}, ["y"]),
    ],
)
def test_columns_can_be_kept_and_dropped(tmp_path, options, kept):
    """By name; the texts of a column move along."""
    X = np.array([[0, 2, 1], [1, 5, 0.0]])
    write_store([Table(X, ["a", "b"], ("x", "y", "z"), {2: ("p", "q")})], tmp_path / "s")
    found = read_table(tmp_path / "s", options=ReadOptions(text=True, **options))
    assert list(found.feature_names) == kept
    assert np.array_equal(found.X, X[:, ["xyz".index(name) for name in kept]])
    assert dict(found.categories) == ({kept.index("z"): ("p", "q")} if "z" in kept else {})
    with pytest.raises(DataError, match="no column is called 'w'; found 'x', 'y', 'z'"):
        read_table(tmp_path / "s", options=ReadOptions(text=True, drop=("w",)))


def test_texts_are_numbered_as_is_asked(tmp_path):
    """Those that are known keep their numbers, others follow; gaps stay gaps."""
    X = np.array([[0.0], [1], [np.nan], [2]])
    write_store([Table(X, ["a", "b", "a", "b"], None, {0: ("p", "q", "r")})], tmp_path / "s")
    options = ReadOptions(text=True, gaps=True, vocabulary={0: ("r", "p")})
    found = read_table(tmp_path / "s", options=options)
    assert np.array_equal(found.X, [[1.0], [2], [np.nan], [0]], equal_nan=True)
    assert dict(found.categories) == {0: ("r", "p", "q")}
    (part,) = iter_tables(tmp_path / "s", options=options)
    same(part, found)
    whole = read_table(tmp_path / "s", options=TEXT)
    assert mapping_of(whole.X) is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": True}, r"has gaps; expected a number in every cell \(data\.missing says"),
        ({"text": True, "keep": ("size",)}, "has gaps in the wanted columns"),
        ({"gaps": True}, r"column 'kind' is one of text; expected numbers \(data\.text: onehot"),
        ({"gaps": True, "text": True, "vocabulary": {1: ("p",)}}, "'size' is one of numbers"),
    ],
)
def test_texts_and_gaps_have_to_be_wanted(tmp_path, options, words):
    """As in a text file."""
    X = np.array([[0, 1], [1, np.nan]])
    write_store([Table(X, ["a", "b"], ("kind", "size"), {0: ("p", "q")})], tmp_path / "s")
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / "s", options=ReadOptions(**options))


def test_columns_that_are_left_out_may_hold_anything(tmp_path):
    """Text and gaps matter where they are wanted."""
    X = np.array([[0, 1, 5], [1, np.nan, 6]])
    write_store([Table(X, ["a", "b"], ("kind", "size", "age"), {0: ("p", "q")})], tmp_path / "s")
    found = read_table(tmp_path / "s", options=ReadOptions(keep=("age",)))
    assert found.X.tolist() == [[5], [6]]
    moved = ReadOptions(
        feature_names=("age", "kind"), drop=("size", "gone"), vocabulary={1: ("q",)}
    )
    found = read_table(tmp_path / "s", options=moved)
    assert found.X.tolist() == [[5, 1], [6, 0]]
    assert dict(found.categories) == {1: ("q", "p")}


def test_a_column_of_gaps_alone_is_text_where_text_is_wanted(tmp_path):
    """It tells nothing against it."""
    X = np.array([[np.nan, 1], [np.nan, 2]])
    write_store([Table(X, ["a", "b"])], tmp_path / "s")
    options = ReadOptions(gaps=True, vocabulary={0: ("p",)})
    assert np.isnan(read_table(tmp_path / "s", options=options).X[:, 0]).all()


@pytest.mark.parametrize("code", [-1, 2, 0.5, 1e300])
def test_a_number_that_is_that_of_no_text_is_refused(tmp_path, code):
    """Whether texts are renumbered or not, whole or in chunks."""
    X = np.array([[0.0], [1], [code]])
    write_store([Table(X, ["a", "b", "a"], None, {0: ("p", "q")})], tmp_path / "s")
    for vocabulary in ({}, {0: ("q",)}):
        options = ReadOptions(text=True, vocabulary=vocabulary)
        for read in (read_table, lambda *rest, **given: list(iter_tables(*rest, **given))):
            with pytest.raises(DataError, match="column 0 holds a number that is that of no text"):
                read(tmp_path / "s", options=options)


def test_sparse_rows_are_widened_to_a_model_and_never_cut(tmp_path):
    """A file of sparse rows is only as wide as its largest column."""
    table = sparse_table(width=5)
    write_store([table], tmp_path / "s")
    assert read_table(tmp_path / "s", options=ReadOptions(n_features=8)).X.shape[1] == 8
    with pytest.raises(DataError, match="has 5 features, but the model expects 4"):
        read_table(tmp_path / "s", options=ReadOptions(n_features=4))
    with pytest.raises(DataError, match="sparse rows, whose columns cannot be picked"):
        read_table(tmp_path / "s", options=ReadOptions(drop=(0,)))


def test_a_store_is_identified_by_its_content(tmp_path):
    """The same rows have the same identity, other rows another, wherever they are."""
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        write_store([dense_table(seed=seed)], tmp_path / name)
    one, two, three = (identify("train", f"{tmp_path}/{n}/") for n in ("one", "two", "three"))
    assert one.name == "one"
    assert one.sha256 == two.sha256 != three.sha256
    (tmp_path / "one" / "X.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"X\.npy: has 0 bytes; expected 428"):
        identify("train", str(tmp_path / "one"))


# Memory


@pytest.mark.parametrize("make", [dense_table, sparse_table])
def test_memory_does_not_grow_with_the_rows(tmp_path, make):
    """Ten times the rows take no more of it, neither to write nor to read in chunks."""
    table = make(4000, 100)
    peaks = []
    for count in (4, 40):
        tracemalloc.start()
        write_store((table for _ in range(count)), tmp_path / str(count))
        for part in iter_tables(tmp_path / str(count)):
            assert len(part.X)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + (1 << 20)


def test_reading_a_store_stops_at_a_signal(tmp_path, monkeypatch):
    """Between blocks and between chunks."""
    write_store([dense_table()], tmp_path / "s")
    monkeypatch.setattr(interrupts, "_received", [signal.SIGTERM])
    for read in (open_store, verify, lambda path: list(iter_tables(path))):
        with pytest.raises(Interrupted):
            read(tmp_path / "s")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"keep": (0,)}, "other positions .* name those to keep or drop"),
        ({"drop": (-1,)}, "other positions"),
        ({"target": "kind"}, r"labels are those of 'name', not of 'kind'; .* --target"),
        ({"target": "x"}, "labels are those of 'name', not of 'x'"),
        ({"text_columns": ("x",)}, "holds column 'x' as numbers; .* --text-column"),
        ({"gap_marks": ("-999",)}, "leave data.missing_marks out"),
    ],
)
def test_what_was_settled_when_a_store_was_made_cannot_be_set_otherwise(tmp_path, options, problem):
    """An option that would have no effect, or another than on the file, is an error."""
    table = Table(np.array([[3.0, 0], [5, 1]]), ["a", "b"], ("x", "t"), {1: ("p", "q")})
    write_store([table], tmp_path / "s", target="name")
    with pytest.raises(DataError, match=problem):
        read_table(tmp_path / "s", options=ReadOptions(text=True, **options))
    good = ReadOptions(text=True, target="name", text_columns=("t",), drop=("x",))
    assert read_table(tmp_path / "s", options=good).feature_names == ("t",)
    assert describe(tmp_path / "s").target == "name"

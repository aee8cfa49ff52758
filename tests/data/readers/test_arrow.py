"""Parquet and Arrow files: types, texts, gaps, the layout of columns, chunks and round trips."""

import datetime
import decimal
import io
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import READERS, compressed, read_table
from svmtrain.errors import DataError

SAVE = {"parquet": pyarrow.parquet.write_table, "arrow": pyarrow.feather.write_feather}
EVERY = pytest.mark.parametrize("name", SAVE)
LABELS = ["a", "b", "a"]


def packed(name, columns, **options):
    """Return columns as a stream of a format; labels are added when there are none."""
    buffer = io.BytesIO()
    SAVE[name](pa.table({"label": LABELS} | columns), buffer, **options)
    buffer.seek(0)
    return buffer


def read(name, columns, **options):
    """Read columns that were saved in a format."""
    return READERS[name].read(packed(name, columns), f"t.{name}", ReadOptions(**options))


def refusal(name, columns, **options):
    """Return the sentence that columns are refused with."""
    with pytest.raises(DataError) as caught:
        read(name, columns, **options)
    assert str(caught.value).startswith(f"t.{name}: ")
    return caught.value.problem


TYPES = {
    pa.bool_(): np.uint8,
    pa.int8(): np.int8,
    pa.uint8(): np.uint8,
    pa.int16(): np.int16,
    pa.uint32(): np.uint32,
    pa.int64(): np.int64,
    pa.uint64(): np.uint64,
    pa.float16(): np.float32,
    pa.float32(): np.float32,
    pa.float64(): np.float64,
    pa.decimal128(9, 2): np.float64,
}


@EVERY
@pytest.mark.parametrize(("kind", "dtype"), TYPES.items(), ids=map(str, TYPES))
def test_every_type_of_number_is_kept(name, kind, dtype):
    """Columns of one type stay of it; float16 and decimals become floats that numpy computes."""
    values = [True, False, True] if kind == pa.bool_() else [1, 0, 1]
    if kind == pa.decimal128(9, 2):
        values = [decimal.Decimal(value) for value in values]
    if kind == pa.float16():
        values = np.array(values, dtype=np.float16)
    table = read(name, {"x": pa.array(values, kind), "z": pa.array(values, kind)})
    assert table.X.tolist() == [[1, 1], [0, 0], [1, 1]]
    assert (table.X.dtype, table.feature_names) == (dtype, ("x", "z"))
    assert table.X.flags.c_contiguous
    assert table.labels == LABELS


@EVERY
def test_columns_of_several_types_share_one_that_holds_all(name):
    """A byte and a float32 are float32; a long integer beside a float makes float64."""
    byte, float32 = pa.array([1, 2, 255], pa.uint8()), pa.array([0.5, 1, 2], pa.float32())
    table = read(name, {"x": byte, "z": float32})
    assert (table.X.dtype, table.X.tolist()) == (np.float32, [[1, 0.5], [2, 1], [255, 2]])
    assert read(name, {"x": pa.array([1, 2, 3]), "z": float32}).X.dtype == np.float64


@EVERY
@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (pa.array([3, -1, 3], pa.int16()), [3, -1, 3]),
        (pa.array([3.0, -1.0, 3.0]), [3, -1, 3]),
        (pa.array([True, False, True]), ["True", "False", "True"]),
        (pa.array(["p", " q", "p"]), ["p", "q", "p"]),
        (pa.array(["p", "q", "p"]).dictionary_encode(), ["p", "q", "p"]),
        (pa.array([7, 8, 7]).dictionary_encode(), [7, 8, 7]),
    ],
)
def test_labels_are_integers_or_text(name, labels, found):
    """Integral numbers become int64, booleans and text become strings."""
    table = read(name, {"label": labels, "x": [1, 2, 3]})
    assert list(table.labels) == found
    assert isinstance(table.labels, list) or table.labels.dtype == np.int64


@EVERY
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": ["p", "q", "p"]}, "column 2 ('x') holds text; expected numbers"),
        ({"x": pa.array(["p"] * 3).dictionary_encode()}, "column 2 ('x') holds text"),
        ({"x": [[1], [2], [3]]}, "column 2 ('x') holds 'list<"),
        ({"x": [datetime.date(2020, 1, 1)] * 3}, "column 2 ('x') holds 'date32[day]'; expected"),
        ({"x": [1, 2, None]}, "row 3, column 2 ('x') is null; expected a value"),
        ({"x": pa.array([None] * 3, pa.null())}, "row 1, column 2 ('x') is null"),
        ({"x": [1.0, np.nan, 2.0]}, "row 2, column 2 ('x') is nan; expected a finite number"),
        ({"x": [1.0, 2.0, -np.inf]}, "row 3, column 2 ('x') is -inf; expected a finite number"),
        ({"x": [1, 2, 3], "label": ["a", None, "b"]}, "row 2 has no label: it is null"),
        ({"x": [1, 2, 3], "label": ["a", "b", " "]}, "row 3 has an empty label"),
        ({"x": [1, 2, 3], "label": [1.5, 2, 3]}, "the label column 'label' is 1.5 in row 0"),
        ({"x": [1, 2, 3], "label": [[1], [2], [3]]}, "the label column 'label' holds 'list<"),
        ({}, "has no feature columns"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(name, columns, message):
    """The message has the column by number and name, and the row from 1."""
    assert message in refusal(name, columns)


@EVERY
def test_no_rows_are_refused(name):
    """Columns alone are no data."""
    columns = {"x": pa.array([], pa.int8()), "label": pa.array([], pa.int8())}
    assert refusal(name, columns) == "holds no rows"


@EVERY
def test_texts_are_numbered_as_they_come(name):
    """The numbers that a model knows come first; blanks around a text do not count."""
    columns = {"x": [1, 2, 3], "z": pa.array(["q", " p ", "r"]).dictionary_encode()}
    table = read(name, columns, text=True)
    assert table.X.tolist() == [[1, 0], [2, 1], [3, 2]]
    assert table.categories == {1: ("q", "p", "r")}
    table = read(name, columns, text=True, vocabulary={1: ("r", "s")})
    assert table.X[:, 1].tolist() == [2, 3, 0]
    assert table.categories == {1: ("r", "s", "q", "p")}


@EVERY
def test_a_column_of_numbers_may_be_said_to_be_text(name):
    """By its name or its position in the file."""
    for column in ("z", 2):
        table = read(name, {"x": [1, 2, 3], "z": [30, 10, 30]}, text_columns=(column,))
        assert table.categories == {1: ("30", "10")}
        assert table.X.tolist() == [[1, 0], [2, 1], [3, 0]]


@EVERY
def test_gaps_are_nulls_and_the_marks_in_text(name):
    """They become NaN where there may be gaps, and are errors where not."""
    columns = {"x": [1, None, 3], "y": [np.nan, 1.0, 2.0], "z": ["?", "p", None]}
    table = read(name, columns, text=True, gaps=True, target="label")
    assert np.array_equal(
        table.X, [[1, np.nan, np.nan], [np.nan, 1, 0], [3, 2, np.nan]], equal_nan=True
    )
    small = read(name, {"x": pa.array([1, None, 3], pa.uint8())}, gaps=True)
    assert small.X.dtype == np.float32
    message = "row 1, column 2 ('z') is '?', a gap; expected text"
    assert message in refusal(name, {"z": [*columns["z"][:2], "p"]}, text=True)


@EVERY
def test_columns_take_the_order_of_the_model(name):
    """As in CSV: by name, the target wherever it is, missing and extra columns named."""
    columns = {"x": [1, 2, 3], "z": [4, 5, 6]}
    table = read(name, columns, feature_names=("z", "x"))
    assert table.X.tolist() == [[4, 1], [5, 2], [6, 3]]
    assert table.feature_names == ("z", "x")
    assert "lacks columns that the model expects: 'w'" in refusal(
        name, columns, feature_names=("w", "x")
    )
    assert read(name, columns, labels_required=False, n_features=2).labels is None


@EVERY
def test_columns_are_kept_and_dropped(name):
    """As in CSV, by name or by position in the file; what is dropped may hold anything."""
    columns = {"x": [1, 2, 3], "z": [[1], [2], [3]], "w": [4, 5, 6]}
    for options in ({"drop": ("z",)}, {"keep": ("x", "w")}, {"drop": (2,)}):
        table = read(name, columns, **options)
        assert table.X.tolist() == [[1, 4], [2, 5], [3, 6]]
        assert table.feature_names == ("x", "w")


@EVERY
def test_text_is_not_expected_where_a_model_knows_its_columns(name):
    """Only the columns that have texts in its vocabulary may hold some."""
    columns, known = {"x": ["p", "q", "p"]}, {"text": True, "n_features": 1}
    assert "column 2 ('x') holds text; expected numbers" in refusal(name, columns, **known)
    assert read(name, columns, vocabulary={0: ("p",)}, **known).X.tolist() == [[0], [1], [0]]


@EVERY
def test_chunks_are_the_whole_in_pieces(name):
    """Whatever the row groups or batches are; texts are numbered through all of them."""
    columns = {"label": [*range(10)], "x": [*range(10)], "z": [*"abcabdabce"]}
    option = {"parquet": "row_group_size", "arrow": "chunksize"}[name]
    stream = packed(name, columns, **{option: 4})
    parts = list(READERS[name].chunks(stream, "t", ReadOptions(text=True), 3))
    assert max(len(part.X) for part in parts) <= 3
    assert np.concatenate([part.X for part in parts]).tolist() == [
        [row, "abcde".index(text)] for row, text in enumerate(columns["z"])
    ]
    assert np.concatenate([part.labels for part in parts]).tolist() == columns["label"]
    assert parts[-1].categories == {1: tuple("abcde")}


def test_a_file_that_holds_far_more_than_it_has_bytes_is_refused(monkeypatch):
    """Parquet may say in a few bytes that a number comes a billion times."""
    monkeypatch.setattr(compressed, "EXPANSION_FREE", 1 << 16)
    for name in SAVE:
        columns = {"label": pa.array([1] * 10**6, pa.int8()), "x": pa.array([0] * 10**6)}
        stream = packed(name, columns, compression="zstd")
        with pytest.raises(DataError, match="bytes, more than 200 times"):
            READERS[name].read(stream, "t", ReadOptions())


@EVERY
def test_without_pyarrow_the_extra_is_named(name, monkeypatch):
    """The core does without it."""
    stream = packed(name, {"x": [1, 2, 3]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"need pyarrow: pip install 'svmtrain\[arrow\]'"):
        READERS[name].read(stream, "t", ReadOptions())


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    name=st.sampled_from(list(SAVE)),
    rows=st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**31), 2**31 - 1),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_a_saved_file_reads_back(name, rows):
    """Every number comes back bit for bit, every text by its number, and gaps as NaN."""
    floats, integers, texts = map(list, zip(*rows, strict=True))
    columns = {"label": integers, "f": floats, "i": integers, "t": texts}
    table = read(name, columns, text=True, gaps=True)
    assert table.X[:, 0].tobytes() == np.array(floats).tobytes()
    assert table.X[:, 1].tolist() == integers
    known = [text.strip() for text in texts]
    known = [text if text not in ReadOptions().gap_marks else None for text in known]
    found = [None if np.isnan(n) else table.categories[2][int(n)] for n in table.X[:, 2]]
    assert found == known


GOOD = [
    (name, packed(name, {"x": [1, 2, 3], "z": ["p", "q", "p"]}, compression=way).getvalue())
    for name, way in [("parquet", "snappy"), ("arrow", "uncompressed"), ("arrow", "lz4")]
]


@settings(max_examples=extent(50, 200), deadline=None)
@given(data=st.data(), good=st.sampled_from([*GOOD, ("parquet", b"PAR1"), ("arrow", b"ARROW1")]))
def test_any_bytes_give_a_table_or_a_data_error(data, good):
    """No other exception leaves the reader, whatever the file."""
    name, base = good
    raw = bytearray(base)
    edits = st.tuples(st.integers(0, len(raw)), st.integers(0, 4), st.binary(max_size=8))
    for offset, lost, content in data.draw(st.lists(edits, min_size=1, max_size=4)):
        raw[offset : offset + lost] = content
    try:
        table = READERS[name].read(io.BytesIO(raw), "t", ReadOptions(text=True))
    except DataError:
        return
    assert np.isfinite(table.X).all()


def test_a_text_that_many_rows_share_is_held_once_and_may_not_be_of_any_size(tmp_path):
    """A small file whose rows would fill the memory, were each to have its own."""
    count = 4096
    for length, problem in ((300_000, "a text is longer than 65,536 bytes"), (60_000, None)):
        words = pyarrow.array(["a" * length, "b"] * (count // 2)).dictionary_encode()
        labels = pyarrow.array(["x", "y"] * (count // 2))
        made = pyarrow.table({"n": pyarrow.array(range(count)), "w": words, "label": labels})
        path = tmp_path / f"{length}.parquet"
        pyarrow.parquet.write_table(made, path, compression="zstd")
        assert path.stat().st_size < 100_000
        if problem is None:
            found = read_table(path, options=ReadOptions(text=True))
            assert [len(text) for text in found.categories[1]] == [length, 1]
        else:
            with pytest.raises(DataError, match=problem):
                read_table(path, options=ReadOptions(text=True))

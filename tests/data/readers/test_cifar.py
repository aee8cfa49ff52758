"""The binary version of CIFAR: labels and pixels, how the kind is found, and round trips."""

import io

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import READERS, cifar, find_format
from svmtrain.errors import DataError

OPTIONS = ReadOptions()
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 3072), dtype=np.uint8)


def packed(before, pixels=PIXELS):
    """Return rows of some bytes and their pixels."""
    return np.hstack([np.array(before, dtype=np.uint8), pixels]).tobytes()


TEN = packed([[0], [9], [3], [3], [1]])
HUNDRED = packed([[0, 99], [19, 5], [3, 0], [3, 7], [1, 1]])


@pytest.mark.parametrize(
    ("kind", "content", "labels"),
    [(cifar.CIFAR10, TEN, [0, 9, 3, 3, 1]), (cifar.CIFAR100, HUNDRED, [99, 5, 0, 7, 1])],
)
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_a_row_is_its_label_and_its_pixels(kind, content, labels, rows):
    """The label of CIFAR-100 is the fine one; pixels stay bytes, in the order of the file."""
    table = kind.read(io.BytesIO(content), "t", OPTIONS)
    assert table.X.tobytes() == PIXELS.tobytes()
    assert (table.X.dtype, table.X.flags.c_contiguous) == (np.uint8, True)
    assert (table.labels.tolist(), table.labels.dtype) == (labels, np.int64)
    parts = list(kind.chunks(io.BytesIO(content), "t", OPTIONS, rows))
    assert max(len(part.X) for part in parts) == min(rows, 5)
    assert np.concatenate([part.labels for part in parts]).tolist() == labels


@pytest.mark.parametrize(("name", "content"), [("cifar10", TEN), ("cifar100", HUNDRED)])
@pytest.mark.parametrize("known", [True, False])
def test_the_kind_is_found_by_size_or_by_the_labels(name, content, known):
    """Of a compressed file the size is not known, and the labels of all first rows must fit."""
    assert find_format("a.bin", content, len(content) if known else None) == name


def test_a_model_of_another_width_is_refused():
    """The message has both numbers."""
    with pytest.raises(DataError, match="has 3072 features, but the model expects 784"):
        cifar.CIFAR10.read(io.BytesIO(TEN), "t", ReadOptions(n_features=784))


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_a_bad_label_is_placed_alike_in_chunks(rows):
    """Rows count from 1 through the whole file."""
    bad = bytearray(TEN)
    bad[3073 * 4] = 77
    with pytest.raises(DataError, match="row 5 has the label 77; expected 0 to 9"):
        list(cifar.CIFAR10.chunks(io.BytesIO(bad), "t", OPTIONS, rows))


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    labels=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 99)), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_a_saved_file_reads_back(labels, seed):
    """Every pixel and every label come back."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    table = cifar.CIFAR100.read(io.BytesIO(packed(labels, pixels)), "t", OPTIONS)
    assert table.X.tobytes() == pixels.tobytes()
    assert table.labels.tolist() == [fine for _, fine in labels]


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    data=st.data(),
    name=st.sampled_from(["cifar10", "cifar100"]),
    base=st.sampled_from([TEN, HUNDRED, b"", TEN[:3073]]),
)
def test_any_bytes_give_a_table_or_a_data_error(data, name, base):
    """No other exception leaves the reader, whatever the file."""
    raw = bytearray(base)
    edits = st.tuples(st.integers(0, len(raw)), st.integers(0, 9), st.binary(max_size=9))
    for offset, lost, content in data.draw(st.lists(edits, max_size=4)):
        raw[offset : offset + lost] = content
    try:
        table = READERS[name].read(io.BytesIO(raw), "t", OPTIONS)
    except DataError:
        return
    assert table.X.shape == (len(table.labels), 3072)

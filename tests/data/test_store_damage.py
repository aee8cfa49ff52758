"""Stores: damage and forgery end in one sentence, and never in wrong rows."""

import contextlib
import json

import numpy as np
import pytest
from small_stores import (
    dense_table,
    same,
    sparse_table,
)

from svmtrain import files
from svmtrain.data.store import (
    DESCRIPTION,
    describe,
    open_store,
    verify,
    write_store,
)
from svmtrain.data.store.description import parse
from svmtrain.errors import DataError


@pytest.fixture(params=[dense_table, sparse_table])
def store(request, tmp_path):
    """Return the path of a small store."""
    write_store([request.param(12, 3)], tmp_path / "s", source="t")
    return tmp_path / "s"


def test_a_change_of_any_byte_of_the_description_is_noticed(store):
    """At once, when the store is opened: it has a digest of its own."""
    content = (store / DESCRIPTION).read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        with pytest.raises(DataError):
            parse(bytes(changed), "store.json")


def test_a_change_of_any_byte_of_an_array_is_found_by_verify(store):
    """And opening ends in a table or in a DataError."""
    verify(store)
    for name in sorted(describe(store).sizes()):
        content = (store / name).read_bytes()
        for at in range(0, len(content), 5):
            changed = bytearray(content)
            changed[at] ^= 1 << at % 8
            (store / name).write_bytes(changed)
            with pytest.raises(DataError, match=name):
                verify(store)
            with contextlib.suppress(DataError):
                open_store(store)
        (store / name).write_bytes(content)
    verify(store)


@pytest.mark.parametrize("change", ["cut", "longer", "gone", "folder"])
def test_a_file_of_another_size_is_refused_at_once(store, change):
    """Nothing is mapped by a description that the files do not bear out."""
    for name in (*describe(store).sizes(), DESCRIPTION):
        path = store / name
        content = path.read_bytes()
        path.unlink()
        if change == "folder":
            path.mkdir()
        elif change != "gone":
            path.write_bytes(content[:-1] if change == "cut" else content + b"x")
        with pytest.raises(DataError, match=name):
            open_store(store)
        path.rmdir() if change == "folder" else path.unlink(missing_ok=True)
        path.write_bytes(content)
    open_store(store)


def forged(store, **changes):
    """Write the description with other fields and a digest that fits."""
    document = json.loads((store / DESCRIPTION).read_bytes())
    document.update(changes)
    del document["sha256"]
    body = (json.dumps(document, indent=1) + "\n").encode()
    document["sha256"] = files.sha256_bytes(body)
    (store / DESCRIPTION).write_text(json.dumps(document, indent=1) + "\n")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("format", ["npz", None, 1]),
        ("version", [2, "1", True]),
        ("kind", ["csr", "dense", "coo", 3]),
        ("rows", [0, -1, 13, 2**62, 2**80, 1.5, "12"]),
        ("features", [0, 4, 2**61, None]),
        ("dtype", ["|O", "<f4", "|V8", "<c8", 8]),
        ("stored", [0, 10**9, "1"]),
        ("index_dtype", ["<u4", "<f8"]),
        ("labels", ["other", None, 1]),
        ("classes", [[], [1, "a"], ["a", "a", "b"], [True, False, 2], "abc", None]),
        ("counts", [[12], [6, 6, 0], [1, 1, 1], [-1, 7, 6], ["4", 4, 4]]),
        ("feature_names", [["a"], ["a", "a", "b"], [1, 2, 3], "abc"]),
        ("categories", [{"3": ["a"]}, {"-1": ["a"]}, {"x": ["a"]}, {"0": "ab"}, {"0": [1]}, []]),
        ("gaps", [-1, None]),
        ("source", [None, 4]),
        ("files", [{}, [], {"X.npy": 4}, {"../x": {"size": 1, "sha256": "0"}}]),
    ],
)
def test_a_forged_description_is_a_data_error(store, key, values):
    """Whatever its fields say, however right its digest."""
    content = (store / DESCRIPTION).read_bytes()
    for value in values:
        (store / DESCRIPTION).write_bytes(content)
        if json.loads(content)[key] == value and type(json.loads(content)[key]) is type(value):
            continue
        if (key, describe(store).kind) in (("stored", "dense"), ("index_dtype", "dense")):
            continue
        forged(store, **{key: value})
        with pytest.raises(DataError):
            open_store(store)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"a": 1, "a": 1}', b'{"a": NaN}', b"\xff", b"[" * 100_000, b"1e999"],
)
def test_what_is_no_description_is_a_data_error(content):
    """However deep, double or odd."""
    with pytest.raises(DataError, match="store"):
        parse(content, "store.json")


@pytest.mark.parametrize(
    ("name", "values"),
    [("y.npy", [-1, 3, 2**31 - 1]), ("indices.npy", [-1, 3]), ("indptr.npy", [-1, 1, 10**12])],
)
def test_numbers_that_point_outside_are_found_at_once(tmp_path, monkeypatch, name, values):
    """Before anything is looked up by them, wherever they stand."""
    monkeypatch.setattr("svmtrain.data.store.reader.BLOCK_VALUES", 5)
    table = sparse_table(30, 3)
    write_store([table], tmp_path / "s")
    path = tmp_path / "s" / name
    for value in values:
        content = path.read_bytes()
        for at in (0, 9, -1):
            array = np.load(path)
            array[at] = value
            np.save(path, array)
            path.write_bytes(content[:128] + array.tobytes())
            with pytest.raises(DataError, match=rf"{name}: damaged"):
                open_store(tmp_path / "s")
        path.write_bytes(content)
    same(open_store(tmp_path / "s"), table)

"""What a store says about itself: store.json, written in one way and read with suspicion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain import strict_json
from svmtrain.data.dataset import Label
from svmtrain.errors import DataError, shown
from svmtrain.files import sha256_bytes

DESCRIPTION = "store.json"
FORMAT, VERSION = "svmtrain-store", 1
JSON_LIMIT = 64 << 20
HEADER_BYTES = 128
LABEL_DTYPE, STATISTIC_DTYPE, POINTER_DTYPE = "<i4", "<f8", "<i8"
DTYPES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")
INDEX_DTYPES = ("<i4", "<i8")
LABEL_KINDS: dict[str, type] = {"text": str, "integer": int}
X, Y, DATA, INDICES, INDPTR = "X.npy", "y.npy", "data.npy", "indices.npy", "indptr.npy"
STATISTICS = "stats.npy"
ARRAYS = (X, DATA, INDICES, INDPTR, Y, STATISTICS)


@dataclass(frozen=True)
class Description:
    """What a store holds.

    Attributes
    ----------
    rows, features : int
    dtype : str
        Of the values, one of `DTYPES`.
    stored : int or None
        The number of values of sparse rows; None when the rows are dense.
    index_dtype : str or None
        Of the columns of sparse rows, one of `INDEX_DTYPES`.
    classes : tuple of str, or of int, or None
        The labels in the order of their numbers, as they were read; None without labels.
    counts : tuple of int
        The rows of each class.
    feature_names : tuple of str or None
    categories : mapping of int to tuple of str
        See `dataset.Table`.
    gaps : int
        Cells without a value, which are NaN.
    source : str
        What it was made of: a name without its folder.
    target : str or None
        The name of the column that the labels were in, if it is known.
    digests : mapping of str to str
        The SHA-256 of each file.
    """

    rows: int
    features: int
    dtype: str
    stored: int | None = None
    index_dtype: str | None = None
    classes: tuple[Label, ...] | None = None
    counts: tuple[int, ...] = ()
    feature_names: tuple[str, ...] | None = None
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    gaps: int = 0
    source: str = ""
    target: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """How the rows are held: dense or csr."""
        return "dense" if self.stored is None else "csr"

    def arrays(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Return the dtype and the shape of each array of the store, by its file."""
        found: dict[str, tuple[str, tuple[int, ...]]]
        if self.stored is None:
            found = {X: (self.dtype, (self.rows, self.features))}
        else:
            found = {
                DATA: (self.dtype, (self.stored,)),
                INDICES: (str(self.index_dtype), (self.stored,)),
                INDPTR: (POINTER_DTYPE, (self.rows + 1,)),
            }
        if self.classes is not None:
            found[Y] = (LABEL_DTYPE, (self.rows,))
        return {**found, STATISTICS: (STATISTIC_DTYPE, (4, self.features))}

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file, the description apart."""
        return {
            name: HEADER_BYTES + prod(shape) * np.dtype(dtype).itemsize
            for name, (dtype, shape) in self.arrays().items()
        }

    def to_bytes(self) -> bytes:
        """Return the content of store.json.

        Raises
        ------
        DataError
            When names and texts make it larger than a reader would take.
        """
        sizes, kinds = self.sizes(), {kind: name for name, kind in LABEL_KINDS.items()}
        document = {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.kind,
            "rows": self.rows,
            "features": self.features,
            "dtype": self.dtype,
            "stored": self.stored,
            "index_dtype": self.index_dtype,
            "labels": self.classes and kinds[type(self.classes[0])],
            "classes": self.classes and list(self.classes),
            "counts": list(self.counts),
            "feature_names": self.feature_names and list(self.feature_names),
            "categories": {str(at): list(texts) for at, texts in self.categories.items()},
            "gaps": self.gaps,
            "source": self.source,
            "target": self.target,
            "files": {
                name: {"size": size, "sha256": self.digests[name]} for name, size in sizes.items()
            },
        }
        document["sha256"] = sha256_bytes(_json(document))  # of all the rest
        content = _json(document)
        if len(content) > JSON_LIMIT:
            problem = f"the names of columns, classes and texts take {len(content):,} bytes"
            raise DataError(f"{problem}; a store has at most {JSON_LIMIT:,}")
        return content


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def header_of(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the `HEADER_BYTES` that an array of a store begins with: npy 1.0, padded."""
    fields = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape!r}, }}"
    start = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little")
    return start + fields.encode().ljust(HEADER_BYTES - 11) + b"\n"


def parse(content: bytes, path: str | Path) -> Description:
    """Return the description in the bytes of a store.json.

    Raises
    ------
    DataError
        For anything that `Description.to_bytes` would not have written.
    """
    try:
        fields = strict_json.Fields(strict_json.parse(content, JSON_LIMIT), path, DataError)
    except ValueError as error:
        problem = f"damaged, or not the description of a store: {shown(str(error))}"
        raise DataError(problem, path=path) from None
    if fields.text("format") != FORMAT:
        raise fields.refused("format", f"; expected {FORMAT}")
    if fields.count("version") != VERSION:
        raise fields.refused("version", f"; this svmtrain reads version {VERSION}")
    found = _parsed(fields)
    _check(found, fields)
    if found.to_bytes() != content:
        raise DataError("damaged or forged: not in the form that svmtrain writes it", path=path)
    return found


def _parsed(fields: strict_json.Fields) -> Description:
    """Return the fields of a description, each of its type."""
    sparse = fields.text("kind") == "csr"
    files, categories = fields.section("files"), fields.section("categories")
    labels = fields.optional_text("labels")
    return Description(
        rows=fields.count("rows"),
        features=fields.count("features"),
        dtype=_one_of(fields, "dtype", DTYPES),
        stored=fields.count("stored") if sparse else None,
        index_dtype=_one_of(fields, "index_dtype", INDEX_DTYPES) if sparse else None,
        classes=None if labels is None else _all(fields, "classes", LABEL_KINDS.get(labels)),
        counts=_all(fields, "counts", int),
        feature_names=None
        if fields.header.get("feature_names") is None
        else _all(fields, "feature_names", str),
        categories={_place(key, fields): _all(categories, key, str) for key in categories.header},
        gaps=fields.count("gaps"),
        source=fields.text("source"),
        target=fields.optional_text("target"),
        digests={name: files.section(name).text("sha256") for name in files.header},
    )


def _one_of(fields: strict_json.Fields, key: str, names: tuple[str, ...]) -> str:
    if fields.text(key) not in names:
        raise fields.refused(key, f"; expected one of {', '.join(names)}")
    return fields.text(key)


def _all(fields: strict_json.Fields, key: str, kind: type | None) -> tuple[Any, ...]:
    """Return a list without repetition whose items are all of one type; counts may repeat."""
    values = fields.items(key)
    if any(type(value) is not kind for value in values):
        raise fields.refused(key)
    if kind is str and len(set(values)) < len(values):
        raise fields.refused(key, "; expected no name twice")
    return tuple(values)


def _place(key: str, fields: strict_json.Fields) -> int:
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        raise fields.refused("categories", "; expected the places of columns")
    return int(key)


def _check(found: Description, fields: strict_json.Fields) -> None:
    """Raise DataError unless the fields of a description agree with each other."""
    classes = found.classes or ()
    wrong = {
        "rows": found.rows < 1,
        "features": found.features < 1,
        "classes": len(set(classes)) < len(classes) or (found.classes is not None and not classes),
        "counts": len(found.counts) != len(classes)
        or any(count < 1 for count in found.counts)
        or (classes and sum(found.counts) != found.rows),
        "feature_names": found.feature_names is not None
        and len(found.feature_names) != found.features,
        "categories": any(at >= found.features for at in found.categories),
        "files": set(found.digests) != set(found.arrays()),
    }
    for key, bad in wrong.items():
        if bad:
            raise fields.refused(key)

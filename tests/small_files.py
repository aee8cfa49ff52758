"""The same small table in every format that is read."""

import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from PIL import Image

from svmtrain.data.dataset import Table
from svmtrain.data.store import write_store

CSV = b"x,z,label\n1,2,7\n3,4,8\n"
SVMLIGHT = b"7 1:1 2:2\n8 1:3 2:4\n"


def saved(save, *arrays, **named):
    """Return what a function saves to a file, as bytes."""
    buffer = io.BytesIO()
    save(*(buffer if one is ... else one for one in arrays), **named)
    return buffer.getvalue()


X, Y = np.array([[1.0, 2], [3, 4]]), np.array([7, 8])
ARROW = pa.table({"x": X[:, 0], "z": X[:, 1], "label": Y})
PNG = {7: saved(Image.fromarray(X[:1].astype(np.uint8)).save, ..., "PNG")}
PNG[8] = saved(Image.fromarray(X[1:].astype(np.uint8)).save, ..., "PNG")
IDX = b"\0\0\x0d\2" + struct.pack(">2I4f", 2, 2, 1, 2, 3, 4)
NO_PIXELS = np.zeros((2, 3070), dtype=np.uint8)


def cifar(before):
    """Return rows of CIFAR that begin with some bytes and the pixels 1, 2 and 3, 4."""
    rows = np.hstack([[[*before, 7], [*before, 8]], X, NO_PIXELS])
    return rows.astype(np.uint8).tobytes()


def store_files():
    """Return the files of a store of the same table, by their names."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "s"
        write_store([Table(X, Y)], place)
        return {path.name: path.read_bytes() for path in place.iterdir()}


# The same table in every format: its features, and the labels beside them where there are some.
CONTENT = {
    "csv": CSV,
    "svmlight": SVMLIGHT,
    "npz": saved(np.savez, ..., X=X, y=Y),
    "npy": saved(np.save, ..., X),
    "idx": IDX,
    "cifar10": cifar([]),
    "cifar100": cifar([3]),
    "parquet": saved(pyarrow.parquet.write_table, ARROW, ...),
    "arrow": saved(pyarrow.feather.write_feather, ARROW, ...),
    "images": {"7/a.png": PNG[7], "8/a.png": PNG[8]},
    "store": store_files(),
}
LABELS = {"npy": saved(np.save, ..., Y), "idx": b"\0\0\x08\1" + struct.pack(">I2B", 2, 7, 8)}
NAMES = {"npy": "X.npy", "idx": "images", "cifar10": "data.bin", "cifar100": "data.bin"}
BESIDE = {"npy": "y.npy", "idx": "labels"}
STREAMS = [name for name, content in CONTENT.items() if isinstance(content, bytes)]


def written(folder, name, packed=bytes, ending=""):
    """Write the table in a format, under a name that tells no more than it must."""
    path = folder / (NAMES.get(name, "data") + ending)
    content = CONTENT[name]
    for inner, part in content.items() if isinstance(content, dict) else ():
        (path / inner).parent.mkdir(parents=True, exist_ok=True)
        (path / inner).write_bytes(part)
    if isinstance(content, bytes):
        path.write_bytes(packed(content))
    if name in LABELS:
        (folder / BESIDE[name]).write_bytes(LABELS[name])
    return path

"""Make the seeds of the corpus anew: `python -m tests.fuzz.seeds`, when a format of ours changes.

Each is a small input that its parser accepts. What was found by fuzzing lies beside them and is
left alone.
"""

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
from PIL import Image

from svmtrain import container
from svmtrain.checkpoint import load
from svmtrain.config import load_config
from svmtrain.data.dataset import Table
from svmtrain.data.sparse import Csr
from svmtrain.data.store import write_store
from svmtrain.operations.fit import fit
from svmtrain.operations.job import Session
from svmtrain.runs.directory import RunDirectory
from tests.fuzz.targets import CORPUS, FILES, NEXT

ROOT = Path(__file__).resolve().parents[2]
X, Y = np.array([[1.0, 2], [3, 4], [0, 0.5]]), np.array([7, 8, 7])
PREFIX = "seed-"
FIT = (
    "data: {train: t.csv, target: kind, validation: 0.25, test: 0.25}\n"
    "preprocess: {scale: standard}\n"
    "solver: {epochs: 2, batch_size: 4, lr: 0.05%s}\ncheckpoint: {every: 1 epochs, keep: 1}\n"
)
SOLVERS = {"sgd": ", momentum: 0.5, averaging: polyak", "dual": ", name: dual"}


def saved(save, *arrays, **named):
    """Return what a function saves to a file in the place of `...`, as bytes."""
    buffer = io.BytesIO()
    save(*(buffer if one is ... else one for one in arrays), **named)
    return buffer.getvalue()


def of_csv():
    """Return tables: plain, quoted, with text and gaps, with tabs and without a header."""
    return [
        b"x,z,label\n1,2,7\n3.5,-4e-3,8\n0,.5,7\n",
        b'\xef\xbb\xbf"x ""a""",z;w,class\r\n1,"2",b\r\n"3",4,"c,d"\r\n',
        b"x,colour,y\n1,red,a\n,blue,b\nNA,red,a\n",
        b"1\t2\t0\n3\t4\t1\n",
        b"1;2;0\n3;4;1\n",
    ]


def of_svmlight():
    """Return sparse rows: plain, with comments and queries, with empty rows."""
    return [b"7 1:1 2:2\n8 1:3 2:4\n", b"# head\n+1 qid:3 1:0.5 7:-2e3 # end\n-1\n", b"a 3:1\nb\n"]


def of_arrays():
    """Return npz, npy and idx, the labels after the features."""
    names = np.array(["x", "z"])
    flags = np.array([[True, False], [False, True], [True, True]])
    images = b"\0\0\x08\3" + struct.pack(">3I", 3, 2, 2) + bytes(range(12))
    labels = b"\0\0\x08\1" + struct.pack(">I3B", 3, 7, 8, 7)
    return {
        "npz": [
            saved(np.savez, ..., X=X, y=Y),
            saved(np.savez_compressed, ..., X=X.astype("f4"), y=Y.astype("U"), feature_names=names),
        ],
        "npy": [
            saved(np.save, ..., X) + NEXT + saved(np.save, ..., Y),
            saved(np.save, ..., flags) + NEXT + saved(np.save, ..., Y.astype("S")),
            saved(np.save, ..., np.asfortranarray(X.astype(">i2"))) + NEXT + saved(np.save, ..., Y),
        ],
        "idx": [
            images + NEXT + labels,
            b"\0\0\x0d\2" + struct.pack(">2I6f", 3, 2, *X.ravel()) + NEXT + labels,
        ],
    }


def of_pixels():
    """Return CIFAR of both kinds, and images in folders."""
    pixels = bytes(3072)
    grey, colour = Image.new("L", (2, 1), 7), Image.new("RGB", (2, 1), (1, 2, 3))
    pairs = [(grey, "PNG"), (colour, "PNG"), (grey, "PPM"), (colour, "BMP"), (colour, "GIF")]
    pairs += [(grey, "TIFF"), (grey, "JPEG")]
    return {
        "cifar10": [b"\x07" + pixels + b"\x08" + pixels],
        "cifar100": [b"\3\x07" + pixels],
        "images": [NEXT.join(2 * [saved(image.save, ..., kind)]) for image, kind in pairs],
    }


def of_arrow():
    """Return tables of numbers, and of text with gaps, in Parquet and in Arrow's own format."""
    plain = pa.table({"x": X[:, 0], "z": X[:, 1].astype("f4"), "label": Y})
    texts = pa.array(["red", None, "blue"]).dictionary_encode()
    mixed = pa.table({"x": [1, None, 3], "colour": texts, "on": [True, False, None], "y": Y})
    tables = (plain.replace_schema_metadata(None), mixed)
    return {
        "parquet": [saved(pyarrow.parquet.write_table, table, ...) for table in tables],
        "arrow": [
            *(saved(pyarrow.feather.write_feather, table, ...) for table in tables),
            saved(pyarrow.feather.write_feather, plain, ..., compression="zstd"),
        ],
    }


def of_stores():
    """Return a dense store with labels of text, and a sparse one."""
    sparse = Csr(np.ones(3), np.array([0, 1, 0], dtype=np.int32), np.array([0, 1, 2, 3]), (3, 2))
    found = []
    for table in (Table(X, ["a", "b", "a"], ("x", "z")), Table(sparse, Y)):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "s"
            write_store([table], place)
            files = {path.name: path.read_bytes() for path in place.iterdir()}
        found.append(NEXT.join(files.get(name, b"") for name in FILES["store"]))
    return {"store": found}


def of_compressed():
    """Return a table packed in three ways, one of them in two members."""
    table = of_csv()[0]
    packed = [gzip.compress(table, mtime=0), bz2.compress(table), lzma.compress(table)]
    members = (gzip.compress(part, mtime=0) for part in (table[:10], table[10:]))
    return [*packed, b"".join(members) + bytes(4)]


def of_downloads():
    """Return archives of two members, and the notes of a download that broke off."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (("a/one.bin", b"1\n2\n"), ("a/two.bin", b"3456")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    plain = buffer.getvalue()[:4096]
    notes = (b"abc", b'{"url": "https://localhost/x", "version": "1"}', b"0" * 64 + b"  x\n")
    packed = [gzip.compress(plain, mtime=0), bz2.compress(plain)]
    return {"archive": [plain, *packed], "fetch-notes": [NEXT.join(notes)]}


def of_runs():
    """Return what two small runs leave behind: models, checkpoints, metrics, and their records."""
    found = {name: [] for name in ("model", "checkpoint", "metrics", "run")}
    found["identity"] = []
    for number, more in enumerate(SOLVERS.values()):
        with tempfile.TemporaryDirectory() as folder:
            lines = [f"{i % 5},{i * i % 7},{'ab'[i % 2]}" for i in range(16)]
            Path(folder, "t.csv").write_text("x,z,kind\n" + "\n".join(lines) + "\n")
            Path(folder, "c.yaml").write_text(FIT % more)
            flags = {"output.name": f"run{number}", "output.dir": folder}
            fit(load_config(Path(folder, "c.yaml"), flags=flags), Session(print, quiet=True))
            run = RunDirectory(Path(folder, f"run{number}"))
            metrics, info = run.metrics.read_bytes(), run.read_info()
            found["model"].append(run.model.read_bytes())
            newest = run.checkpoint_files()[0]
            found["checkpoint"].append(newest.read_bytes())
            found["identity"].append(json.dumps(dict(load(newest).identity)).encode())
        kept = ("format", "status", "chosen", "last", "test", "lambda")
        info = {key: info[key] for key in kept if key in info}
        found["metrics"].append(metrics)
        found["run"].append(json.dumps(info, indent=1).encode() + NEXT + metrics)
    for name in ("model", "checkpoint"):
        found[f"{name}-forged"] = [_written_out(content) for content in found[name]]
    return found


def _written_out(content):
    """Return a container as JSON: its header, and its arrays with their dtypes."""
    header, arrays = container.unpack(content, "seed")
    rows = {name: [array.dtype.str, array.tolist()] for name, array in arrays.items()}
    header["model"]["trained"] = {}
    if "identity" in header:
        header["identity"] = {"a": 1}
    return json.dumps({"header": header, "arrays": rows}).encode()


def of_texts():
    """Return configs, overrides, circuits, expressions, and small records."""
    configs = [ROOT / "configs" / "iris.yaml", ROOT / "configs" / "digits.yaml"]
    configs += sorted((ROOT / "configs" / "experiments").glob("*.yaml"))[:1]
    every = "data: {train: [a.csv, 'b.csv'], target: -1, test: 0.2, text: onehot, keep: [x, 2]}\n"
    every += (
        'solver:\n  lr: 1e-3\n  epochs: 5\nobjective: {C: [1.0, 0.1]}\noutput: {name: "a\\tb"}\n'
    )
    return {
        "config": [*(path.read_bytes() for path in configs), every.encode()],
        "set": [b"solver.lr=0.1\nobjective.C=[1, 2.5]\ndata.keep=[a, 'b']", b"data.test=x.csv"],
        "circuit": [path.read_bytes() for path in sorted((ROOT / "data/circuits").glob("*.txt"))],
        "expression": [
            b"(x + y) * z\nx=-2\ny=5\nz=-4",
            b"sum(maximum(0, W @ x)) ** 2\nW=randn(2, 3)\nx=[[1], [2], [3]]\nupstream=2",
            b"sigmoid(x) / exp(-y.T)\nx=[1, 2]\ny=ones(2)",
        ],
        "path": [
            b'{"format": "svmtrain-path", "version": 1, "runs": ['
            b'{"lambda": 0.1, "run": "lambda-0.1"}, {"C": 2.0, "run": "C-2.0"}]}\n'
        ],
        "digest-record": [b'{"stamp": [1, 2, 3, 4, 5], "hashed_ns": 9, "sha256": "00"}\n'],
    }


def of_liblinear():
    """Return models of LIBLINEAR: three classes and a bias, two classes, both columns of two."""
    head = "solver_type {}\nnr_class {}\nlabel {}\nnr_feature 2\nbias {}\nw\n"
    return [
        (head.format("L2R_L1LOSS_SVC_DUAL", 3, "9 -4 12", 2) + "1 -2.5 0.5 \n0 1e-3 1 \n1 2 3 \n"),
        (head.format("L2R_LR", 2, "1 -1", -1) + "1.5 \n-2 \n"),
        (head.format("MCSVM_CS", 2, "0 1", -1) + "1.5 -1.25 \n-2 2.5 \n"),
    ]


def every_seed():
    """Return all seeds, by the name of their corpus."""
    found = {"csv": of_csv(), "svmlight": of_svmlight(), "compressed": of_compressed()}
    found["liblinear"] = [text.encode() for text in of_liblinear()]
    for part in (
        of_arrays(),
        of_pixels(),
        of_arrow(),
        of_stores(),
        of_downloads(),
        of_runs(),
        of_texts(),
    ):
        found |= part
    single = ("csv", "svmlight", "npz", "parquet", "arrow")
    found["any"] = [found[name][0] for name in single] + found["compressed"][:1]
    return found


def main():
    """Write the seeds; those of before are replaced."""
    for name, seeds in every_seed().items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{PREFIX}*"):
            old.unlink()
        for number, seed in enumerate(seeds):
            (folder / f"{PREFIX}{number}").write_bytes(seed)
        print(f"{name:20} {len(seeds)} seeds, {sum(map(len, seeds)):,} bytes")


if __name__ == "__main__":
    main()

"""Data sets as every contestant gets them: prepared rows in one folder, in [0, 1] or the like.

A folder holds X_train, y_train, X_test and y_test: `.npy` in float32 where rows are dense, scipy's
`.npz` where they are sparse, and then also `train.svm` and `test.svm` with the same numbers.
Classes are 0, 1, ... All contestants thus train on the same rows, to the last bit.
"""

from __future__ import annotations

import bz2
import csv
import gzip
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7
Parts = tuple[Any, Any, Any, Any]
"""X_train, y_train, X_test, y_test."""


@dataclass(frozen=True)
class Dataset:
    """Prepared rows, and what is known of them."""

    name: str
    folder: Path
    rows: int
    features: int
    classes: int
    sparse: bool
    lambdas: tuple[float, ...]

    def train_file(self) -> Path:
        """Return the file that svmtrain reads the training rows from."""
        return self.folder / ("train.svm" if self.sparse else "X_train.npy")

    def test_file(self) -> Path:
        """Return the file that svmtrain reads the test rows from."""
        return self.folder / ("test.svm" if self.sparse else "X_test.npy")


class NotThereError(Exception):
    """A data set whose files are in none of the folders."""


def find(folders: Sequence[Path], name: str, file: str) -> Path:
    """Return the path of a file of a data set: in a folder by its name, or in the folder itself."""
    for folder in folders:
        for path in (folder / name / file, folder / file):
            if path.exists():
                return path
    raise NotThereError(f"{name} is skipped: there is no {file} in the folders of data")


def idx(path: Path) -> Any:
    """Return the array in an IDX file of bytes, compressed or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        head = file.read(4)
        shape = [int.from_bytes(file.read(4), "big") for _ in range(head[3])]
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def images(folders: Sequence[Path], name: str) -> Parts:
    """Return rows of MNIST's form, bytes divided by 255."""
    parts: list[Any] = []
    for part in ("train", "t10k"):
        X = idx(find(folders, name, f"{part}-images-idx3-ubyte.gz"))
        parts.append(X.reshape(len(X), -1).astype(np.float32) / np.float32(255))
        parts.append(idx(find(folders, name, f"{part}-labels-idx1-ubyte.gz")).astype(np.int64))
    X, y, X_test, y_test = parts
    return X, y, X_test, y_test


def svmlight(lines: Iterable[str], features: int | None = None) -> tuple[Any, list[int]]:
    """Return sparse rows and labels of lines in svmlight's format."""
    from scipy.sparse import csr_matrix

    labels, data, indices, starts = [], [], [], [0]
    for line in lines:
        label, *cells = line.split()
        labels.append(int(float(label)))
        for cell in cells:
            index, value = cell.split(":")
            indices.append(int(index) - 1)
            data.append(float(value))
        starts.append(len(indices))
    width = features or max(indices) + 1
    shape = (len(labels), width)
    return csr_matrix((np.array(data, np.float32), indices, starts), shape=shape), labels


def numbered(labels: Sequence[Any], known: Sequence[Any] = ()) -> Any:
    """Return labels as classes 0, 1, ... in sorted order."""
    place = {label: number for number, label in enumerate(sorted(set(known or labels)))}
    return np.array([place[label] for label in labels], np.int64)


def split(X: Any, y: Any) -> Parts:
    """Hold out a fifth of the rows as test rows."""
    order = np.random.default_rng(SEED).permutation(len(y))
    cut = len(y) - len(y) // 5
    train, test = np.sort(order[:cut]), np.sort(order[cut:])
    return X[train], y[train], X[test], y[test]


def a9a(folders: Sequence[Path]) -> Parts:
    """Return a9a, dense: 123 features are few."""
    parts: list[Any] = []
    for file in ("a9a", "a9a.t"):
        with open(find(folders, "a9a", file), encoding="ascii") as lines:
            X, labels = svmlight(lines, 123)
        parts += [X.toarray(), numbered(labels)]
    X, y, X_test, y_test = parts
    return X, y, X_test, y_test


def news20(folders: Sequence[Path]) -> Parts:
    """Return news20, sparse, each row divided by its length; a fifth of the rows is held out."""
    from scipy.sparse import diags

    with bz2.open(find(folders, "news20", "news20.bz2"), "rt", encoding="ascii") as lines:
        X, labels = svmlight(lines)
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X = (diags(1 / np.maximum(lengths, 1e-12)) @ X).tocsr().astype(np.float32)
    X.sort_indices()
    return split(X, numbered(labels))


def table(path: Path) -> tuple[Any, Any]:
    """Return features and classes of a CSV file whose last column is the label."""
    with open(path, newline="", encoding="ascii") as file:
        _, *lines = csv.reader(file)
    X = np.array([line[:-1] for line in lines], np.float32)
    return X, numbered([line[-1] for line in lines])


def standardized(parts: Parts) -> Parts:
    """Return rows whose training columns have mean 0 and deviation 1."""
    X, y, X_test, y_test = parts
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    deviation[deviation == 0] = 1
    return (X - mean) / deviation, y, (X_test - mean) / deviation, y_test


def digits(folders: Sequence[Path]) -> Parts:
    """Return the digits, pixels divided by 16."""
    X, y = table(find(folders, "digits", "digits.csv"))
    return split(X / np.float32(16), y)


def iris(folders: Sequence[Path]) -> Parts:
    """Return the irises, standardized."""
    return standardized(split(*table(find(folders, "iris", "iris.csv"))))


def breast_cancer(folders: Sequence[Path]) -> Parts:
    """Return the tumours, standardized."""
    path = find(folders, "breast_cancer", "breast_cancer.svm")
    with open(path, encoding="ascii") as lines:
        X, labels = svmlight(lines, 30)
    return standardized(split(X.toarray(), numbered(labels)))


def made(rows: int, features: int = 784, classes: int = 10, seed: int = SEED) -> tuple[Any, Any]:
    """Return rows like pictures: a fifth of the features above 0, in [0, 1], classes that overlap.

    Each class has a pattern; a row is its pattern and those of others, mixed, with noise.
    """
    generator = np.random.default_rng(seed)
    patterns = generator.random((classes, features), np.float32)
    y = generator.integers(0, classes, rows)
    X = 0.4 * patterns[y] + 0.3 * patterns[generator.integers(0, classes, rows)]
    X += generator.random((rows, features), np.float32)
    X -= np.float32(np.quantile(X[:1000], 0.8))
    return np.clip(X, 0, 1, out=X).astype(np.float32), y


def made_parts(rows: int) -> Parts:
    """Return made rows of MNIST's shape, a sixth of them to test on."""
    X, y = made(rows)
    cut = rows - rows // 6
    return X[:cut], y[:cut], X[cut:], y[cut:]


SOURCES: dict[str, tuple[Callable[[Sequence[Path]], Parts], tuple[float, ...]]] = {
    "mnist": (lambda folders: images(folders, "mnist"), (1e-3, 1e-4)),
    "fashion-mnist": (lambda folders: images(folders, "fashion-mnist"), (1e-3, 1e-4)),
    "a9a": (a9a, (1e-4, 1e-5)),
    "news20": (news20, (1e-4, 1e-5)),
    "made": (lambda folders: made_parts(24_000), (1e-3,)),
    "digits": (digits, (1e-3,)),
    "breast_cancer": (breast_cancer, (1e-2,)),
    "iris": (iris, (1e-2,)),
}
"""Each data set: what reads its rows, and the strengths of the penalty that it is run with."""


def write_svmlight(X: Any, y: Any, path: Path) -> None:
    """Write rows in svmlight's format, indices from 1, zeros left out."""
    from scipy.sparse import csr_matrix

    X = csr_matrix(X)
    names = [f" {index + 1}:" for index in range(X.shape[1])]
    with open(path, "w", encoding="ascii") as file:
        for row, label in enumerate(y):
            part = slice(X.indptr[row], X.indptr[row + 1])
            cells = zip(X.indices[part], X.data[part].tolist(), strict=True)
            file.write(f"{label}" + "".join(f"{names[i]}{v:.9g}" for i, v in cells) + "\n")


def write_idx(array: Any, path: Path) -> None:
    """Write an array of bytes as a compressed IDX file."""
    shape = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes())


def prepare(name: str, folders: Sequence[Path], work: Path) -> Dataset:
    """Write a data set's rows into a folder of their own; NotThereError when they are missing."""
    read, lambdas = SOURCES[name]
    X, y, X_test, y_test = read(folders)
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    sparse = not isinstance(X, np.ndarray)
    for part, features, classes in (("train", X, y), ("test", X_test, y_test)):
        np.save(folder / f"y_{part}.npy", classes)
        if sparse:
            from scipy.sparse import save_npz

            save_npz(folder / f"X_{part}.npz", features, compressed=False)
            write_svmlight(features, classes, folder / f"{part}.svm")
        else:
            np.save(folder / f"X_{part}.npy", features.astype(np.float32))
    count = int(y.max()) + 1
    return Dataset(name, folder, len(y), int(X.shape[1]), count, sparse, lambdas)

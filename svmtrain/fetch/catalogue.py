"""The data sets that `svmtrain data fetch` knows. To add one is an entry in `CATALOGUE`.

A SHA-256 stands here only if it was computed from bytes that are known to be the published ones:
those whose MD5 the authors publish, or that independent projects record with the same SHA-256.
Files without one are checked by size and shape when they first come, and by the SHA-256 that was
found then from there on.
"""

from __future__ import annotations

import difflib

from svmtrain.errors import ConfigError, shown
from svmtrain.fetch.entries import DataSet, Output, RemoteFile, Rewrite

IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets"
UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases"
TORONTO = "https://www.cs.toronto.edu/~kriz"
MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)
FASHION_MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
ADULT_HEADER = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    "capital-gain,capital-loss,hours-per-week,native-country,income"
)
OF_TEXTS = "none stated; sources are on www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets"
OF_CIFAR = "none stated; to be cited as www.cs.toronto.edu/~kriz/cifar.html says"


def urls_at(places: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return the URLs of a file at several base URLs."""
    return tuple(f"{place.rstrip('/')}/{name}" for place in places)


# The content is what was compared here; the .gz files of mirrors are known by size only.
_MNIST = DataSet(
    name="mnist",
    title="handwritten digits, 28 x 28 pixels",
    train_rows=60_000,
    test_rows=10_000,
    features=784,
    classes=10,
    licence="CC BY-SA 3.0 (keras.io/api/datasets/mnist)",
    format="idx",
    files=tuple(
        RemoteFile(name, urls_at(MNIST_MIRRORS, name), size, content_sha256=digest)
        for name, size, digest in zip(
            IDX_NAMES,
            (9_912_422, 28_881, 1_648_877, 4_542),
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
            strict=True,
        )
    ),
    train=IDX_NAMES[0],
    test=IDX_NAMES[2],
)

# Their MD5s are those in the README of the authors.
_FASHION_MNIST = DataSet(
    name="fashion-mnist",
    title="photographs of clothes, 28 x 28 pixels",
    train_rows=60_000,
    test_rows=10_000,
    features=784,
    classes=10,
    licence="MIT (github.com/zalandoresearch/fashion-mnist)",
    format="idx",
    files=tuple(
        RemoteFile(name, urls_at(FASHION_MIRRORS, name), size, sha256=digest)
        for name, size, digest in zip(
            IDX_NAMES,
            (26_421_880, 29_515, 4_422_102, 5_148),
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
            strict=True,
        )
    ),
    train=IDX_NAMES[0],
    test=IDX_NAMES[2],
)

_CIFAR10 = DataSet(
    name="cifar10",
    title="colour photographs, 32 x 32 pixels",
    train_rows=50_000,
    test_rows=10_000,
    features=3_072,
    classes=10,
    licence=OF_CIFAR,
    format="cifar10",
    files=(
        RemoteFile(
            "cifar-10-binary.tar.gz",
            urls_at((TORONTO, "https://cave.cs.toronto.edu/kriz"), "cifar-10-binary.tar.gz"),
            170_052_171,
            outputs=(
                Output(
                    "train.bin",
                    tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)),
                    10_000 * 3_073,
                ),
                Output("test.bin", ("cifar-10-batches-bin/test_batch.bin",), 10_000 * 3_073),
            ),
        ),
    ),
    train="train.bin",
    test="test.bin",
)

_CIFAR100 = DataSet(
    name="cifar100",
    title="colour photographs, 32 x 32 pixels",
    train_rows=50_000,
    test_rows=10_000,
    features=3_072,
    classes=100,
    licence=OF_CIFAR,
    format="cifar100",
    files=(
        RemoteFile(
            "cifar-100-binary.tar.gz",
            urls_at((TORONTO,), "cifar-100-binary.tar.gz"),
            168_513_733,
            outputs=(
                Output("train.bin", ("cifar-100-binary/train.bin",), 50_000 * 3_074),
                Output("test.bin", ("cifar-100-binary/test.bin",), 10_000 * 3_074),
            ),
        ),
    ),
    train="train.bin",
    test="test.bin",
)

_ADULT = DataSet(
    name="adult",
    title="income above or below 50,000 a year, from a census",
    train_rows=32_561,
    test_rows=16_281,
    features=14,
    classes=2,
    licence="CC BY 4.0 (doi.org/10.24432/C5XW20)",
    format="csv",
    files=(
        RemoteFile(
            "adult.data",
            urls_at((f"{UCI}/adult",), "adult.data"),
            3_974_305,
            sha256="5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            rewrite=Rewrite("adult.csv", ADULT_HEADER),
        ),
        RemoteFile(
            "adult.test",
            urls_at((f"{UCI}/adult",), "adult.test"),
            2_003_153,
            sha256="a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
            rewrite=Rewrite("adult.test.csv", ADULT_HEADER),
        ),
    ),
    train="adult.csv",
    test="adult.test.csv",
    target="income",
)

_A9A = DataSet(
    name="a9a",
    title="adult with its columns cut into 123 yes-or-no features",
    train_rows=32_561,
    test_rows=16_281,
    features=123,
    classes=2,
    licence="none stated; made from adult, which is CC BY 4.0",
    format="svmlight",
    files=(
        RemoteFile(
            "a9a",
            urls_at((f"{LIBSVM}/binary",), "a9a"),
            2_329_875,
            sha256="f5d5ffd8d865ff41328e7ee043e4b020816914ff6843ff15b98905ddbedce906",
        ),
        RemoteFile(
            "a9a.t",
            urls_at((f"{LIBSVM}/binary",), "a9a.t"),
            1_164_628,
            sha256="1f448a153f0320399a7e40836eb207655b0bde0f21fc941cc472193daa9f5de9",
        ),
    ),
    train="a9a",
    test="a9a.t",
)

_NEWS20 = DataSet(
    name="news20",
    title="words of posts in 20 newsgroups",
    train_rows=15_935,
    test_rows=3_993,
    features=62_061,
    classes=20,
    licence=OF_TEXTS,
    format="svmlight",
    files=(
        RemoteFile(
            "news20.bz2",
            urls_at((f"{LIBSVM}/multiclass",), "news20.bz2"),
            2_376_572,
            sha256="8c79851f6f5fdc5540a0d04a5ab728353c42d26b84e73f93bda301c06c15ffe9",
        ),
        RemoteFile("news20.t.bz2", urls_at((f"{LIBSVM}/multiclass",), "news20.t.bz2"), lines=3_993),
    ),
    train="news20.bz2",
    test="news20.t.bz2",
)

_RCV1 = DataSet(
    name="rcv1",
    title="words of Reuters news stories by topic",
    train_rows=15_564,
    test_rows=518_571,
    features=47_236,
    classes=53,
    licence=OF_TEXTS,
    format="svmlight",
    files=tuple(
        RemoteFile(name, urls_at((f"{LIBSVM}/multiclass",), name), lines=lines)
        for name, lines in (
            ("rcv1_train.multiclass.bz2", 15_564),
            ("rcv1_test.multiclass.bz2", 518_571),
        )
    ),
    train="rcv1_train.multiclass.bz2",
    test="rcv1_test.multiclass.bz2",
)

CATALOGUE: dict[str, DataSet] = {
    entry.name: entry
    for entry in (
        _MNIST,
        _FASHION_MNIST,
        _CIFAR10,
        _CIFAR100,
        _ADULT,
        _A9A,
        _NEWS20,
        _RCV1,
    )
}


def find(name: str) -> DataSet:
    """Return the data set of that name.

    Raises
    ------
    ConfigError
        When there is none, with the names that there are.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name.lower(), CATALOGUE, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    known = ", ".join(CATALOGUE)
    raise ConfigError(f"the data set must be one of {known}; got {shown(name)}{hint}")

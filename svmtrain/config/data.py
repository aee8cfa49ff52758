"""The section about the data: where the rows come from, how they are read, and how split."""

from __future__ import annotations

from dataclasses import dataclass, field

from svmtrain.config.about import about
from svmtrain.config.kinds import Boolean, Choice, Either, Integer, ListOf, Number, Optional
from svmtrain.config.texts import Delimiter, FilePaths, Fold, Mark, Text

#: The largest data.repeat: each has a stream of random numbers of its own.
MOST_REPEATS = 1_000_000

FORMATS = (
    *("auto", "csv", "svmlight", "npz", "npy", "idx", "cifar10", "cifar100"),
    *("parquet", "arrow", "images", "store"),
)
TEXTS = ("error", "onehot", "ordinal")
UNSEEN = ("error", "ignore")
MISSING = ("error", "drop", "mean", "median", "most_frequent", "constant")
GAP_MARKS = ("", "?", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL")
CACHES = ("auto", "off", "beside")

_AUTO = Choice(("auto",))
_COLUMNS = ListOf(Either(Integer(), Text()), "columns")


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where the rows come from and how they are split."""

    train: str | tuple[str, ...] = field(
        metadata=about(
            FilePaths(),
            "training data: a file or folder, several files in order, or a pattern such as "
            "part-*.csv, which means its files sorted by name",
            common=True,
        )
    )
    test: str | tuple[str, ...] | float | None = field(
        default=None,
        metadata=about(
            Optional(Number(above=0, below=1), FilePaths()),
            "test data, or the fraction of the training rows to set aside as such",
            common=True,
        ),
    )
    format: str = field(
        default="auto",
        metadata=about(Choice(FORMATS), "format of the data files", common=True),
    )
    target: str | int | None = field(
        default=None,
        metadata=about(
            Optional(Integer(), Text()),
            "column of the labels, by name or position from 0; "
            "null is the only one called label, target, class or y",
            common=True,
        ),
    )
    header: bool | str = field(
        default="auto",
        metadata=about(Either(_AUTO, Boolean()), "whether a CSV file starts with column names"),
    )
    delimiter: str = field(
        default="auto",
        metadata=about(Either(_AUTO, Delimiter()), "what stands between CSV fields"),
    )
    keep: tuple[str | int, ...] = field(
        default=(),
        metadata=about(_COLUMNS, "the columns that are features, by name or position; [] for all"),
    )
    drop: tuple[str | int, ...] = field(
        default=(), metadata=about(_COLUMNS, "columns that are no features")
    )
    text: str = field(
        default="error",
        metadata=about(
            Choice(TEXTS),
            "columns of text: refused, a feature for each text, or the number of the text",
        ),
    )
    text_columns: tuple[str | int, ...] = field(
        default=(),
        metadata=about(_COLUMNS, "columns that hold text though they look like numbers"),
    )
    max_categories: int = field(
        default=100,
        metadata=about(Integer(minimum=1), "most different texts in a column for text: onehot"),
    )
    unseen: str = field(
        default="error",
        metadata=about(
            Choice(UNSEEN), "a text that no training row had: refused, or none of the known ones"
        ),
    )
    missing: str = field(
        default="error",
        metadata=about(
            Choice(MISSING),
            "gaps: refused, their rows left out, or filled with what the training rows have "
            "(columns of text with the commonest) or with missing_value",
        ),
    )
    missing_value: float = field(
        default=0.0, metadata=about(Number(), "what fills gaps among numbers for constant")
    )
    missing_marks: tuple[str, ...] = field(
        default=GAP_MARKS,
        metadata=about(ListOf(Mark(), "texts"), "what a gap looks like in a cell"),
    )
    sparse: bool | str = field(
        default="auto",
        metadata=about(
            Either(_AUTO, Boolean()),
            "whether only non-zeros are held in memory; auto is when that is much less",
        ),
    )
    cache: str = field(
        default="auto",
        metadata=about(
            Choice(CACHES),
            "where text files are kept as a store once they are read: in the user's cache folder, "
            "nowhere, or beside the file",
        ),
    )
    validation: str | tuple[str, ...] | float = field(
        default=0.2,
        metadata=about(
            Either(Number(minimum=0, below=1), FilePaths()),
            "fraction of the training rows held out to watch the training, or a file; 0 is none",
            common=True,
        ),
    )
    labels: str | tuple[str, ...] | None = field(
        default=None,
        metadata=about(
            Optional(FilePaths()),
            "labels of the training data, where their format keeps them apart (idx, npy); "
            "null is to find them beside, by name",
        ),
    )
    test_labels: str | tuple[str, ...] | None = field(
        default=None,
        metadata=about(Optional(FilePaths()), "labels of the test data, likewise"),
    )
    validation_labels: str | tuple[str, ...] | None = field(
        default=None,
        metadata=about(Optional(FilePaths()), "labels of the validation data, likewise"),
    )
    stratified: bool = field(
        default=True,
        metadata=about(Boolean(), "split so that each class keeps its share of rows"),
    )
    seed: int = field(default=0, metadata=about(Integer(minimum=0), "seed of the splits"))
    fold: str | None = field(
        default=None,
        metadata=about(
            Optional(Fold()),
            "the fold of the rows that data.test leaves that this run is tested on, in place of "
            "those; over all folds every row is held out once",
        ),
    )
    train_share: float = field(
        default=1.0,
        metadata=about(
            Number(above=0, maximum=1),
            "share of the training rows that is trained on; a smaller one is part of a larger",
        ),
    )
    repeat: int = field(
        default=0,
        metadata=about(
            Integer(minimum=0, maximum=MOST_REPEATS),
            "which of the shuffles that data.fold and data.train_share draw their rows by",
        ),
    )

"""What to look out for in data, and what to do about it, a sentence each.

To add a warning, write a function of `DataInfo` that yields sentences and enter it in `WARNINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from svmtrain.data.targets import like_numbers
from svmtrain.errors import shown
from svmtrain.operations.data.facts import DataInfo

RARE = 0.2
WIDE_SCALES = 1e3
NAMED = 5
MANY_TEXTS = 100


def _listed(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(shown, names[:NAMED])) + more


def _labels(info: DataInfo) -> Iterator[str]:
    """No label, or one class alone."""
    if info.classes is None:
        yield f"no labels: {info.unlabelled}"
    elif len(info.classes) == 1:
        yield f"every row has the label {shown(next(iter(info.classes)))}: nothing to learn"


def _numbers(info: DataInfo) -> Iterator[str]:
    """Labels that are a number to predict, and columns that number the rows."""
    if doubt := like_numbers(info.classes or (), info.rows, None):
        yield doubt
    ids = [c.name for c in info.columns if c.counts(info.rows)]
    if ids and info.droppable:
        yield f"{_listed(ids)} counts the rows, and says nothing of new ones: drop it (data.drop)"


def _rare(info: DataInfo) -> Iterator[str]:
    """Classes that are rare."""
    counts = info.classes or {}
    if len(counts) < 2:
        return
    most = max(counts.values())
    rare = [label for label, count in counts.items() if count < RARE * most]
    if rare:
        least = min(rare, key=lambda label: counts[label])
        yield (
            f"{len(rare)} of {len(counts)} classes are rare, {shown(least)} with {counts[least]:,} "
            f"of {info.rows:,} rows the most: consider objective.class_weight: balanced"
        )


def alike(labels: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each label that only blanks or capitals tell from one before."""
    first: dict[str, str] = {}
    for label in labels:
        like = first.setdefault("".join(label.split()).casefold(), label)
        if like != label:
            pair = f"{shown(like)} and {shown(label)}"
            yield f"labels {pair} differ in capitals or blanks alone: one class?"


def _alike(info: DataInfo) -> Iterator[str]:
    """Labels that only blanks or capitals tell apart."""
    yield from alike(info.classes or ())


def _constant(info: DataInfo) -> Iterator[str]:
    """Columns that say nothing."""
    names = [column.name for column in info.columns if column.constant]
    if names and info.rows > 1:
        what = "they could go (data.drop)" if info.droppable else "they do no harm"
        yield f"{len(names):,} constant columns ({_listed(names)}): {what}"


def _empty(info: DataInfo) -> Iterator[str]:
    """Columns that have nothing, and gaps."""
    names = [c.name for c in info.columns if c.gaps == info.rows]
    if names:
        yield f"{len(names):,} columns have no value ({_listed(names)}): drop them (data.drop)"
    some = [c.name for c in info.columns if 0 < c.gaps < info.rows]
    if some:
        yield f"{len(some):,} columns have gaps ({_listed(some)}): data.missing says what to do"


def _text(info: DataInfo) -> Iterator[str]:
    """Columns of text."""
    names = [c.name for c in info.columns if c.kind == "text"]
    if names:
        yield f"{len(names):,} columns of text ({_listed(names)}): set data.text, such as to onehot"
    many = [c.name for c in info.columns if (c.texts or 0) > MANY_TEXTS]
    if many:
        yield (
            f"{len(many):,} columns have more than {MANY_TEXTS} different texts ({_listed(many)}): "
            "drop those that name rows (data.drop), or raise data.max_categories"
        )


def _scales(info: DataInfo) -> Iterator[str]:
    """Columns of very different size."""
    varied = [c for c in info.columns if c.deviation]
    if len(varied) < 2:
        return
    small = min(varied, key=lambda c: c.deviation or 0.0)
    large = max(varied, key=lambda c: c.deviation or 0.0)
    ratio = (large.deviation or 0.0) / (small.deviation or 1.0)
    if ratio > WIDE_SCALES:
        yield (
            f"column {shown(large.name)} varies {ratio:.2g} times as much as {shown(small.name)}: "
            "keep preprocess.scale: standard, the default, or another scaling"
        )


def _same(info: DataInfo) -> Iterator[str]:
    """Columns and rows that are there twice."""
    if info.duplicate_columns:
        one, other = info.duplicate_columns[0]
        count = len(info.duplicate_columns)
        yield (
            f"{count:,} columns are the same as another (such as {shown(other)} as {shown(one)})"
            f"{': they could go (data.drop)' if info.droppable else ''}"
        )
    if info.duplicate_rows:
        yield (
            f"{info.duplicate_rows:,} of the rows repeat an earlier one: a split may put the same "
            "row on both sides"
        )


WARNINGS: tuple[Callable[[DataInfo], Iterator[str]], ...] = (
    _labels,
    _numbers,
    _rare,
    _alike,
    _constant,
    _empty,
    _text,
    _scales,
    _same,
)


def warnings_about(info: DataInfo) -> list[str]:
    """Return the warnings about some data."""
    return [sentence for warning in WARNINGS for sentence in warning(info)]

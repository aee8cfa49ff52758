"""What a worker is told to read: plain values, from which a shard can be made anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from svmtrain.data.dataset import Label, ReadOptions


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one file.

    Attributes
    ----------
    path : str
        As the workers see it.
    start, stop : int
        Rows of the file.
    options : ReadOptions
    """

    path: str
    start: int
    stop: int
    options: ReadOptions


@dataclass(frozen=True)
class Form:
    """The form that rows are held in.

    Attributes
    ----------
    n_features : int
    sparse : bool
    feature_names : tuple of str or None
    """

    n_features: int
    sparse: bool
    feature_names: tuple[str, ...] | None


@dataclass(frozen=True)
class Recipe:
    """How the rows of a shard are read.

    Attributes
    ----------
    number : int
        Which shard, from 0.
    pieces : mapping of str to tuple of Piece
        By the role of the files: train, validation, test.
    classes : tuple of label
    form : Form
    format, cache : str
        See `data.format` and `data.cache` of the config.
    """

    number: int
    pieces: Mapping[str, tuple[Piece, ...]]
    classes: tuple[Label, ...]
    form: Form
    format: str = "auto"
    cache: str = "auto"

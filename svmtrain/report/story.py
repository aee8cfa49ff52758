"""What there is to tell of one run: gathered from its folder, its data and its model."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build import Splits, load_splits
from svmtrain.config import Config, load_config
from svmtrain.data.readers import data_paths, format_of
from svmtrain.data.scaled import dense
from svmtrain.data.statistics import column_statistics
from svmtrain.data.store import is_store
from svmtrain.errors import ModelError, SvmtrainError
from svmtrain.files import read_bytes
from svmtrain.graph.circuit import GraphError
from svmtrain.graph.draw import svg
from svmtrain.model import LinearClassifier, load_model
from svmtrain.operations.circuit import loss_of_row
from svmtrain.operations.evaluate import refuse_changed
from svmtrain.report.images import Shape, find_shape, parse_shape
from svmtrain.report.judged import SPLITS, Judged, judge
from svmtrain.runs.catalogue import RunSummary, read_records, summarize
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.history import EpochRecord

CONFIG_LIMIT = 1 << 20


@dataclass(frozen=True)
class Story:
    """All that is known of a run; what cannot be had is None or empty, and `missing` says why.

    Attributes
    ----------
    run : RunDirectory
    summary : RunSummary
    info : mapping
        run.json, which is not to be trusted.
    yaml : str
        config.yaml as it is.
    config : Config or None
    records : list of EpochRecord
    model : LinearClassifier or None
    judged : mapping of str to Judged
        By split, in the order of `SPLITS`; empty without a model or its data.
    shape : Shape or None
        Of rows that are pictures.
    missing : list of str
        What could not be told, in whole sentences.
    """

    run: RunDirectory
    summary: RunSummary
    info: Mapping[str, Any]
    yaml: str
    config: Config | None
    records: list[EpochRecord]
    model: LinearClassifier | None
    judged: Mapping[str, Judged] = field(default_factory=dict)
    shape: Shape | None = None
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.summary.name

    @property
    def held_out(self) -> Judged | None:
        """The rows that say most about new ones: test, validation or, at worst, training rows."""
        for split in reversed(SPLITS):
            if split in self.judged:
                return self.judged[split]
        return None

    @cached_property
    def effects(self) -> NDArray[np.float64] | None:
        """What the features usually do to each score, (n_features, n_classes).

        The weight of each feature as it is in the file, through the scaling, times its deviation
        over the training rows: a pixel at the border that hardly ever differs does little, however
        large its weight. Without those rows, the weights on scaled features.
        """
        if self.model is None:
            return None
        weights, train = np.asarray(self.model.W, np.float64), self.judged.get("train")
        if train is None:
            return weights
        spread = column_statistics(train.rows.blocks()).deviation
        return weights * (self.model.scaler.factor * spread)[:, np.newaxis]

    def feature(self, j: int) -> str:
        """Return what a feature is called: its name, or its number from 1."""
        names = None if self.model is None else self.model.feature_names
        if self.model is not None and self.model.encoder is not None:
            names = self.model.encoder.feature_names
        return names[j] if names is not None else f"feature {j + 1}"

    def circuit(self) -> tuple[str, str] | None:
        """Return the loss of the hardest training row as a drawn circuit, and what it is of."""
        train, model = self.judged.get("train"), self.model
        if train is None or model is None or not len(train.rows):
            return None
        row = int(train.losses.argmax())
        weights = np.asarray(model.W, np.float64), np.asarray(model.b, np.float64)
        x = dense(model.scaler.transform(train.rows.part(row, row + 1), np.float64))
        y, labels = train.rows.y[row : row + 1], [str(label) for label in model.classes]
        found = loss_of_row(model.objective, model.objective.loss, x, y, weights, labels, row)
        said = (
            f"row {int(train.rows.places[row]) + 1:,} of the training data, of class {found.label}"
        )
        try:
            return svg(found.shown.output).decode(), said
        except GraphError:
            return None


def tell_story(
    run: RunDirectory, image: str | None = None, known: dict[str, Splits] | None = None
) -> Story:
    """Gather what there is to tell of a run, finished or not.

    Parameters
    ----------
    run : RunDirectory
    image : str, optional
        The shape of rows that are pictures, as `images.parse_shape` takes it; none for rows that
        are no pictures. Found out where it is not given.
    known : dict, optional
        The rows that other runs were told of, by what their configs say of data: they are not
        read again, and those of this run are put beside them.

    Raises
    ------
    ConfigError
        When there is no run, or the shape does not fit.
    """
    run.require()
    info: Mapping[str, Any] = {}
    with contextlib.suppress(ModelError):
        info = run.read_info()
    missing: list[str] = []
    config = _tried(lambda: load_config(run.config), missing)
    model = None
    if run.model.exists():
        model = _tried(lambda: load_model(run.model), missing)
    else:
        kept = run.checkpoint_files()
        hint = f"; {kept[0].name} in its checkpoints can be used as one" if kept else ""
        missing.append(f"The run has no model yet{hint}.")
    judged: Mapping[str, Judged] = {}
    if model is not None and config is not None:
        judged = _tried(lambda: _judged(run, config, model, known), missing) or {}
    return Story(
        run=run,
        summary=summarize(run),
        info=info,
        yaml=_text(run),
        config=config,
        records=read_records(run),
        model=model,
        judged=judged,
        shape=_shape(config, model, image),
        missing=tuple(missing),
    )


def _tried(make: Any, missing: list[str]) -> Any:
    """Return what can be made; when it cannot, take down why."""
    try:
        return make()
    except SvmtrainError as error:
        missing.append(f"{error}.")
        return None


def _judged(
    run: RunDirectory, config: Config, model: LinearClassifier, known: dict[str, Splits] | None
) -> dict[str, Judged]:
    """Return the splits of a run as its model sees them."""
    key = repr(config.data)
    splits = None if known is None else known.get(key)
    if splits is None:
        splits = load_splits(config)
        if known is not None:
            known[key] = splits
    refuse_changed(model, splits, run.path)
    parts = {split: getattr(splits, split) for split in SPLITS}
    return {split: judge(model, rows, split) for split, rows in parts.items() if rows is not None}


def _text(run: RunDirectory) -> str:
    with contextlib.suppress(SvmtrainError):
        return read_bytes(run.config, ModelError, CONFIG_LIMIT).decode("utf-8", "replace")
    return ""


def _shape(
    config: Config | None, model: LinearClassifier | None, image: str | None
) -> Shape | None:
    """Return the shape of rows that are pictures."""
    if model is None or image == "none":
        return None
    if image is not None:
        return parse_shape(image, model.n_features)
    form = ""
    if config is not None:
        with contextlib.suppress(SvmtrainError):
            first = data_paths(config.data.train)[0].path
            form = "" if is_store(first) else format_of(first, config.data.format)
    names = None if model.encoder is not None else model.feature_names
    return find_shape(form, names, model.n_features)

"""What every export is made of: the numbers of a model in float64, and what does not fit a form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import ConfigError
from svmtrain.model import LinearClassifier

Numbers = NDArray[np.float64]

LARGEST_LABEL = 2**63 - 1


@dataclass(frozen=True)
class Exported:
    """A model in another form.

    Attributes
    ----------
    content : bytes
        Of the file.
    notes : tuple of str
        What whoever uses the file must know, a sentence each.
    """

    content: bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """Scores = z W + b with z = (x - offset) * factor, divided by its length where `unit` says so.

    Attributes
    ----------
    W : ndarray (n_features, n_classes)
    b : ndarray (n_classes,)
    offset, factor : ndarray (n_features,)
    unit : bool
        Whether rows are divided by their length.
    fill : ndarray (n_features,) or None
        What takes the place of a gap (NaN where it is refused); None without any.
    """

    W: Numbers
    b: Numbers
    offset: Numbers
    factor: Numbers
    unit: bool
    fill: Numbers | None

    @property
    def scaled(self) -> bool:
        """Whether features are moved or stretched at all."""
        return bool(self.offset.any() or (self.factor != 1).any())

    def folded(self) -> tuple[Numbers, Numbers]:
        """Return W and b of the features as they are, which rows of a length do not allow."""
        if self.unit:
            raise ValueError("rows that are divided by their length cannot be folded")
        W = self.W * self.factor[:, np.newaxis]
        return W, self.b - self.offset @ W


def parts_of(classifier: LinearClassifier) -> Parts:
    """Return the numbers of a model; gaps are its encoder's, where that has no texts."""
    encoder, scaler = classifier.encoder, classifier.scaler
    fill = None
    if encoder is not None and not has_texts(classifier):
        values = [column.fill for column in encoder.columns]
        filled = [float(value) if value is not None else np.nan for value in values]
        fill = np.array(filled) if any(value is not None for value in values) else None
    return Parts(
        W=classifier.W.astype(np.float64),
        b=classifier.b.astype(np.float64),
        offset=scaler.offset,
        factor=scaler.factor,
        unit=scaler.row_norm != "none",
        fill=fill,
    )


def has_texts(classifier: LinearClassifier) -> bool:
    """Return whether some column of the model's tables is text."""
    encoder = classifier.encoder
    return encoder is not None and any(one.categories is not None for one in encoder.columns)


def refuse_texts(classifier: LinearClassifier, form: str) -> None:
    """Raise ConfigError where a form that takes numbers alone is asked for columns of text."""
    if has_texts(classifier):
        raise ConfigError(
            f"the model takes columns of text, which {form} cannot carry; "
            "export it with --to sklearn -o FILE.py, or --to json"
        )


def left_behind(classifier: LinearClassifier) -> list[str]:
    """Return the note on probabilities, for a form that has none, of a model that has some."""
    if classifier.calibration is None:
        return []
    return [
        "probabilities stay behind, labels and scores travel; json, safetensors and a FILE.py for "
        "sklearn have the calibration"
    ]


def integer_labels(classifier: LinearClassifier, largest: int = LARGEST_LABEL) -> list[int] | None:
    """Return the classes when they are whole numbers of no more than a size, else None."""
    numbers = [label for label in classifier.classes if isinstance(label, int)]
    fit = len(numbers) == len(classifier.classes) and all(abs(n) <= largest for n in numbers)
    return numbers if fit else None


def half_difference(W: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
    """Return w (n_features, 1) and its bias (1,): half of what the second class has more.

    With two classes it decides alone, and at the optimum W = (-w, w).
    """
    return (W[:, 1:] - W[:, :1]) / 2, (b[1:] - b[:1]) / 2

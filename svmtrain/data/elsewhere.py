"""A dataset whose rows are on other machines: everything about it is known here but its cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import Dataset, Label
from svmtrain.data.sparse import Csr, Matrix


@dataclass(frozen=True)
class Elsewhere(Dataset):
    """Rows that this process cannot look at; whoever tries is told so by a RuntimeError.

    Attributes
    ----------
    matrix : ndarray (0, n_features) or Csr
        No rows, in the dtype and the form that the rows have.
    source : str
        The role of the files that hold them: train, validation or test.
    """

    source: str = "train"

    @classmethod
    def of(
        cls,
        source: str,
        y: NDArray[np.int64],
        classes: tuple[Label, ...],
        n_features: int,
        *,
        dtype: str,
        sparse: bool,
        feature_names: tuple[str, ...] | None,
    ) -> Elsewhere:
        """Return the dataset of rows with classes y (n_samples,)."""
        matrix: Matrix = np.zeros((0, n_features), dtype)
        if sparse:
            nothing = np.zeros(0, np.int32)
            matrix = Csr(np.zeros(0, dtype), nothing, np.zeros(1, np.int64), (0, n_features))
        return cls(matrix, y, classes, feature_names, source=source)

    @property
    def X(self) -> Matrix:
        """Not to be had."""
        return self._refuse()

    def take(self, rows: NDArray[np.intp]) -> Matrix:
        """Refuse."""
        return self._refuse()

    def part(self, start: int, stop: int) -> Matrix:
        """Refuse."""
        return self._refuse()

    def blocks(self, size: int = 0) -> Iterator[Matrix]:
        """Refuse."""
        return self._refuse()

    def _made(self, rows: Any) -> Matrix:
        return self._refuse()

    def _refuse(self) -> NoReturn:
        raise RuntimeError("these rows are on the workers of a cluster, not in this process")

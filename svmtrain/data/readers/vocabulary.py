"""Numbers for the texts of text columns, in the order in which the texts first come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Vocabulary:
    """The texts of each text column, which grow as more are met.

    Parameters
    ----------
    known : mapping of int to tuple of str
        By the place of the column among the features: the texts that are numbered already.
    """

    def __init__(self, known: Mapping[int, tuple[str, ...]]) -> None:
        self._numbers = {
            column: {text: number for number, text in enumerate(texts)}
            for column, texts in known.items()
        }
        self._categories = dict(known)

    def numbers(self, column: int, texts: Iterable[str]) -> list[int]:
        """Return the number of each text of a column; new ones get the next."""
        known = self._numbers.setdefault(column, {})
        return [known.setdefault(text, len(known)) for text in texts]

    def categories(self) -> dict[int, tuple[str, ...]]:
        """Return the texts of each text column so far, in the order of their numbers."""
        for column, known in self._numbers.items():
            if len(self._categories.get(column, ())) != len(known):
                self._categories[column] = tuple(known)
        return dict(self._categories)

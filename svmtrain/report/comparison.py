"""Several runs side by side: where their configs differ, and whether their accuracies do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from svmtrain.metrics.paired import Pair, compare, holm
from svmtrain.report.judged import Judged
from svmtrain.report.story import Story
from svmtrain.runs.catalogue import differing_settings

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Duel:
    """Two runs on the same rows.

    Attributes
    ----------
    first, second : str
        Names of the runs; the first is the one that all others are compared with.
    accuracies : tuple of float
    pair : Pair
    p : float
        Of McNemar's test, adjusted after Holm for all pairs of runs: which of them leads was found
        out on the same rows, so that each of the pairs could have been looked at.
    """

    first: str
    second: str
    accuracies: tuple[float, float]
    pair: Pair
    p: float

    @property
    def tie(self) -> bool:
        """Whether the rows do not tell the two apart."""
        return self.p >= SIGNIFICANT


@dataclass(frozen=True)
class Comparison:
    """Several runs.

    Attributes
    ----------
    stories : sequence of Story
    keys : list of str
        The settings in which they differ.
    split : str or None
        Whose rows they are compared on.
    duels : list of Duel
        The leading run against each of the others.
    apart : list of str
        Runs that are not compared, since their rows are others, with the reason.
    swept : sequence of str or None
        The settings that were tried for what they do; None for all in which the runs differ.
    """

    stories: Sequence[Story]
    keys: list[str]
    split: str | None
    duels: list[Duel]
    apart: list[str]
    swept: Sequence[str] | None = None


def compare_stories(
    stories: Sequence[Story], split: str | None = None, best: str | None = None
) -> Comparison:
    """Compare runs with the best of them, on the rows held out that they share.

    Parameters
    ----------
    stories : sequence of Story
    split : str, optional
        Whose rows; the held-out ones if not given.
    best : str, optional
        The name of the run to compare the others with; the one with the highest accuracy if not
        given.
    """
    keys = differing_settings([story.summary for story in stories])
    known = [(s, s.held_out if split is None else s.judged.get(split)) for s in stories]
    judged = [(story, rows) for story, rows in known if rows is not None]
    apart = [f"{story.name}: its rows cannot be read" for story, rows in known if rows is None]
    judged = [(story, rows) for story, rows in judged if rows.split != "train"]
    apart += [f"{s.name}: no rows are held out" for s, r in known if r and r.split == "train"]
    if not judged:
        return Comparison(stories, keys, None, [], apart)
    first, model_rows = judged[0]
    same = [(story, rows) for story, rows in judged if _alike(story, rows, first, model_rows)]
    others = [story for story, _ in judged if all(story is not one for one, _ in same)]
    apart += [f"{story.name}: its {model_rows.split} rows are others" for story in others]
    same.sort(key=lambda one: (one[0].name != best, -one[1].report.accuracy))
    (leader, top), rest = same[0], same[1:]
    pairs = [compare(top.right, rows.right) for _, rows in rest]
    adjusted = holm([pair.p for pair in pairs], among=len(same) * (len(same) - 1) // 2)
    duels = [
        Duel(
            first=leader.name,
            second=story.name,
            accuracies=(top.report.accuracy, rows.report.accuracy),
            pair=pair,
            p=p,
        )
        for (story, rows), pair, p in zip(rest, pairs, adjusted, strict=True)
    ]
    return Comparison(stories, keys, model_rows.split, duels, apart)


def _alike(story: Story, rows: Judged, other: Story, others: Judged) -> bool:
    """Return whether two runs have the same rows held out: of the same files, at the same places.

    Features may be others, such as those of other columns.
    """
    return (
        rows.split == others.split
        and rows.rows.classes == others.rows.classes
        and np.array_equal(rows.rows.y, others.rows.y)
        and np.array_equal(rows.rows.places, others.rows.places)
        and _digest(story, rows.split) == _digest(other, rows.split)
    )


def _digest(story: Story, split: str) -> object:
    """Return the digest of the file that the rows of a split come from."""
    data = story.model.trained.get("data") if story.model else None
    if not isinstance(data, dict):
        return None
    known = data.get(split) or data.get("train")
    return known.get("sha256") if isinstance(known, dict) else None

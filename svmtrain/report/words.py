"""What figures mean, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from svmtrain.report.comparison import Comparison, Duel
from svmtrain.report.judged import Judged
from svmtrain.report.story import Story

NOTHING = "\N{EN DASH}"
"""What stands where there is no value."""
CLOSE = 0.001
"""A proven gap below which more training is not worth a sentence."""
FEW_ROWS = 100
APART = 0.05
"""How far the training accuracy may be above the held-out one before it is called overfitting."""


def percent(share: float, digits: int = 2) -> str:
    """Return a share as a percentage: 0.9241 is 92.41 %, not to be broken."""
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def figure(value: object, digits: int = 4) -> str:
    """Return a number as a reader wants it; a dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    odd = value != 0 and not 1e-3 <= abs(value) < 1e9
    return f"{value:.{digits}g}" if odd else f"{value:,.{digits}f}"


def rows_of(number: int) -> str:
    """Return how many rows: 1 row, 2,000 rows."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def summary(story: Story) -> list[str]:
    """Return what a run is, how good its model is and how sure that is, a sentence each."""
    said = [_what(story), _how_good(story), _how_sure(story), _checked(story), _advice(story)]
    return [sentence for sentence in said if sentence]


def _what(story: Story) -> str:
    model, files = story.model, story.info.get("data")
    if model is None:
        return f"The run is {story.summary.figures['status']} and has no model to judge."
    first = files[0] if isinstance(files, list) and files and isinstance(files[0], dict) else {}
    source = f" of {first['name']}" if isinstance(first.get("name"), str) else ""
    train = story.judged.get("train")
    on = f" on {rows_of(len(train.rows))}{source}" if train else source.replace(" of", " on")
    return (
        f"A linear classifier of {len(model.classes):,} classes with {model.n_features:,} "
        f"features, trained{on} with the {model.objective.loss} loss and lambda "
        f"{model.objective.lam:g}."
    )


def _how_good(story: Story) -> str:
    judged = story.held_out
    if judged is None:
        return ""
    accuracy, rows = percent(judged.report.accuracy), rows_of(len(judged.rows))
    if judged.split == "train":
        return (
            f"It labels {accuracy} of the {rows} it was trained on right; since none are held "
            "out, how it does on new rows is not known (data.validation and data.test hold some "
            "out)."
        )
    low, high = judged.interval
    seen = {
        "test": "that had no part in its training",
        "validation": "that were held out (though the run may have chosen its epoch by them)",
    }[judged.split]
    few = " So few rows leave the figure uncertain." if len(judged.rows) < FEW_ROWS else ""
    return (
        f"It labels {accuracy} of the {rows} {seen} right; by their number the accuracy on rows "
        f"like them is between {percent(low)} and {percent(high)} (95 % interval).{few}"
    )


def _how_sure(story: Story) -> str:
    value, proven = story.summary.figures["objective"], story.summary.figures["proven"]
    if value is None:
        return ""
    if proven is None:
        return (
            f"Its objective is {figure(value)}; how far that is from the optimum is not known, "
            "since the run has no lower bound."
        )
    return (
        f"Its objective is {figure(value)} and the optimum is proven to be no lower than "
        f"{figure(value * (1 - proven))}: no weights whatever have an objective more than "
        f"{percent(proven)} below it."
    )


def _checked(story: Story) -> str:
    check = story.info.get("gradcheck")
    if not isinstance(check, dict) or "passed" not in check:
        return "The gradient was not checked."
    if check["passed"] is not True:
        return "The gradient check FAILED: do not trust this model."
    compared = figure(check.get("compared"))
    return f"The gradient was checked before the first step, at {compared} entries."


def _advice(story: Story) -> str:
    """Return what to try next, where the figures say so."""
    said, proven = [], story.summary.figures["proven"]
    train, held = story.judged.get("train"), story.held_out
    if proven is not None and proven > 10 * CLOSE:
        dual = story.config is not None and story.config.solver.name == "dual"
        other = "" if dual else ", or solver.name=dual,"
        said.append(f"more epochs{other} may still lower the objective")
    if train and held and held.split != "train":
        ahead = train.report.accuracy - held.report.accuracy
        if ahead > APART:
            said.append(
                f"training rows do {percent(ahead)} better than held-out ones: a larger "
                "objective.lambda or more rows may help"
            )
    doubted = sum(len(one.doubted()) for one in story.judged.values())
    if doubted:
        said.append(f"look at rows whose label may be wrong: there are {doubted:,}")
    return f"What to do next: {'; '.join(said)}." if said else ""


def comparison_summary(comparison: Comparison) -> list[str]:
    """Return which of several runs are best, and which are a tie with the best."""
    if not comparison.duels:
        return ["No two of these runs have the same rows held out, so they are not compared."]
    first = comparison.duels[0]
    ties = [duel.second for duel in comparison.duels if duel.tie]
    apart = [duel for duel in comparison.duels if not duel.tie]
    beaten = [duel.second for duel in apart if duel.pair.difference > 0]
    better = [duel.second for duel in apart if duel.pair.difference < 0]
    said = [
        f"“{first.first}” labels {percent(first.accuracies[0])} of the "
        f"{first.pair.rows:,} {comparison.split} rows right."
    ]
    if ties:
        said.append(
            f"The rows do not tell it apart from {quoted(ties)}: that is a tie, and another "
            "reason, such as the time or the proven gap, may choose between them."
        )
    if beaten:
        said.append(f"It is better than {quoted(beaten)} by more than chance explains.")
    if better:
        said.append(f"It is worse than {quoted(better)} by more than chance explains.")
    return said


def verdict(duel: Duel) -> str:
    """Return what a duel says."""
    if duel.tie:
        return "tie"
    return f"{duel.first if duel.pair.difference > 0 else duel.second} is better"


def quoted(names: Sequence[str]) -> str:
    """Return names of runs as a list in words."""
    return listed([f"“{name}”" for name in names])


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return texts as a list in words."""
    left = len(names) - most
    shown = [*names[:most], *([f"{left} other{'s' if left > 1 else ''}"] if left > 0 else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def about_confusion(judged: Judged) -> str:
    """Return which classes are taken for which others most often."""
    report, classes = judged.report, judged.rows.classes
    wrong = report.confusion.copy()
    for place in range(len(classes)):
        wrong[place, place] = 0
    order = wrong.ravel().argsort(kind="stable")[::-1][:3]
    pairs = [divmod(int(place), len(classes)) for place in order if wrong.ravel()[place]]
    if not pairs:
        return f"All {rows_of(len(judged.rows))} are labelled right."
    said = [f"{classes[i]} taken for {classes[j]} ({wrong[i, j]:,})" for i, j in pairs]
    return f"Most frequent errors: {listed(said)}."

"""`svmtrain evaluate`: judge a model on labelled rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    cluster_option,
    format_option,
    json_option,
    known_format,
    limit_one_thread,
    note,
)
from svmtrain.cli.output import print_json, table, tell

if TYPE_CHECKING:
    from svmtrain.operations.judged import Evaluation

EXAMPLES = """
svmtrain evaluate runs/digits --split test
svmtrain evaluate runs/digits/model.npz labelled.csv
svmtrain evaluate runs/digits labelled.csv --json
svmtrain evaluate runs/digits 'part-*.csv' --cluster local:2
svmtrain evaluate runs/mnist images-idx3-ubyte --labels labels-idx1-ubyte
"""
WIDEST = 30
FLATTERED = {
    "train": "the weights were trained on these rows, so their figures flatter, as does the Brier "
    "score",
    "validation": "the probabilities were fitted on these rows, so their Brier score flatters",
}
"""What is said of rows that had a part in a model with probabilities."""


@click.command("evaluate", cls=Command, examples=EXAMPLES, short_help="Judge a model.")
@click.argument("model", type=any_path)
@click.argument("data", type=any_path, required=False)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    help="Without DATA: which rows of the run.  [default: test]",
)
@click.option(
    "--labels",
    type=any_path,
    metavar="FILE",
    help="Labels of DATA, where its format keeps them apart; found by name if not given.",
)
@format_option
@cluster_option
@json_option
def command(
    model: str,
    data: str | None,
    split: str | None,
    labels: str | None,
    format_: str,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Judge MODEL (a model, a checkpoint or a run directory) on DATA, or on rows of its run.

    DATA is a file, a folder of images, - for standard input, or a quoted pattern such as
    'part-*.csv', which means its files sorted by name.
    """
    if data is not None and split is not None:
        raise click.UsageError("--split goes without DATA")
    if data is None and labels is not None:
        raise click.UsageError("--labels goes with DATA")
    evaluation = _evaluate(model, data, split or "test", labels, format_, cluster)
    if split in FLATTERED and evaluation.reliability is not None:
        note(f"{FLATTERED[split]}: --split test, or DATA, has neither part")
    if as_json:
        print_json(evaluation.to_dict())
    else:
        tell(text(evaluation))


def _evaluate(
    model: str,
    data: str | None,
    split: str,
    labels: str | None,
    format_: str,
    cluster: str | None,
) -> Evaluation:
    limit_one_thread()
    from svmtrain.operations.evaluate import evaluate_file, evaluate_split

    if data is None:
        return evaluate_split(model, split, cluster, note)
    if cluster is not None:
        from svmtrain.operations.elsewhere import evaluate_elsewhere

        return evaluate_elsewhere(model, data, cluster, known_format(format_), labels, note)
    return evaluate_file(model, data, known_format(format_), labels)


def text(evaluation: Evaluation) -> str:
    """Return the figures of an evaluation as text."""
    report, classes = evaluation.report, evaluation.classes
    lost = evaluation.left_out
    left_out = f" ({lost:,} more have gaps and are left out)" if lost else ""
    head = [
        f"rows               {evaluation.rows:,}{left_out}",
        f"accuracy           {report.accuracy:.4f}",
        f"balanced accuracy  {report.balanced_accuracy:.4f}",
        f"macro F1           {report.macro_f1:.4f}",
        f"objective          {evaluation.objective:.6f} = loss {evaluation.loss:.6f} "
        f"+ penalty {evaluation.penalty:.6f}",
    ]
    if evaluation.reliability is not None:
        found = evaluation.reliability
        head.insert(
            4, f"Brier score        {found.brier:.4f} (calibration error {found.error:.4f})"
        )
    columns = (report.precision, report.recall, report.f1, report.support)
    rows = [
        [str(label), *(float(c[i]) for c in columns[:3]), int(columns[3][i])]
        for i, label in enumerate(classes)
    ]
    parts = ["\n".join(head), table(["class", "precision", "recall", "F1", "support"], rows)]
    if len(classes) <= WIDEST:
        counts = [
            [str(label), *(int(n) for n in report.confusion[i])] for i, label in enumerate(classes)
        ]
        parts.append(
            "confusion (a row a true class, a column a predicted one)\n"
            + table(["", *(str(label) for label in classes)], counts)
        )
    return "\n\n".join(parts)

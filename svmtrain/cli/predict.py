"""`svmtrain predict`: label rows with a model."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, format_option, known_format, limit_one_thread, note
from svmtrain.cli.output import counted, data_stream

if TYPE_CHECKING:
    from svmtrain.operations.predictions import Wanted

EXAMPLES = """
svmtrain predict runs/digits new.csv -o labels.txt
svmtrain predict runs/digits new.csv --proba -o probabilities.csv
svmtrain predict runs/digits new.csv --threshold 0.9
svmtrain predict runs/digits new.csv --explain 3
cat new.csv | svmtrain predict runs/digits -
"""


@click.command("predict", cls=Command, examples=EXAMPLES, short_help="Label rows.")
@click.argument("model", type=any_path)
@click.argument("data", type=any_path)
@click.option("-o", "--output", type=any_path, help="File to write; stdout if not given.")
@click.option("--scores", is_flag=True, help="CSV: the label and the score of each class.")
@click.option("--proba", is_flag=True, help="CSV: the label and the probability of each class.")
@click.option("--top-k", type=click.IntRange(1), metavar="K", help="CSV: the K likeliest classes.")
@click.option(
    "--explain",
    type=click.IntRange(1),
    metavar="K",
    help="CSV: the K features that decided each row's label.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Reject rows whose label is less probable than P.",
)
@click.option(
    "--reject-as",
    default="rejected",
    show_default=True,
    metavar="TEXT",
    help="What stands for the label of a rejected row.",
)
@format_option
def command(
    model: str,
    data: str,
    output: str | None,
    scores: bool,
    proba: bool,
    top_k: int | None,
    explain: int | None,
    threshold: float | None,
    reject_as: str,
    format_: str,
) -> None:
    """Label the rows of DATA (- for standard input) with MODEL, one label a line.

    MODEL is a model, a checkpoint or a run directory. DATA may be a folder of images, or a quoted
    pattern such as 'part-*.csv', which means its files sorted by name. Labels in DATA are
    ignored. Columns of classes are in the model's order.
    """
    wanted = _wanted(scores, proba, top_k, explain, threshold, reject_as)
    limit_one_thread()
    from svmtrain.operations.predict import Predictions, load_classifier
    from svmtrain.runs.kept_files import refuse_kept

    if output is not None:
        refuse_kept(output)
    classifier = load_classifier(model)
    predictions = Predictions(classifier, data, known_format(format_), wanted, source=model)

    def write(stream: TextIO) -> None:
        if predictions.header is None:
            for lines in predictions:
                stream.writelines(f"{line[0]}\n" for line in lines)
            return
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(predictions.header)
        for lines in predictions:
            writer.writerows(lines)

    if output is None:
        write(data_stream())
    else:
        _write_file(output, model, data, write)
    if threshold is not None:
        rows = counted(predictions.rows, "row")
        note(f"{predictions.rejected:,} of {rows} rejected (probability below {threshold:g})")


def _wanted(
    scores: bool,
    proba: bool,
    top_k: int | None,
    explain: int | None,
    threshold: float | None,
    reject_as: str,
) -> Wanted:
    """Return what is to be written, from the options."""
    given = {"--scores": scores, "--proba": proba, "--top-k": top_k, "--explain": explain}
    asked = [name for name, value in given.items() if value]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} exclude each other")
    if threshold is None and reject_as != "rejected":
        raise click.UsageError("--reject-as goes with --threshold")
    if explain and threshold is not None:
        raise click.UsageError("--explain and --threshold exclude each other")
    from svmtrain.operations.predictions import Wanted

    form = asked[0].lstrip("-").removesuffix("-k") if asked else "labels"
    return Wanted(form, top_k or explain or 1, threshold, reject_as)


def _write_file(output: str, model: str, data: str, write: Callable[[TextIO], None]) -> None:
    """Write into a file that is neither the model nor the data."""
    from svmtrain.data.readers import expanded
    from svmtrain.files import refuse_same_file, replaced_atomically
    from svmtrain.operations.evaluate import find_model

    refuse_same_file(output, [*expanded(data), find_model(model)])
    with replaced_atomically(output) as stream:
        write(stream)

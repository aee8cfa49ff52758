"""`svmtrain predict`: label rows with a model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    cluster_option,
    format_option,
    known_format,
    limit_one_thread,
    note,
)
from svmtrain.cli.output import counted, data_stream

if TYPE_CHECKING:
    from svmtrain.operations.predictions import Wanted

EXAMPLES = """
svmtrain predict runs/digits new.csv -o labels.txt
svmtrain predict runs/digits new.csv --proba -o probabilities.csv
svmtrain predict runs/digits new.csv --threshold 0.9
svmtrain predict runs/digits new.csv --explain 3
cat new.csv | svmtrain predict runs/digits -
svmtrain predict runs/digits 'part-*.csv' --cluster local:2 -o out/
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
@cluster_option
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
    cluster: str | None,
) -> None:
    """Label the rows of DATA (- for standard input) with MODEL, one label a line.

    MODEL is a model, a checkpoint or a run directory. DATA may be a folder of images, or a quoted
    pattern such as 'part-*.csv', which means its files sorted by name. Labels in DATA are
    ignored. Columns of classes are in the model's order. With --cluster, workers read DATA; an
    output that is a folder, or ends in /, gets a file for each part of it.
    """
    wanted = _wanted(scores, proba, top_k, explain, threshold, reject_as)
    limit_one_thread()
    if cluster is None:
        rows, rejected = _here(model, data, output, known_format(format_), wanted)
    else:
        rows, rejected = _elsewhere(cluster, model, data, output, known_format(format_), wanted)
    if threshold is not None:
        of = counted(rows, "row")
        note(f"{rejected:,} of {of} rejected (probability below {threshold:g})")


def _here(
    model: str, data: str, output: str | None, format_: str, wanted: Wanted
) -> tuple[int, int]:
    """Write predictions that this process makes; return the rows, and how many were rejected."""
    from svmtrain.data.readers import expanded
    from svmtrain.operations.predict import Predictions, load_classifier
    from svmtrain.runs.kept_files import refuse_kept

    if output is not None:
        refuse_kept(output)
    found = Predictions(load_classifier(model), data, format_, wanted, source=model)
    _write(found.texts(), output, model, [] if output is None else expanded(data))
    return found.rows, found.rejected


def _elsewhere(
    cluster: str, model: str, data: str, output: str | None, format_: str, wanted: Wanted
) -> tuple[int, int]:
    """Write predictions that the workers of a cluster make; see `_here`."""
    from svmtrain.operations.elsewhere import predictions_at
    from svmtrain.runs.kept_files import refuse_kept

    folder = output is not None and (output.endswith("/") or os.path.isdir(output))
    if output is not None and not folder:
        refuse_kept(output)
    with predictions_at(cluster, model, data, format_, wanted, note) as found:
        if output is not None and folder:
            found.save(output)
        else:
            _write(found.texts(), output, model, [part.path for part in found.parts])
        return found.rows, found.rejected


def _write(texts: Iterable[str], output: str | None, model: str, data: Sequence[str]) -> None:
    """Write to stdout, or into a file that is neither the model nor the data."""
    if output is None:
        data_stream().writelines(texts)
        return
    from svmtrain.files import refuse_same_file, replaced_atomically
    from svmtrain.operations.evaluate import find_model

    refuse_same_file(output, [*data, find_model(model)])
    with replaced_atomically(output) as stream:
        stream.writelines(texts)


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

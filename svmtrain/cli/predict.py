"""`svmtrain predict`: label rows with a model."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, format_option, known_format, limit_one_thread
from svmtrain.cli.output import data_stream

EXAMPLES = """
svmtrain predict runs/digits new.csv
svmtrain predict runs/digits new.csv -o labels.txt
svmtrain predict runs/digits new.csv --scores -o scores.csv
cat new.csv | svmtrain predict runs/digits -
"""


@click.command("predict", cls=Command, examples=EXAMPLES, short_help="Label rows.")
@click.argument("model", type=any_path)
@click.argument("data", type=any_path)
@click.option("-o", "--output", type=any_path, help="File to write; stdout if not given.")
@click.option("--scores", is_flag=True, help="Write CSV: the label and the score of each class.")
@format_option
def command(model: str, data: str, output: str | None, scores: bool, format_: str) -> None:
    """Label the rows of DATA (- for standard input) with MODEL, one label a line.

    MODEL is a model, a checkpoint or a run directory. DATA may be a folder of images, or a quoted
    pattern such as 'part-*.csv', which means its files sorted by name. Labels in DATA are
    ignored. With --scores, the header names the classes in the model's order.
    """
    limit_one_thread()
    from svmtrain.operations.predict import load_classifier, predict_file

    classifier = load_classifier(model)
    chunks = predict_file(classifier, data, known_format(format_))
    classes = [str(label) for label in classifier.classes]

    def write(stream: TextIO) -> None:
        if not scores:
            for labels, _ in chunks:
                stream.writelines(f"{label}\n" for label in labels)
            return
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["label", *(f"score_{name}" for name in classes)])
        for labels, values in chunks:
            rows: Iterator[list[float]] = iter(values.tolist())
            writer.writerows([label, *row] for label, row in zip(labels, rows, strict=True))

    if output is None:
        write(data_stream())
        return
    from svmtrain.data.readers import expanded
    from svmtrain.files import refuse_same_file, replaced_atomically
    from svmtrain.operations.evaluate import find_model

    refuse_same_file(output, [*expanded(data), find_model(model)])
    with replaced_atomically(output) as stream:
        write(stream)

"""`svmtrain calibrate`: give a model probabilities, or others."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, format_option, known_format, limit_one_thread, note
from svmtrain.cli.output import counted, tell

EXAMPLES = """
svmtrain calibrate runs/digits --method isotonic -o calibrated.npz
svmtrain calibrate old.npz held-out.csv -o calibrated.npz
"""
ENOUGH_FOR_ISOTONIC = 1_000


@click.command(
    "calibrate", cls=Command, examples=EXAMPLES, short_help="Give a model probabilities."
)
@click.argument("model", type=any_path)
@click.argument("data", type=any_path, required=False)
@click.option("-o", "--output", type=any_path, required=True, help="The file of the new model.")
@click.option(
    "--method",
    type=click.Choice(["sigmoid", "isotonic"]),
    default="sigmoid",
    show_default=True,
    help="Which curve from margins to probabilities; isotonic wants 1,000 rows.",
)
@click.option("--labels", type=any_path, metavar="FILE", help="Labels of DATA, if kept apart.")
@format_option
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(
    model: str,
    data: str | None,
    output: str,
    method: str,
    labels: str | None,
    format_: str,
    force: bool,
) -> None:
    """Fit what turns the scores of MODEL into probabilities, and write it as a new model.

    Without DATA, MODEL is a run and its validation rows are taken. DATA are labelled rows with no
    part in the training. A training does this by itself where it has validation rows; see
    output.calibration in `svmtrain config schema`.
    """
    limit_one_thread()
    from svmtrain.operations.calibrate import (
        calibrate_file,
        calibrate_run,
        refuse_output,
        save_calibrated,
    )

    refuse_output(model, output, force=force)
    if data is None:
        found = calibrate_run(model, method)
    else:
        found = calibrate_file(model, data, method, known_format(format_), labels)
    if found.calibration is not None and method == "isotonic":
        few = found.calibration.rows
        if few < ENOUGH_FOR_ISOTONIC:
            note(
                f"{counted(few, 'row')} are few for --method isotonic, which then learns them by "
                f"heart: sigmoid is the safer one below {ENOUGH_FOR_ISOTONIC:,} rows"
            )
    tell(f"wrote {save_calibrated(found, model, output, force=force)}")
    tell(f"next  svmtrain predict {output} FILE --proba")

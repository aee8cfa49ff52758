"""The command line: the group, the table of its commands, and the one handler of errors.

To add a command, write a module with a `command` and enter it in `COMMANDS`. Modules of commands
import click and nothing heavier until they run.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from svmtrain import __version__, interrupts
from svmtrain.cli.groups import LazyGroup, OutputClosed
from svmtrain.cli.usage import usage
from svmtrain.errors import Interrupted, StorageError, SvmtrainError, printable

COMMANDS = {
    "fit": "svmtrain.cli.fit",
    "resume": "svmtrain.cli.resume",
    "cv": "svmtrain.cli.cv",
    "sweep": "svmtrain.cli.sweep",
    "learning-curve": "svmtrain.cli.learning_curve",
    "evaluate": "svmtrain.cli.evaluate",
    "predict": "svmtrain.cli.predict",
    "calibrate": "svmtrain.cli.calibrate",
    "report": "svmtrain.cli.report",
    "plot": "svmtrain.cli.plot",
    "export": "svmtrain.cli.export",
    "import": "svmtrain.cli.import_",
    "verify": "svmtrain.cli.verify",
    "gradcheck": "svmtrain.cli.gradcheck",
    "circuit": "svmtrain.cli.circuit",
    "doctor": "svmtrain.cli.doctor",
    "config": "svmtrain.cli.config",
    "runs": "svmtrain.cli.runs",
    "model": "svmtrain.cli.model",
    "data": "svmtrain.cli.data",
}

EXAMPLES = """
svmtrain fit configs/digits.yaml
svmtrain evaluate runs/digits --split test
svmtrain predict runs/digits new.csv -o labels.txt
"""


@click.group(
    cls=LazyGroup,
    commands_at=COMMANDS,
    synonyms={"train": "fit", "test": "evaluate", "score": "evaluate", "check": "doctor"},
    examples=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="svmtrain")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def group(debug: bool) -> None:
    """Train linear SVM classifiers, with the proof beside the model."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Every error ends here: one line on stderr, and the code of its kind.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with interrupts.watching():
            code = group.main(words, prog_name="svmtrain", standalone_mode=False)
            if sys.stdout is not None:
                sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BaseException as error:
        if "--debug" in words[:1] and not isinstance(error, SystemExit):
            _trace(traceback.format_exc())
        return _explain(error, words)


def _explain(error: BaseException, words: Sequence[str]) -> int:
    """Tell an error in one line and return its exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        if not words and error.ctx:
            return _show_help(error.ctx)
        command = error.ctx.command_path if error.ctx else "svmtrain"
        return _tell(f"error: missing command (see {command} --help)", 2)
    if isinstance(error, click.ClickException):
        return _tell(f"error: {usage(error, words)}", 2)
    if isinstance(error, Interrupted):
        return _tell(str(error), error.exit_code)
    if isinstance(error, SvmtrainError):
        return _tell(f"error: {error}", error.exit_code)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _tell("interrupted", 130)
    if isinstance(error, OutputClosed | BrokenPipeError):
        return _leave_stdout(141)
    if isinstance(error, OSError):
        _leave_stdout(7)
        problem = StorageError.from_os_error(error, "read or write", error.filename or "<output>")
        return _tell(f"error: {problem}", problem.exit_code)
    if isinstance(error, MemoryError):
        return _tell("error: there is not enough memory for this", 7)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    name = f"{type(error).__name__}: {error}"
    return _tell(f"internal error: {name} (svmtrain --debug ... shows the traceback)", 1)


def _show_help(context: click.Context) -> int:
    """Show the help on stderr, for a command line without a word."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{context.get_help()}\n")
        sys.stderr.flush()
    return 2


def _trace(text: str) -> None:
    """Show a traceback, whose texts may come from files."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.writelines(f"{printable(line)}\n" for line in text.splitlines())


def _tell(text: str, code: int) -> int:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"svmtrain: {printable(text)}\n")
        sys.stderr.flush()
    return code


def _leave_stdout(code: int) -> int:
    """Point stdout at nothing, so that closing it cannot fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code

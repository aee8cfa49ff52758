"""The figures of finished runs, as their run.json has them."""

from __future__ import annotations

from typing import Any

from svmtrain.errors import ModelError
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.history import gap_between

OF_THE_CHOSEN = (*("objective", "train_accuracy", "validation_accuracy", "validation_loss"),)
OF_THE_TEST = ("accuracy", "balanced_accuracy", "macro_f1", "rows")


def figures_of(run: RunDirectory) -> dict[str, Any]:
    """Return the figures of a finished run.

    Returns
    -------
    dict
        `lambda`, `epochs`, `seconds`, `reason`; those of the epoch whose weights became the model
        by the names in `OF_THE_CHOSEN`; `gap`, how far its objective is from the optimum at most;
        `train_rows`; and `test`, the figures in `OF_THE_TEST`, or None without test rows.

    Raises
    ------
    ModelError
        When run.json is damaged, or of a run that is not finished.
    """
    info = run.read_info()
    try:
        chosen, last, test = info["chosen"], info["last"], info.get("test")
        objective, bound = chosen["objective"], last["bound"]
        return {
            "lambda": info["lambda"],
            "epochs": info["epochs"],
            "seconds": last["seconds"],
            "reason": info["reason"],
            **{name: chosen[name] for name in OF_THE_CHOSEN},
            "gap": None if bound is None or bound < 0 else gap_between(objective, bound),
            "train_rows": info["shape"]["train"],
            "test": test and {name: test[name] for name in OF_THE_TEST},
        }
    except (ArithmeticError, LookupError, TypeError):
        raise ModelError("does not describe a finished run", path=run.info) from None

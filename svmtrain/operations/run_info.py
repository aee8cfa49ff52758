"""run.json: what a run is, and what became of it."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from types import TracebackType
from typing import Any

from svmtrain.errors import DivergedError, Interrupted, SvmtrainError
from svmtrain.operations.identity import host, source_digest
from svmtrain.operations.job import FitResult, Job
from svmtrain.operations.warm_start import where
from svmtrain.runs.journal import RunJournal


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


class RunInfo:
    """Writes run.json when a session begins, and again when it ends, however it ends.

    Parameters
    ----------
    job : Job
    journal : RunJournal
    """

    def __init__(self, job: Job, journal: RunJournal) -> None:
        self.job = job
        self.journal = journal
        self.result: FitResult | None = None
        built = job.built
        self.info: dict[str, Any] = {
            "run": job.identity["run"],
            "status": "running",
            "reason": None,
            "command": list(job.session.command),
            "host": host(),
            "started": now(),
            "ended": None,
            "environment": job.identity["environment"],
            "environments": [job.identity["environment"]],
            "code": source_digest(),
            "gradcheck": job.gradcheck,
            "data": [asdict(file) for file in job.splits.files],
            "shape": job.identity["shape"],
            "classes": list(built.classes),
            "lambda": built.problem.objective.lam,
            "batch_size": built.problem.batch_size,
            "lr": built.lr,
            "lr_tried": built.search and [list(pair) for pair in built.search.tried],
            "cluster": job.identity.get("cluster"),
            "warm_start": where(job.run, job.config.solver.warm_start),
        }

    def __enter__(self) -> RunInfo:
        self.job.run.write_info(self._keep_first())
        return self

    def _keep_first(self) -> dict[str, Any]:
        """Take over from an earlier session what this one does not know."""
        if self.job.run.info.exists():
            before = self.job.run.read_info()
            self.info["started"] = before.get("started", self.info["started"])
            self.info["resumed_by"] = self.info["command"]
            known = before.get("environments")
            for one in known if isinstance(known, list) else [before.get("environment")]:
                if one not in (None, *self.info["environments"]):
                    self.info["environments"].append(one)
            self.info["command"] = before.get("command", self.info["command"])
            for key in ("lr_tried", "gradcheck"):
                if self.info[key] is None:
                    self.info[key] = before.get(key)
        return self.info

    def finish(self, result: FitResult) -> None:
        """Take in the result of a run that came to its end."""
        self.result = result

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.info["ended"] = now()
        last = self.journal.last
        self.info["epochs"] = last.epoch if last else 0
        self.info["status"], self.info["reason"] = self._end(error)
        if last is not None:
            self.info["last"] = last.to_dict()
        if self.result is not None:
            self.info["chosen"] = self.result.chosen.to_dict()
            self.info["test"] = self.result.test and self.result.test.to_dict()
        try:
            self.job.run.write_info(self.info)
        except SvmtrainError:
            if error is None:
                raise

    def _end(self, error: BaseException | None) -> tuple[str, str]:
        if self.result is not None and error is None:
            return "finished", self.result.outcome.reason
        if isinstance(error, Interrupted):
            return "interrupted", error.problem
        if isinstance(error, DivergedError):
            return "diverged", error.problem
        return "failed", str(error) or type(error).__name__

"""Download a file: from the first mirror that has it, resumed where it broke off, and checked."""

from __future__ import annotations

import http.client
import re
import urllib.error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from svmtrain import interrupts
from svmtrain.errors import FetchError, printable
from svmtrain.fetch import wire
from svmtrain.fetch.part import Part, Source, opened
from svmtrain.fetch.wire import HINT, BrokenOff, Failure, Offline

BLOCK = 1 << 16
TIMEOUT = 30.0
TRIES = 3
PARTIAL, RANGE_REFUSED = 206, 416

#: Called with the name of a file, the bytes that have come, and their number in the end if known.
Progress = Callable[[str, int, "int | None"], None]

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True)
class Download:
    """A file to bring to `target`.

    Attributes
    ----------
    target : Path
        Replaced when the download is complete and found good, and not before.
    urls : sequence of str
        Tried in this order.
    size : int or None
        Bytes, if known.
    limit : int
        Bytes after which it is given up.
    problem_with : callable
        Returns what is wrong with a complete file, or None.
    progress : callable
    timeout : float
        Seconds without a byte after which a server has failed.
    """

    target: Path
    urls: Sequence[str]
    size: int | None
    limit: int
    problem_with: Callable[[Path], str | None]
    progress: Progress
    timeout: float = TIMEOUT

    def run(self) -> None:
        """Download the file.

        Raises
        ------
        FetchError
            When no URL gives a good file; what each of them said is in the message. A part that
            can be continued stays.
        StorageError, InUseError
            When the part cannot be written.
        Interrupted
            When a stop signal came; the part stays.
        """
        said, offline = [], False
        with opened(self.target) as part:
            if part.size and self.problem_with(part.path) is None:
                part.finish()
                return
            for url in self.urls:
                try:
                    self._from_one(url, part)
                    part.finish()
                    return
                except Failure as failure:
                    said.append(f"{printable(url)}: {failure}")
                    offline = offline or isinstance(failure, Offline)
            kept = f"; {part.path} keeps what came, to go on from" if part.size else ""
            part.remove_if_empty()
        hint = f"; {HINT}" if offline else ""
        reasons = "; ".join(said)
        raise FetchError(f"{self.target.name} could not be fetched from {reasons}{hint}{kept}")

    def _from_one(self, url: str, part: Part) -> None:
        """Fill the part from one URL, going on after an interruption, or raise `Failure`."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            resumed = bool(part.version_from(url))
            try:
                self._receive(url, part)
            except BrokenOff:
                if last:
                    raise
                continue
            part.sync()
            wrong = self.problem_with(part.path)
            if wrong is None:
                return
            part.discard()
            if not resumed or last:
                raise Failure(wrong)

    def _receive(self, url: str, part: Part) -> None:
        """Write what the server sends to the part."""
        response = self._answer(url, part)
        with response:
            expected = self._expected(response, part.size)
            self.progress(self.target.name, part.size, expected)
            while content := self._read(response, url):
                if part.size + len(content) > (self.limit if expected is None else expected):
                    part.discard()
                    raise Failure(f"it sends more than {expected or self.limit:,} bytes")
                part.append(content)
                self.progress(self.target.name, part.size, expected)
                interrupts.check()
        if expected is not None and part.size < expected:
            raise BrokenOff(f"it ended after {part.size:,} of {expected:,} bytes")

    def _answer(self, url: str, part: Part) -> http.client.HTTPResponse:
        """Return the response that goes on where the part ends, or one from the beginning.

        The part is emptied when the server sends the file from the beginning.
        """
        version = part.version_from(url)
        if version:
            headers = {"Range": f"bytes={part.size}-", "If-Range": version}
            response = self._open(url, headers)
            if response is not None:
                if _continues(response, part.size, version):
                    return response
                if response.status != PARTIAL:
                    return self._begin(response, url, part)
                response.close()
        fresh = self._open(url, {})
        if fresh is None:
            raise Failure("the server has no such range, though none was asked for")
        return self._begin(fresh, url, part)

    def _begin(
        self, response: http.client.HTTPResponse, url: str, part: Part
    ) -> http.client.HTTPResponse:
        """Give up what has come, now that the file comes from its beginning."""
        try:
            if response.status == PARTIAL:
                raise Failure("it sends a part of the file, though all of it was asked for")
            self._expected(response, 0)
            part.begin(Source(url, _version(response)))
        except BaseException:
            response.close()
            raise
        return response

    def _open(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse | None:
        """Return the response, or None when the server does not have the range asked for."""
        try:
            with interrupts.waiting():
                return wire.connect(url, headers, self.timeout)
        except wire.FAILURES as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                if error.code == RANGE_REFUSED:
                    return None
            raise wire.explain(error, url, self.timeout) from error

    def _read(self, response: http.client.HTTPResponse, url: str) -> bytes:
        try:
            with interrupts.waiting():
                return response.read1(BLOCK)
        except wire.FAILURES as error:
            raise BrokenOff(str(wire.explain(error, url, self.timeout))) from error

    def _expected(self, response: http.client.HTTPResponse, start: int) -> int | None:
        """Return the size that the file will have, if the catalogue or the server says."""
        length = response.length
        total = None if length is None else start + length
        if self.size is not None and total is not None and total != self.size:
            raise Failure(f"it has {total:,} bytes there, expected {self.size:,}")
        if total is not None and total > self.limit:
            raise Failure(f"it has {total:,} bytes there, more than {self.limit:,}")
        return self.size if total is None else total


def _version(response: http.client.HTTPResponse) -> str:
    """Return what tells this version of the file from others, or "" when nothing does."""
    tag = response.headers.get("ETag", "")
    strong = tag.startswith('"')
    return tag if strong else response.headers.get("Last-Modified", "")


def _continues(response: http.client.HTTPResponse, start: int, version: str) -> bool:
    """Return whether a response is the rest of the same version from `start` on."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    same = _version(response) in ("", version)
    return response.status == PARTIAL and found is not None and int(found[1]) == start and same

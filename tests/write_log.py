"""What a disk may hold after the power was lost: every state that the calls so far allow.

`Recorder` writes down the calls that change a folder. `states` then gives, for every moment, what
may be there: what was not synced may be missing, whole, or, of a file's content, half. A name is
safe once its folder was synced, content once its file was.
"""

import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path

from system_calls import REAL

SUBSETS_UP_TO = 6
CHOICES_UP_TO = 3
ADVISORY = ("steps.f64", ".lock")  # nothing depends on their content


@dataclass
class File:
    """A file: what of its content is safe, and what is there while the power lasts."""

    safe: bytes = b""
    content: bytes = b""

    def may_hold(self):
        """Return what may be left of the content."""
        if self.content == self.safe:
            return [self.safe]
        same = len(self.safe) if self.content.startswith(self.safe) else 0
        half = self.content[: (same + len(self.content)) // 2]
        return list(dict.fromkeys([self.safe, half, self.content]))


@dataclass
class Disk:
    """Folders with names; the changes of names that are not safe yet wait in their order.

    A change is a list of (path, file), with None for a name that goes away: those of one call
    come to disk together.
    """

    safe: dict = field(default_factory=dict)
    waiting: list = field(default_factory=list)

    def now(self):
        """Return the files by their paths while the power lasts."""
        return self._after(self.waiting)

    def _after(self, changes):
        names = dict(self.safe)
        for change in changes:
            for path, file in change:
                if file is None:
                    names.pop(path, None)
                else:
                    names[path] = file
        return names

    def sync_folder(self, folder):
        """Make the names in a folder safe."""
        mine = [c for c in self.waiting if any(os.path.dirname(path) == folder for path, _ in c)]
        self.safe = self._after(mine)
        self.waiting = [change for change in self.waiting if change not in mine]

    def states(self):
        """Yield what may be left: a dict of contents by path."""
        for changes in self._survivors():
            names = self._after(changes)
            choices = [file.may_hold() for file in names.values()]
            for contents in _together(choices):
                yield dict(zip(names, contents, strict=True))

    def _survivors(self):
        """Yield the waiting changes that may come to disk: all subsets, while those are few.

        Of many, those up to some moment, and those but one.
        """
        waiting = self.waiting
        if len(waiting) <= SUBSETS_UP_TO:
            for kept in itertools.product([False, True], repeat=len(waiting)):
                yield list(itertools.compress(waiting, kept))
            return
        for at in range(len(waiting) + 1):
            yield waiting[:at]
            yield waiting[:at] + waiting[at + 1 :]


def _together(choices):
    """Yield a content for each file: all combinations, while few files have a choice.

    Of many, the least and the most of each, and those with one file the other way.
    """
    open_ones = [at for at, choice in enumerate(choices) if len(choice) > 1]
    if len(open_ones) <= CHOICES_UP_TO:
        yield from itertools.product(*choices)
        return
    for end in (0, -1):
        same = [choice[end] for choice in choices]
        yield tuple(same)
        for at in open_ones:
            for other in choices[at]:
                yield (*same[:at], other, *same[at + 1 :])


class Recorder:
    """Stands before the calls of `system_calls.watched`; keeps a disk, and calls `moment` often.

    Parameters
    ----------
    root : Path
        Only what is below it counts.
    moment : callable
        Takes the disk, after every call that changed it.
    """

    def __init__(self, root, moment):
        self.root, self.moment = str(root), moment
        self.disk, self.open = Disk(), {}
        for path in Path(root).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                self.disk.safe[str(path)] = File(content, content)

    def __call__(self, name, args):
        result = getattr(self, f"_{name}", self._other)(name, args)
        self.moment(self.disk)
        return result

    def _change(self, *pairs):
        ours = all(path.startswith(self.root) for path, _ in pairs)
        if ours and os.path.basename(pairs[0][0]) not in ADVISORY:
            self.disk.waiting.append(list(pairs))

    def _open(self, name, args):
        path, descriptor = os.fspath(args[0]), REAL["open"](*args)
        file = self.disk.now().get(path)
        if file is None:
            file = File()
            self._change((path, file))
        if args[1] & os.O_TRUNC:
            file.content = b""
        self.open[descriptor] = file
        return descriptor

    def _write(self, name, args):
        result = REAL[name](*args)
        if args[0] in self.open:
            self.open[args[0]].content = self._real(args[0])
        return result or 0

    _pwrite = _ftruncate = _write

    @staticmethod
    def _real(descriptor):
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, size, 0)

    def _fsync(self, name, args):
        REAL[name](*args)
        path = os.readlink(f"/proc/self/fd/{args[0]}")
        if os.path.isdir(path):
            self.open.pop(args[0], None)
            self.disk.sync_folder(path)
        elif args[0] in self.open:
            self.open[args[0]].safe = self.open[args[0]].content
        return 0

    def _replace(self, name, args):
        source, target = map(os.fspath, args)
        REAL[name](source, target)
        self._change((target, self.disk.now()[source]), (source, None))
        return 0

    _rename = _replace

    def _unlink(self, name, args):
        REAL[name](*args)
        self._change((os.fspath(args[0]), None))
        return 0

    def _other(self, name, args):
        return None

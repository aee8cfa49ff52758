"""A process that does things twice, and tells what an audit hook saw at the second time.

`python audited.py WARM REAL` takes a JSON list of jobs from stdin: the words of a command line of
svmtrain, the paths it may write below, and Python code to run after it, which is to be caught. All
is done in the folder WARM, so that what is imported late is imported, and then in REAL with the
hook. The findings of each job are printed as JSON.
"""

import contextlib
import io
import json
import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink")
CHANGING += ("os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr")
RUNNING = ("exec", "import", "code.__new__", "function.__new__", "os.system", "os.startfile")
FAMILIES = ("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.", "socket.")
FAMILIES += ("ctypes.", "pickle.", "marshal.", "shutil.", "urllib.", "http.", "ftplib.", "smtplib.")


class Watch:
    """The audit hook, which is told when to look and which paths may be written below."""

    def __init__(self):
        self.on, self.may, self.found = False, [], []

    def __call__(self, event, args):
        if not self.on:
            return
        self.on = False  # what the hook does itself is not of interest
        try:
            if self.forbids(event, args):
                self.found.append(f"{event} {args!r}"[:200])
        finally:
            self.on = True

    def forbids(self, event, args):
        """Return whether something that happens may not."""
        if event in RUNNING or event.startswith(FAMILIES):
            return True
        if event == "compile":  # `ast.parse` makes no code; to run what it made is an `exec`
            return args[1] not in ("<unknown>", b"<unknown>")
        if event == "open":
            path, _, flags = args
            return bool(flags & WRITING) and not self.allows(path)
        if event in CHANGING:
            return not all(self.allows(path) for path in args if isinstance(path, str | bytes))
        return False

    def allows(self, path):
        """Return whether a path may be written."""
        if isinstance(path, int):
            return True
        real = os.path.realpath(os.fsdecode(path))
        return any(real == place or real.startswith(place + os.sep) for place in self.may)


def do(job, main):
    """Run a command line and the code behind it; return the exit code."""
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        code = main(job["words"])
    if job.get("code"):
        with contextlib.suppress(Exception):
            CODE[job["code"]]()
    return code


def _planted():
    """Return what must be caught, by name."""
    import pickle
    import socket
    import subprocess

    lines = compile("x = 1", "<planted>", "exec")
    return {
        "exec": lambda: exec(lines),
        "eval": lambda: eval("1 + 1"),
        "compile": lambda: compile("x = 1", "file.py", "exec"),
        "import": lambda: __import__("colorsys"),
        "subprocess": lambda: subprocess.run(["true"], check=True),
        "system": lambda: os.system("true"),
        "fork": lambda: os.fork() or os._exit(0),
        "socket": lambda: socket.socket().close(),
        "unpickling": lambda: pickle.loads(pickle.dumps(Watch)),
        "writing": lambda: open("outside.txt", "w").close(),
        "appending": lambda: open("train.csv", "a").close(),
        "writing through a descriptor": lambda: os.close(os.open("o", os.O_CREAT | os.O_WRONLY)),
        "renaming": lambda: os.rename("train.csv", "other.csv"),
        "deleting": lambda: os.remove("train.csv"),
        "linking": lambda: os.symlink("train.csv", "link"),
    }


CODE = _planted()


def run():
    """Do all jobs in both folders and print what was found."""
    from svmtrain.cli import main

    jobs = json.load(sys.stdin)
    watch, codes = Watch(), []
    os.chdir(sys.argv[1])
    for job in jobs:
        do({**job, "code": None}, main)
    os.chdir(sys.argv[2])
    sys.addaudithook(watch)
    for job in jobs:
        watch.may = [os.path.realpath(path) for path in job["may"]]
        watch.found = []
        watch.on = True
        code = do(job, main)
        watch.on = False
        codes.append([code, watch.found])
    print(json.dumps(codes))


if __name__ == "__main__":
    run()

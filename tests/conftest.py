"""What all tests share: steady examples, figures, a web server, commands as documents show them."""

import compileall
import re
import shlex
from pathlib import Path

import pytest
from extent import TORTURE
from hypothesis import settings
from local_server import serving
from readme_blocks import prepare, run

import svmtrain
from svmtrain import threads
from svmtrain.cli import main

SHELL = set("|&;<>$*`")
LONGEST = "test_every_command_of_the_readme"

settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


def pytest_configure(config):
    """Compile the package once, before there are workers.

    The many commands that tests start then find it compiled; and one that may write only so many
    bytes leaves no half of a compiled module behind.
    """
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(svmtrain.__file__).parent, quiet=2)


def pytest_collection_modifyitems(items):
    """Begin with the longest test, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: LONGEST not in item.nodeid)


@pytest.fixture
def figures(record_property):
    """Return a function that takes the name of a figure and the number that a test reached."""

    def take(name, value):
        record_property("figure", [name, value])

    return take


def pytest_terminal_summary(terminalreporter):
    """End a run under torture with the figures that its tests reached."""
    if not TORTURE:
        return
    terminalreporter.section("figures")
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            where = report.nodeid.partition("::")[0].rpartition("/")[2]
            for name, value in (v for key, v in report.user_properties if key == "figure"):
                mark = "" if outcome == "passed" else "  FAILED"
                terminalreporter.write_line(f"{where:28} {name:58} {value}{mark}")


@pytest.fixture(scope="session")
def running_server():
    """Run one web server on this machine for all tests."""
    with serving() as server:
        yield server


@pytest.fixture
def server(running_server, no_proxy):
    """Return the web server, without pages or memories."""
    running_server.pages.clear()
    running_server.requests.clear()
    return running_server


@pytest.fixture
def no_proxy(monkeypatch):
    """Keep the proxies of whoever runs the tests out of them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in a copy of the data and returns what it prints.

    svmtrain alone, or at the head of a pipe, runs in this process, which saves its start; under
    torture all of them run in a shell, as a reader's do.
    """
    prepare(tmp_path)
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def result(command):
        first, pipe, rest = command.partition(" | ")
        bare = re.sub(r'"[^"]*"', "", first)
        if TORTURE or not first.startswith("svmtrain ") or SHELL & set(bare):
            return run(command, tmp_path)
        capsys.readouterr()
        code = main(shlex.split(first)[1:])
        out, err = capsys.readouterr()
        if pipe:
            Path(".printed").write_text(out)
            return run(f"cat .printed | {rest}", tmp_path)
        return out + (err if code else "")

    return result

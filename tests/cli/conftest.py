"""What the tests of the commands share: a folder to work in, and calling a command line."""

import re

import pytest
from small_runs import write_config
from tone import faults_of

from svmtrain import threads
from svmtrain.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with a config `c.yaml` and its data."""
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    return tmp_path


@pytest.fixture
def call(here, capsys):
    """Run a command line; return (code, stdout, stderr)."""

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def told(here, call):
    """Run a command line that fails; return the problem, without what stands before it."""

    def run(code, *words):
        found, out, err = call(*words)
        assert (found, out) == (code, ""), err
        line = re.fullmatch(r"svmtrain: error: ([^\n]+)\n", err)
        assert line, err
        assert faults_of(err) == []
        return line[1]

    return run

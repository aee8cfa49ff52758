"""What the tests of the commands share: a folder to work in, and calling a command line."""

import pytest
from small_runs import write_config

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

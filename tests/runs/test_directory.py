"""Run directories: what may be begun where."""

import os

import pytest

from svmtrain.errors import ConfigError
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.path import PathDirectory


@pytest.mark.parametrize(("kind", "begun"), [(RunDirectory, "config"), (PathDirectory, "info")])
def test_what_another_process_begins_meanwhile_is_not_taken_for_other_files(
    tmp_path, monkeypatch, kind, begun
):
    """It lies there between two looks at the folder; then the lock decides, and says so."""
    mine, listdir = kind(tmp_path / "c"), os.listdir
    mine.create()

    def begin_and_list(folder):
        getattr(mine, begun).write_text("")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", begin_and_list)
    mine.create()
    assert mine.exists()


@pytest.mark.parametrize("kind", [RunDirectory, PathDirectory])
def test_a_folder_with_other_files_is_refused(tmp_path, kind):
    """Nothing is begun among the files of others."""
    (tmp_path / "letter.txt").write_text("")
    with pytest.raises(ConfigError, match="is a folder with other files"):
        kind(tmp_path).create()

"""The catalogue of bad YAML: each ends in one line that names the place and the problem."""

import os

import pytest
from bad_yaml import CASES, GOOD

from svmtrain.config import load_config
from svmtrain.errors import ConfigError, SvmtrainError


def one_line(caught, path):
    """Return the message after the path, which must be one printable line of bounded length."""
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(path))
    assert len(message) - len(str(path)) < 400
    return message[len(str(path)) :]


@pytest.mark.parametrize(("content", "place", "telling"), CASES.values(), ids=CASES.keys())
def test_bad_yaml_is_refused_in_one_line(tmp_path, content, place, telling):
    """The line and column are right, the problem is named, and the file stays as it was."""
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = one_line(caught, path)
    assert message.startswith(f"{place}: ")
    assert telling in message
    assert caught.value.exit_code == 2
    assert path.read_bytes() == content


def test_09_a_number_with_an_exponent_and_no_dot_is_accepted(tmp_path):
    """`1e-3` is 0.001, where YAML 1.1 would make it a text."""
    path = tmp_path / "c.yaml"
    path.write_bytes(GOOD + b"objective:\n  delta: 1e-3\n")
    assert load_config(path).objective.delta == 0.001


def test_25_a_folder_is_refused(tmp_path):
    """A folder is named as one."""
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert "it is a folder" in one_line(caught, tmp_path)


def test_25_a_fifo_is_refused_without_waiting(tmp_path):
    """Nobody writes into the FIFO, and still the call returns."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "not a regular file" in one_line(caught, path)


def test_25_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    """The system's reason is passed on."""
    path = tmp_path / "c.yaml"
    path.write_bytes(GOOD)

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        with pytest.raises(SvmtrainError) as caught:
            load_config(path)
    assert "Permission denied" in one_line(caught, path)


def test_25_a_missing_file_is_refused(tmp_path):
    """The path that was looked for is named."""
    path = tmp_path / "none.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert one_line(caught, path) == ": no such file"

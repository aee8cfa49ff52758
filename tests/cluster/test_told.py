"""What is told of a cluster that is not fit, or not there: one sentence, before anything begins."""

import threading

import pytest

from svmtrain.cluster import asking, connection
from svmtrain.cluster.connection import connected
from svmtrain.config import parse_config
from svmtrain.config.cluster import Cluster
from svmtrain.errors import ConfigError, StorageError

pytest.importorskip("distributed")


@pytest.mark.parametrize("place", ["svmtrain.nothing:x", "svmtrain:__name__"])
def test_a_worker_that_differs_is_refused_by_its_name(address, said, monkeypatch, place):
    """Of another version, or with something missing: the exit code is that of a config."""
    monkeypatch.setattr(asking, "ALIKE", (("svmtrain", place),))
    here = "0.0.9"
    monkeypatch.setattr(asking, "_here", lambda _: here)
    with pytest.raises(ConfigError) as raised, connected(Cluster(at=address), said.append):
        pass
    assert str(raised.value).startswith("the worker tcp://")
    assert said == []
    if place == "svmtrain:__name__":
        wanted = "has svmtrain svmtrain, and this side 0.0.9: make them the same"
        assert str(raised.value).endswith(wanted)


def test_a_worker_without_svmtrain_is_told():
    """By the error with which Python does not find it."""
    missing = ModuleNotFoundError("No module named 'svmtrain'", name="svmtrain")
    assert asking._misfit([missing] * 3).startswith("has no svmtrain ")


@pytest.mark.parametrize("text", ["{}", "nothing", "[]"])
def test_a_file_that_no_scheduler_wrote_is_refused(tmp_path, monkeypatch, text):
    """It is read again for a moment, since a scheduler may be writing it."""
    monkeypatch.setattr(connection, "WRITTEN", 0.0)
    path = tmp_path / "bad.json"
    path.write_text(text)
    with (
        pytest.raises(ConfigError, match=r"not the file of a scheduler \(it has no address\)"),
        connected(Cluster(at=str(path)), print),
    ):
        pass


def test_waiting_for_a_scheduler_is_told_once(monkeypatch, said):
    """And why there is none, in the error."""
    monkeypatch.setattr(connection, "SILENCE", 0.1)
    at = "tcp://127.0.0.1:9"
    with (
        pytest.raises(StorageError, match=r"(Connection refused|Timed out trying to connect)"),
        connected(Cluster(at=at, wait=1.0), said.append),
    ):
        pass
    assert said == [f"cluster: waiting for the scheduler at {at} (1 s, cluster.wait)"]
    assert not [one for one in threading.enumerate() if isinstance(one, threading.Timer)]


@pytest.mark.parametrize("at", ["http://host:8786", "tcp://host", "tcp://host:8786/x"])
def test_an_address_has_a_known_protocol_and_a_port(at):
    """Else the config is wrong."""
    with pytest.raises(ConfigError, match="protocols are tcp, tls, ws, wss, ucx, with a port"):
        parse_config("data: {train: none}", flags={"cluster.at": at})

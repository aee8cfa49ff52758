"""Encrypted clusters: who has the certificates is let in, and everybody else is told why not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from real_clusters import CONFIGS, Processes, digest_of, in_process
from real_runs import begin, ended
from small_runs import write_config

from svmtrain.cluster.connection import connected, security_of
from svmtrain.config.cluster import Cluster
from svmtrain.errors import ConfigError, StorageError
from svmtrain.runs.directory import RunDirectory

pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")
if shutil.which("openssl") is None:
    pytest.skip("certificates are made by openssl, which is not there", allow_module_level=True)
FILES = {"tls_ca_file": "ca.pem", "tls_cert": "cert.pem", "tls_key": "key.pem"}


def made(folder):
    """Make certificates by the script that the documentation hands out; return their folder."""
    subprocess.run(["sh", CONFIGS / "tls.sh", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return a folder with certificates."""
    return made(tmp_path_factory.mktemp("own") / "certificates")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, own):
    """Return the processes of an encrypted cluster of one worker."""
    words = [w for k, file in FILES.items() for w in (f"--{k.replace('_', '-')}", own / file)]
    with Processes(tmp_path_factory.mktemp("cluster")) as processes:
        _, at = processes.scheduler("--protocol", "tls", *words)
        processes.worker(at, "--protocol", "tls", *words)
        yield processes


def paths(folder):
    """Return the three keys of a config for the certificates in a folder."""
    return {key: str(folder / name) for key, name in FILES.items()}


def test_a_run_on_an_encrypted_cluster_ends_in_the_model_of_any_other(tmp_path, cluster, own):
    """By the real commands: a scheduler, a worker, and svmtrain with the three settings."""
    config = write_config(tmp_path, "epochs: 2")
    at = cluster.address()
    assert at.startswith("tls://")
    flags = [w for k, path in paths(own).items() for w in ("--set", f"cluster.{k}={path}")]
    done = ended(begin(tmp_path, "fit", "c.yaml", "-q", "--cluster", at, *flags))
    assert done.returncode == 0, done.stderr
    wanted = in_process(config, "wanted", 1)
    assert digest_of(RunDirectory(tmp_path / "runs" / "c")) == digest_of(wanted)


def refusal(at, **tls):
    """Return the error that a connection is refused with, which says nothing to the user first."""
    said = []
    with (
        pytest.raises((ConfigError, StorageError)) as raised,
        connected(Cluster(at=at, wait=2.0, **tls), said.append),
    ):
        pass
    assert said == []
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("through", ["its address", "its file"])
def test_an_encrypted_cluster_is_not_reached_without_certificates(cluster, through):
    """The sentence names the settings; the exit code is that of a config."""
    at = cluster.address() if through == "its address" else str(cluster.folder / "scheduler.json")
    error = refusal(at)
    assert str(error).endswith(
        "this cluster is encrypted, and cluster.tls_ca_file, cluster.tls_cert and cluster.tls_key "
        "are not set"
    )
    assert error.exit_code == 2


def test_certificates_of_another_authority_are_not_let_in(cluster, tmp_path):
    """They are sound, and are not those of this cluster."""
    error = refusal(cluster.address(), **paths(made(tmp_path / "other")))
    assert "cannot reach the scheduler of the cluster: TLS certificate does not match" in str(error)
    assert error.exit_code == 7


def test_an_address_without_encryption_is_refused_when_certificates_are_given(cluster, own):
    """Whoever sets them never talks in the clear."""
    at = cluster.address().replace("tls://", "tcp://")
    error = refusal(at, **paths(own))
    assert f"{at} is not encrypted, and cluster.tls_ca_file is set" in str(error)
    assert error.exit_code == 2


def test_certificates_of_no_use_are_told_of_before_anything_is_begun(own, tmp_path):
    """One that is missing, that is none, or that is of another key."""
    good, empty = paths(own), tmp_path / "empty.pem"
    empty.write_text("no certificate")
    other = str(made(tmp_path / "other") / "key.pem")
    for changed, problem in (
        ({"tls_key": None}, "cluster.tls_key is not set, and tls_ca_file and tls_cert are"),
        ({"tls_cert": "gone.pem"}, "cluster.tls_cert names no file: gone.pem"),
        ({"tls_cert": str(empty)}, "are no authority, certificate and key of it (PEM): "),
        ({"tls_ca_file": str(empty)}, "are no authority, certificate and key of it (PEM): "),
        ({"tls_key": other}, "are no authority, certificate and key of it (PEM): "),
    ):
        with pytest.raises(ConfigError) as raised:
            security_of(Cluster(at="local:2", **good | changed))
        assert problem in str(raised.value)


@pytest.fixture(scope="module")
def local(own):
    """Return a client of a cluster of this process's own, with certificates."""
    with connected(Cluster(at="local:2", **paths(own)), lambda line: None) as calls:
        yield calls.client


def test_a_local_cluster_with_certificates_is_encrypted_throughout(local):
    """Scheduler and workers listen for nothing else."""
    workers = local.scheduler_info(n_workers=-1)["workers"]
    kinds = local.run(lambda dask_worker: [one.prefix for one in dask_worker.listeners])
    addresses = [local.scheduler.address, *workers]
    assert [one.partition("://")[0] for one in addresses] == ["tls"] * 3
    assert list(kinds.values()) == [["tls://"]] * 2


def test_a_local_cluster_listens_to_this_machine_alone(local):
    """The dashboard too, which asks for no password."""
    processes = (os.getpid(), *local.run(os.getpid).values())
    sockets = [one for process in processes for one in listening(process)]
    assert len(sockets) >= 4  # of the scheduler, its dashboard, and two workers
    assert {one.laddr.ip for one in sockets} == {"127.0.0.1"}


def listening(process):
    """Return the sockets at which a process, by its number, listens to a network."""
    found = psutil.Process(process)
    newer = hasattr(found, "net_connections")  # its name since psutil 6
    sockets = found.net_connections("inet") if newer else found.connections("inet")
    return [one for one in sockets if one.status == "LISTEN"]


def test_the_script_overwrites_no_authority(own):
    """A second call is refused, and changes nothing."""
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    done = subprocess.run(["sh", CONFIGS / "tls.sh", own], capture_output=True, check=False)
    assert done.returncode == 1
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before
    for name in ("ca.key", "key.pem"):
        assert Path(own / name).stat().st_mode & 0o077 == 0

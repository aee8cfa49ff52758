"""The files of configs/cluster can be read, and those for SSH and Kubernetes hold together."""

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from extent import extent
from fake_slurm import installed
from real_clusters import CONFIGS
from real_runs import LIMIT, ended

from svmtrain.cluster.connection import connected
from svmtrain.config.cluster import Cluster
from svmtrain.config.keys import KEYS
from svmtrain.errors import StorageError

pytest.importorskip("distributed")
ALL = sorted(path.name for path in CONFIGS.iterdir())
OF_ONE_THREAD = {f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL")}


@pytest.mark.parametrize("name", ALL)
def test_every_file_can_be_read_by_its_program(name):
    """Shell, Python and YAML; each says at its head how it is used."""
    text = (CONFIGS / name).read_text(encoding="utf-8")
    if name.endswith(".py"):
        compile(text, name, "exec")
    elif name.endswith(".yaml"):
        assert all(yaml.safe_load_all(text))
    else:
        shell = "bash" if text.startswith("#!/bin/bash\n") else "sh"
        subprocess.run([shell, "-n", CONFIGS / name], check=True)
    assert name in text[:500]


def test_no_worker_has_more_than_one_thread():
    """Neither of Dask nor of linear algebra."""
    for name in ("slurm.sbatch", "slurm_cluster.py", "ssh.sh", "kubernetes.yaml"):
        text = (CONFIGS / name).read_text(encoding="utf-8")
        assert "--nthreads 1" in text or '--nthreads, "1"' in text or "cores=1" in text
        assert all(one in text for one in OF_ONE_THREAD), name


def test_the_parts_of_the_description_for_kubernetes_find_each_other():
    """The job reaches the service that the operator makes, and mounts what the workers do."""
    text = (CONFIGS / "kubernetes.yaml").read_text(encoding="utf-8")
    cluster, job, policy = yaml.safe_load_all(text)
    name, spec, pod = cluster["metadata"]["name"], cluster["spec"], job["spec"]["template"]["spec"]
    (scheduler,) = spec["scheduler"]["spec"]["containers"]
    (worker,), (trainer,) = spec["worker"]["spec"]["containers"], pod["containers"]
    ports = {port["name"]: port["port"] for port in spec["scheduler"]["service"]["ports"]}
    assert len({one["image"] for one in (scheduler, worker, trainer)}) == 1
    words = trainer["args"]
    assert words[:2] == ["svmtrain", "fit"]
    assert words[words.index("--cluster") + 1] == f"tcp://{name}-scheduler:{ports['tcp-comm']}"
    settings = dict(words[k + 1].split("=") for k, one in enumerate(words) if one == "--set")
    assert set(settings) <= set(KEYS)
    assert int(settings["cluster.shards"]) == spec["worker"]["replicas"]
    assert worker["volumeMounts"] == trainer["volumeMounts"]
    assert spec["worker"]["spec"]["volumes"] == pod["volumes"]
    mine = {"dask.org/cluster-name": name}
    assert policy["spec"]["podSelector"]["matchLabels"] == mine
    let_in = [one["podSelector"]["matchLabels"] for one in policy["spec"]["ingress"][0]["from"]]
    assert mine in let_in
    assert job["spec"]["template"]["metadata"]["labels"] in let_in


@pytest.fixture
def hosts(tmp_path):
    """Return an environment where ssh runs its command on this machine, and notes the host."""
    variables = installed(tmp_path / "commands")
    ssh = tmp_path / "commands" / "bin" / "ssh"
    ssh.write_text(
        f'#!/bin/sh\n[ "$1" = -n ] || exit 9\necho "$2" >>{tmp_path}/hosts\nsh -c "$3"\n'
    )
    ssh.chmod(0o755)
    return {**variables, "PYTHON": sys.executable, "WORKERS": "1", "LISTEN": "tcp://127.0.0.1"}


def test_the_script_for_ssh_begins_workers_on_every_host_and_ends_them(tmp_path, hosts):
    """With ssh stood in for; Ctrl-C ends scheduler and workers."""
    names = ["one", "two"][: extent(1, 2)]
    script = subprocess.Popen(
        ["sh", CONFIGS / "ssh.sh", *names],
        cwd=tmp_path,
        env=hosts,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        file = str(tmp_path / "scheduler.json")
        with connected(Cluster(at=file, wait=30.0), lambda line: None) as calls:
            client = calls.client
            client.wait_for_workers(len(names), timeout=LIMIT)
            assert list(client.nthreads().values()) == [1] * len(names)
            told = client.run(lambda: {one: os.environ.get(one) for one in OF_ONE_THREAD})
        assert list(told.values()) == [dict.fromkeys(OF_ONE_THREAD, "1")] * len(names)
        assert sorted((tmp_path / "hosts").read_text().split()) == names
        script.send_signal(signal.SIGINT)
        done = ended(script)  # the pipe is closed when the last process has ended
        assert done.returncode == 130, done.stdout
        assert not os.path.exists(file)
    finally:
        end(script)
    with pytest.raises(StorageError, match="no scheduler has written this file"):
        connected(Cluster(at=file, wait=0.0), lambda line: None).__enter__()


def end(script):
    """End all processes of a script, if any are left."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.killpg(script.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.05)

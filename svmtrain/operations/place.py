"""Where the rows of a command are: in this process, or on the workers of a cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from svmtrain.build import FILES_HERE
from svmtrain.config import Config, load_config
from svmtrain.files import sha256_bytes
from svmtrain.operations.identity import host
from svmtrain.operations.job import Session

OF_THE_PLACE = (
    *("cluster.at", "cluster.wait", "cluster.tls_ca_file", "cluster.tls_cert", "cluster.tls_key"),
)
"""Settings that change no step: where a cluster is, and how it is reached."""


def of_as_many_shards(config: Config, before: str | Path) -> Config:
    """Return a config with the shards of an earlier one, in a file, where it leaves them open."""
    cluster = config.cluster
    if cluster.at is None or not isinstance(cluster.shards, str) or not Path(before).exists():
        return config
    return replace(config, cluster=replace(cluster, shards=load_config(before).cluster.shards))


def owner_of(config: Config) -> str:
    """Return what names the run of a config among those of all machines."""
    place = os.path.abspath(os.path.join(config.output.dir, str(config.output.name)))
    return sha256_bytes(f"{host()}:{place}".encode())


@contextlib.contextmanager
def at_place(config: Config, session: Session) -> Iterator[tuple[Config, Session]]:
    """Yield a config and a session that are settled on where the rows are.

    The cluster that a config names is connected to for as long as the block lasts, and the number
    of shards settled by its workers.

    Raises
    ------
    ConfigError, StorageError
        When Dask is not installed, or the cluster cannot be reached.
    """
    if config.cluster.at is None or session.files is not FILES_HERE:
        yield config, session
        return
    from svmtrain.cluster.dask_engine import dask_engine
    from svmtrain.cluster.files import ClusterFiles, refuse_unfit

    refuse_unfit(config)
    with dask_engine(config.cluster, session.note, owner_of(config)) as engine:
        asked = config.cluster.shards
        shards = len(engine.workers()) if isinstance(asked, str) else asked
        files = ClusterFiles(engine, shards, session.note)
        cluster = replace(config.cluster, shards=shards)
        yield replace(config, cluster=cluster), replace(session, files=files)

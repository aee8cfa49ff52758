"""The section about the workers of a cluster, and what stands for one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from svmtrain.config.about import about
from svmtrain.config.kinds import Choice, Either, Integer, Number, Optional
from svmtrain.config.nodes import Node
from svmtrain.config.texts import FilePath, is_address, is_url

MODES = ("auto", "sync", "local", "dual")
SCHEDULER_FILE = ".json"
PROTOCOLS = ("tcp", "tls", "ws", "wss", "ucx")
SCHEDULER = re.compile(rf"(?:{'|'.join(PROTOCOLS)})://[^/]+:[0-9]{{1,5}}", re.ASCII)
"""The address of a scheduler."""
MOST_SHARDS = 100_000

_AUTO = Choice(("auto",))


@dataclass(frozen=True)
class Address(FilePath):
    """Where a cluster is: `local:N`, a scheduler's address, or the path of its file."""

    def parse(self, node: Node, key: str) -> str:
        """Return the address; a path as `FilePath` does."""
        text = super(FilePath, self).parse(node, key)
        if is_url(text) and not SCHEDULER.fullmatch(text):
            raise self.wrong(node, key, f"protocols are {', '.join(PROTOCOLS)}, with a port")
        if is_address(text):
            return text
        if not text.endswith(SCHEDULER_FILE):
            raise self.wrong(node, key)
        return super().parse(node, key)

    def describe(self) -> str:
        """Return the forms of an address."""
        return "local:N, an address such as tcp://host:8786, or a path that ends in .json"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """On which workers of Dask the rows are, and how they train; without `at`, on none."""

    at: str | None = field(
        default=None,
        metadata=about(
            Optional(Address()),
            "local:N for N processes on this machine, the address of a scheduler, or its "
            "scheduler.json; null is no cluster",
        ),
    )
    mode: str = field(
        default="auto",
        metadata=about(
            Choice(MODES),
            "what workers exchange: the sums of every step, weights after steps of their own, or "
            "dual updates; auto is dual for solver.name dual, else sync",
        ),
    )
    shards: int | str = field(
        default="auto",
        metadata=about(
            Either(Integer(minimum=1, maximum=MOST_SHARDS), _AUTO),
            "parts that the rows are cut into; auto is one a worker when the run begins",
        ),
    )
    interval: int = field(
        default=32,
        metadata=about(
            Integer(minimum=1, maximum=1_000_000),
            "steps that a shard makes for mode local before the weights are averaged",
        ),
    )
    wait: float = field(
        default=60.0,
        metadata=about(
            Number(minimum=0), "seconds to wait for the first worker, or for one when all are lost"
        ),
    )
    tls_ca_file: str | None = field(
        default=None,
        metadata=about(
            Optional(FilePath()), "certificates to trust, for an encrypted cluster (PEM)"
        ),
    )
    tls_cert: str | None = field(
        default=None, metadata=about(Optional(FilePath()), "certificate of this side (PEM)")
    )
    tls_key: str | None = field(
        default=None, metadata=about(Optional(FilePath()), "private key of the certificate (PEM)")
    )

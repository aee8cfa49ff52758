"""A cluster of Dask for as long as a command takes: found or begun, and left again."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from svmtrain import interrupts
from svmtrain.config.cluster import Cluster
from svmtrain.config.texts import LOCAL, is_url
from svmtrain.data.cache import Say
from svmtrain.errors import ConfigError, StorageError

NEEDS = (
    "a cluster needs svmtrain[cluster], which is not installed (pip install 'svmtrain[cluster]')"
)
UNLOCKED = (
    "this cluster is encrypted, and cluster.tls_ca_file, cluster.tls_cert and cluster.tls_key are "
    "not set"
)
UNREACHED = (OSError, ValueError, TypeError, RuntimeError, AssertionError)
"""What Dask raises when there is nobody, or for settings of its own that it cannot do."""
PAUSE = 0.2


@contextlib.contextmanager
def connected(config: Cluster, say: Say) -> Iterator[Any]:
    """Yield a client of Dask that is connected to the cluster of a config, with a worker at least.

    Parameters
    ----------
    config : Cluster
        `at` is set.
    say : callable
        Takes a sentence for the user.

    Raises
    ------
    ConfigError
        When Dask is not installed, or certificates are missing, unfit, or of no use.
    StorageError
        When there is no scheduler, or no worker within `wait` seconds.
    """
    try:
        import distributed
    except ImportError:
        raise ConfigError(NEEDS) from None
    security, at = security_of(config), str(config.at)
    with contextlib.ExitStack() as stack:
        _quiet()
        address: Any = at
        if match := LOCAL.fullmatch(at):
            address = stack.enter_context(_begun(int(match[1]), security))
        elif not is_url(at):
            _require_file(at, config.wait)
        client = _client(distributed, address, at, security, config.wait)
        stack.callback(_left, client)
        _wait_for_worker(client, at, config.wait)
        workers = len(client.nthreads())
        link = client.dashboard_link
        say(f"cluster: {workers} worker{'s' * (workers > 1)} at {client.scheduler.address}")
        say(f"cluster: dashboard {link}")
        yield client


def security_of(config: Cluster) -> Any:
    """Return the certificates of a config as Dask takes them; None without any.

    Raises
    ------
    ConfigError
        When one is missing, or they do not fit each other or the address.
    """
    paths = {name: getattr(config, name) for name in ("tls_ca_file", "tls_cert", "tls_key")}
    given = {name: path for name, path in paths.items() if path is not None}
    at = str(config.at)
    if not given:
        if at.startswith("tls://"):
            raise ConfigError(f"{at}: {UNLOCKED}")
        return None
    if at.startswith("tcp://"):
        raise ConfigError(
            f"{at} is not encrypted, and cluster.{next(iter(given))} is set (tls://?)"
        )
    for name in paths:
        if name not in given:
            are = "is" if len(given) == 1 else "are"
            raise ConfigError(f"cluster.{name} is not set, and {' and '.join(given)} {are}")
        if not os.path.isfile(given[name]):
            raise ConfigError(f"cluster.{name} names no file: {given[name]}")
    from distributed import Security

    roles = ("client", "scheduler", "worker")
    pairs = {f"tls_{role}_cert": given["tls_cert"] for role in roles}
    pairs |= {f"tls_{role}_key": given["tls_key"] for role in roles}
    security = Security(tls_ca_file=given["tls_ca_file"], require_encryption=True, **pairs)
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        problem = "cluster.tls_ca_file, tls_cert and tls_key are no authority, certificate and key"
        raise ConfigError(f"{problem} of it (PEM): {_in_short(error)}") from None
    return security


def _in_short(error: BaseException) -> str:
    """Return what an error says, on one line that is not too long."""
    return " ".join(str(error).split())[:200]


@contextlib.contextmanager
def _begun(workers: int, security: Any) -> Iterator[Any]:
    """Yield a cluster of processes on this machine; stop signals are for this process alone."""
    from multiprocessing import resource_tracker

    from distributed import LocalCluster

    resource_tracker.ensure_running()  # it lets signals through when it starts, so it does before
    stops = set(interrupts.STOP_SIGNALS) - {signal.SIGTERM}
    at = f"local:{workers}"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # else it listens to all the world
            silence_logs=logging.CRITICAL,
            security=security,
            protocol="tcp://" if security is None else "tls://",
        )
    except UNREACHED as error:
        raise StorageError(f"cannot begin workers: {_in_short(error)}", path=at) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield cluster
    finally:
        cluster.close()


def _quiet() -> None:
    """Leave what is to be told to this side: Dask's own log stays out of the terminal."""
    for name in ("asyncio", "bokeh", "distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _require_file(path: str, wait: float) -> None:
    """Wait until the file of a scheduler is there."""
    until = time.monotonic() + wait
    while not os.path.isfile(path):
        interrupts.check()
        if time.monotonic() >= until:
            raise StorageError("no scheduler has written this file", path=path)
        time.sleep(PAUSE)


def _client(distributed: Any, address: Any, at: str, security: Any, wait: float) -> Any:
    """Return a client that is connected."""
    where = {"scheduler_file": at} if address is at and not is_url(at) else {"address": address}
    with interrupts.waiting():
        try:
            return distributed.Client(**where, security=security, timeout=max(wait, 1.0))
        except UNREACHED as error:
            why = _in_short(error)
    # A client that failed closes itself when it is collected, and must not be in a thread of Dask.
    gc.collect()
    if security is None and "ssl_context" in why:
        raise ConfigError(f"{at}: {UNLOCKED}")
    raise StorageError(f"cannot reach the scheduler of the cluster: {why}", path=at)


def _wait_for_worker(client: Any, at: str, wait: float) -> None:
    until = time.monotonic() + wait
    while not client.nthreads():
        interrupts.check()
        if time.monotonic() >= until:
            raise StorageError(f"the cluster has no worker after {wait:g} seconds", path=at)
        time.sleep(PAUSE)


def _left(client: Any) -> None:
    """Leave a cluster, be it there still or not."""
    with contextlib.suppress(Exception):  # whatever it is, nothing here depends on it
        client.close(timeout=5)

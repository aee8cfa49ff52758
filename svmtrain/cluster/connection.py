"""A cluster of Dask for as long as a command takes: found or begun, and left again."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from svmtrain import interrupts
from svmtrain.cluster.calls import Calls
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
UNREACHED = (OSError, ValueError, TypeError, RuntimeError, AssertionError, MemoryError)
"""What Dask raises when there is nobody or somebody else, or for settings that it cannot do."""
NEVER_GIVEN_UP = {"distributed.deploy.lost-worker-timeout": "365 days"}
"""A cluster on this machine looks, so long after a worker was lost, whether it is back; one that is
just being begun again at that moment, for a later loss, would be ended for good."""
PAUSE = 0.2
SILENCE = 1.5
"""Seconds of waiting for a scheduler after which it is told."""
WRITTEN = 2.0
"""Seconds after which a file that is not whole is taken for one that a scheduler does not write."""


@contextlib.contextmanager
def connected(config: Cluster, say: Say) -> Iterator[Calls]:
    """Yield what reaches the workers of the cluster of a config, of which there is one at least.

    Parameters
    ----------
    config : Cluster
        `at` is set.
    say : callable
        Takes a sentence for the user.

    Raises
    ------
    ConfigError
        When Dask is not installed, certificates are missing, unfit, or of no use, or a worker has
        another svmtrain.
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
        if match := LOCAL.fullmatch(at):
            cluster = stack.enter_context(_begun(int(match[1]), security))
            client = _client(distributed, cluster, at, security, config.wait)
        else:
            with _waiting_for("the scheduler", config, say):
                address = at if is_url(at) else _address_in(at, config.wait)
                _require_fitting(address, at, config)
                client = _client(distributed, address, at, security, config.wait)
        stack.callback(_left, client)
        calls = Calls(client, at, config.wait, say)
        with _waiting_for("a worker", config, say):
            _wait_for_worker(calls, config.wait)
        with _waiting_for("answers of the workers", config, say):
            calls.require_alike()
        workers = len(calls.reached())
        say(f"cluster: {workers} worker{'s' * (workers > 1)} at {client.scheduler.address}")
        if "dashboard" in client.scheduler_info()["services"]:
            say(f"cluster: dashboard {client.dashboard_link}")
        yield calls


@contextlib.contextmanager
def _waiting_for(what: str, config: Cluster, say: Say) -> Iterator[None]:
    """Say once what the block waits for, when it takes long."""
    sentence = f"cluster: waiting for {what} at {config.at} ({config.wait:g} s, cluster.wait)"
    timer = threading.Timer(SILENCE, say, (sentence,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def security_of(config: Cluster) -> Any:
    """Return the certificates of a config as Dask takes them; None without any.

    Raises
    ------
    ConfigError
        When one is missing, or they do not fit each other or the address.
    """
    paths = {name: getattr(config, name) for name in ("tls_ca_file", "tls_cert", "tls_key")}
    given = {name: path for name, path in paths.items() if path is not None}
    if is_url(str(config.at)):
        _require_fitting(str(config.at), str(config.at), config)
    if not given:
        return None
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


def _require_fitting(address: str, at: str, config: Cluster) -> None:
    """Raise ConfigError when an address is encrypted and certificates are not set, or reversed."""
    names = ("tls_ca_file", "tls_cert", "tls_key")
    given = [name for name in names if getattr(config, name) is not None]
    encrypted = address.startswith(("tls://", "wss://"))
    if encrypted and not given:
        raise ConfigError(f"{at}: {UNLOCKED}")
    if given and not encrypted:
        found = address if address == at else f"{at}: {address}"
        raise ConfigError(f"{found} is not encrypted, and cluster.{given[0]} is set (tls://?)")


def _in_short(error: BaseException) -> str:
    """Return what an error says, on one line that is not too long."""
    return " ".join(str(error).split())[:200]


@contextlib.contextmanager
def _begun(workers: int, security: Any) -> Iterator[Any]:
    """Yield a cluster of processes on this machine; stop signals are for this process alone."""
    from multiprocessing import resource_tracker

    import dask
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
        with dask.config.set(NEVER_GIVEN_UP):
            yield cluster
    finally:
        cluster.close()


def _quiet() -> None:
    """Leave what is to be told to this side: Dask's own log stays out of the terminal."""
    for name in ("asyncio", "bokeh", "distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _address_in(path: str, wait: float) -> str:
    """Return the address in the file of a scheduler, after waiting for the file."""
    until = time.monotonic() + wait
    while not os.path.isfile(path):
        interrupts.check()
        if time.monotonic() >= until:
            raise StorageError("no scheduler has written this file", path=path)
        time.sleep(PAUSE)
    until = time.monotonic() + WRITTEN
    while True:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with open(path, encoding="utf-8") as file:
                address = json.load(file)["address"]
            if is_url(address):
                return str(address)
        interrupts.check()
        if time.monotonic() >= until:
            raise ConfigError("this is not the file of a scheduler (it has no address)", path=path)
        time.sleep(PAUSE)


def _client(distributed: Any, address: Any, at: str, security: Any, wait: float) -> Any:
    """Return a client that is connected."""
    with interrupts.waiting():
        try:
            return distributed.Client(address=address, security=security, timeout=max(wait, 1.0))
        except UNREACHED as error:
            why = _cause(error)
    # A client that failed closes itself when it is collected, and must not be in a thread of Dask.
    gc.collect()
    if security is None and "ssl_context" in why:
        raise ConfigError(f"{at}: {UNLOCKED}")
    where = "" if address is at or not isinstance(address, str) else f" {address}"
    raise StorageError(f"cannot reach the scheduler of the cluster{where}: {why}", path=at)


def _cause(error: BaseException) -> str:
    """Return why there is no connection: what Dask says, and of what in the system it speaks."""
    if isinstance(error, MemoryError):  # it took what it got for the size of a message
        return "what answers there is none"
    found, inner = _in_short(error), error.__cause__
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return f"{found}: {inner.strerror}"
        inner = inner.__cause__
    return found


def _wait_for_worker(calls: Calls, wait: float) -> None:
    until = time.monotonic() + wait
    while not calls.reached():
        interrupts.check()
        if time.monotonic() >= until:
            raise StorageError(f"the cluster has no worker after {wait:g} seconds", path=calls.at)
        time.sleep(PAUSE)


def _left(client: Any) -> None:
    """Leave a cluster, be it there still or not."""
    with contextlib.suppress(Exception):  # whatever it is, nothing here depends on it
        client.close(timeout=5)

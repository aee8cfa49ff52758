"""What all tests share: steady examples of property tests, and a web server on this machine."""

import pytest
from hypothesis import settings
from local_server import serving

settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def running_server():
    """Run one web server on this machine for all tests."""
    with serving() as server:
        yield server


@pytest.fixture
def server(running_server, no_proxy):
    """Return the web server, without pages or memories."""
    running_server.pages.clear()
    running_server.requests.clear()
    return running_server


@pytest.fixture
def no_proxy(monkeypatch):
    """Keep the proxies of whoever runs the tests out of them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

"""What all tests share: steady examples, figures of long tests, a web server on this machine."""

import pytest
from extent import TORTURE
from hypothesis import settings
from local_server import serving

settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


@pytest.fixture
def figures(record_property):
    """Return a function that takes the name of a figure and the number that a test reached."""

    def take(name, value):
        record_property("figure", [name, value])

    return take


def pytest_terminal_summary(terminalreporter):
    """End a run under torture with the figures that its tests reached."""
    if not TORTURE:
        return
    terminalreporter.section("figures")
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            where = report.nodeid.partition("::")[0].rpartition("/")[2]
            for name, value in (v for key, v in report.user_properties if key == "figure"):
                mark = "" if outcome == "passed" else "  FAILED"
                terminalreporter.write_line(f"{where:28} {name:58} {value}{mark}")


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

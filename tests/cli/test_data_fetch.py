"""`svmtrain data fetch`: the list, what is printed where, and its errors."""

import gzip
import hashlib
import io
import json
import signal
import subprocess
import time

import pytest
from small_runs import command, environment

from svmtrain.cli import main
from svmtrain.cli.data.fetch import Bar
from svmtrain.config import load_config
from svmtrain.fetch.catalogue import CATALOGUE
from svmtrain.fetch.entries import DataSet, RemoteFile

LINES = b"1 1:2\n2 1:3\n"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder; return (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        code = main(["data", "fetch", *words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def tiny(server, monkeypatch):
    """Have a small data set in the catalogue: one file verified, one not; return its entry."""
    files = (
        RemoteFile(
            "train.gz",
            (server.put("train.gz", gzip.compress(LINES)),),
            content_sha256=hashlib.sha256(LINES).hexdigest(),
        ),
        RemoteFile("test", (server.put("test", LINES),), lines=2),
    )
    entry = DataSet("tiny", "", 2, 2, 1, 2, "free", "svmlight", files, "train.gz", "test", "c: d")
    monkeypatch.setitem(CATALOGUE, "tiny", entry)
    return entry


@pytest.mark.parametrize("words", [(), ("--list",), ("mnist", "--list")])
def test_the_catalogue_is_listed(call, words):
    """A line each: rows, features, classes, size, verified or not, licence."""
    code, out, err = call(*words)
    header, *lines = out.splitlines()
    assert (code, err) == (0, "")
    assert header.split() == [
        *("name", "rows", "features", "classes", "size", "verified", "licence"),
    ]
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    words = lines[0].split()
    assert words[:10] == ["mnist", "60,000", "+", "10,000", "784", "10", "11.6", "MB", "yes", "CC"]


def test_the_catalogue_is_listed_as_json(call):
    """With URLs and digests."""
    code, out, _ = call("--json")
    document = json.loads(out)
    assert code == 0
    assert [one["name"] for one in document] == list(CATALOGUE)
    assert document[0]["files"][0]["urls"] == list(CATALOGUE["mnist"].files[0].urls)
    assert document[0]["verified"] is True


def test_a_fetch_prints_the_files_and_the_lines_of_a_config(call, tiny, tmp_path):
    """Results on stdout, progress and the note about first use on stderr; the lines load."""
    code, out, err = call("tiny")
    assert code == 0
    assert "data/tiny/train.gz  downloaded, verified\n" in out
    assert "data/tiny/test      downloaded, size and shape checked\n" in out
    assert "licence             free\n" in out
    assert err.splitlines()[:2] == ["fetching train.gz of 0.0 kB", "fetching test of 0.0 kB"]
    assert "svmtrain: data/tiny/test: the catalogue has no SHA-256 of this file" in err
    (tmp_path / "c.yaml").write_text(out[out.index("\ndata:\n") :])
    config = load_config("c.yaml")
    assert config.data.train == "data/tiny/train.gz"
    assert (config.data.test, config.data.target) == ("data/tiny/test", "c: d")
    assert "there already, verified" in call("tiny")[1]


def test_quiet_is_one_line(call, tiny):
    """And nothing on stderr."""
    assert call("tiny", "-q", "-o", "here") == (0, "tiny: here\n", "")


def test_json_is_one_document(call, tiny):
    """Files with their digests, and the section of a config."""
    code, out, _ = call("tiny", "--json", "--out", "my folder")
    document = json.loads(out)
    assert code == 0
    assert [file["how"] for file in document["files"]] == ["downloaded"] * 2
    assert document["files"][1]["sha256"] == hashlib.sha256(LINES).hexdigest()
    assert document["data"]["train"] == "my folder/train.gz"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mnits",), 2, "got 'mnits' (did you mean 'mnist'?)"),
        (("mnist", "--mirror", "file:///data"), 2, "a mirror must be an http or https URL"),
        (("mnist", "more"), 2, "see svmtrain data fetch --help"),
        (("tiny",), 7, "test could not be fetched from http://"),
    ],
)
def test_errors_are_one_line_with_their_exit_code(call, server, tiny, words, code, said):
    """Usage, and a server that does not have the file."""
    server.put("test", status=404)
    found, out, err = call(*words, "-q")
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith("svmtrain: error: ")
    assert said in err


def test_force_and_mirror_reach_the_download(call, server, tiny, tmp_path):
    """What is wrong is replaced, from the mirror."""
    (tmp_path / "train.gz").write_bytes(b"mine")
    assert call("tiny", "-o", ".")[0] == 7
    assert (tmp_path / "train.gz").read_bytes() == b"mine"
    server.put("mirror/train.gz", gzip.compress(LINES))
    server.put("mirror/test", LINES)
    assert call("tiny", "-o", ".", "--force", "--mirror", f"{server.url}/mirror")[0] == 0
    assert [path for path, _ in server.requests] == ["/mirror/train.gz", "/mirror/test"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Say so."""
        return True


def test_a_terminal_sees_one_line_a_file_that_changes():
    """Only when the figures that are shown change."""
    stream = Terminal()
    bar = Bar(stream)
    for done in (0, 1, 2_000_000, 4_000_000):
        bar.show("a", done, 4_000_000)
    bar.show("b", 0, None)
    bar.close()
    bar.close()
    shown = stream.getvalue().replace("\x1b[K", "").split("\r")
    assert shown == [
        *("", "a: 0.0 kB of 4.0 MB", "a: 2.0 MB of 4.0 MB", "a: 4.0 MB of 4.0 MB\n", "b: 0.0 kB\n")
    ]


def test_a_closed_stderr_ends_no_download(call, tiny, monkeypatch):
    """Progress is not worth failing for."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    assert call("tiny")[0] == 0


def test_an_interrupt_ends_a_stalled_download_at_once(server, tmp_path):
    """Exit code 130; what came is kept, and the message says how to go on."""
    server.put("a9a", bytes(1000), claimed=2_329_875, stall=True)
    words = ("data", "fetch", "a9a", "-o", ".", "--mirror", server.url, "-q")
    process = subprocess.Popen(
        command(*words), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    part = tmp_path / "a9a.part"
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == (
        "svmtrain: SIGINT: stopped; what has come is kept, "
        "and the same command goes on from there\n"
    )
    assert part.read_bytes() == bytes(1000)

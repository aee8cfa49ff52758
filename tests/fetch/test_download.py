"""Downloads from a server that stalls, truncates, corrupts, redirects and lies."""

import errno
import fcntl
import os
import socket
import urllib.request

import pytest

from svmtrain import interrupts
from svmtrain.errors import ConfigError, FetchError, Interrupted, InUseError, StorageError
from svmtrain.fetch import part, wire
from svmtrain.fetch.download import Download

CONTENT = bytes(range(256)) * 2000
OTHER = bytes(reversed(CONTENT))
HALF, SOME = len(CONTENT) // 2, len(CONTENT) // 6
STALLED = 0.25
SIZE = len(CONTENT)

pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture
def target(tmp_path):
    """Return where the file goes."""
    return tmp_path / "file"


def wrong(path):
    """Return what is wrong with a file that should be CONTENT."""
    return None if path.read_bytes() == CONTENT else "its SHA-256 is wrong"


def download(target, *urls, size=SIZE, limit=1 << 20, progress=None, timeout=10.0):
    """Download to the target what should be CONTENT."""
    say = progress or (lambda *told: None)
    Download(target, urls, size, limit, wrong, say, timeout).run()


def names(folder):
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def refused(target, *urls, **options):
    """Download what must fail; return the one sentence."""
    with pytest.raises(FetchError) as caught:
        download(target, *urls, **options)
    assert caught.value.exit_code == 7
    assert "\n" not in str(caught.value)
    assert not target.exists()
    return str(caught.value)


def broken_off(server, target, **behaviour):
    """Leave some of the file behind, after all tries; return its URL."""
    url = server.put("file", CONTENT, stop=SOME, **{"etag": '"one"', **behaviour})
    assert "keeps what came, to go on from" in refused(target, url)
    server.pages["file"].stop = None
    server.requests.clear()
    return url


def test_a_file_arrives_whole_and_alone(server, target):
    """It has its name when it is complete, and nothing else stays; progress counts to the end."""
    told = []
    download(target, server.put("file", CONTENT), progress=lambda *one: told.append(one))
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["file"]
    assert [name for name, _, _ in told] == ["file"] * len(told)
    assert [total for _, _, total in told] == [len(CONTENT)] * len(told)
    counts = [done for _, done, _ in told]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, len(CONTENT))


def test_a_file_of_unknown_size_arrives(server, target):
    """Neither the catalogue nor the server need to know it."""
    url = server.put("file", CONTENT, measured=False)
    download(target, url, size=None)
    assert target.read_bytes() == CONTENT


def test_the_mode_is_that_of_the_umask(server, target):
    """A download is as readable as other files."""
    before = os.umask(0o027)
    try:
        download(target, server.put("file", CONTENT))
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o640


# going on


@pytest.mark.parametrize("mark", [{"etag": '"one"'}, {"etag": "", "modified": "Monday"}])
def test_a_download_that_broke_off_is_resumed(server, target, mark):
    """Only what is missing is asked for, and only of the same version."""
    url = broken_off(server, target, **mark)
    assert names(target.parent) == ["file.part", "file.part.source"]
    have = (target.parent / "file.part").stat().st_size
    download(target, url)
    assert target.read_bytes() == CONTENT
    assert server.ranges() == [f"bytes={have}-"]
    assert server.requests[0][1]["If-Range"] == (mark["etag"] or mark["modified"])
    assert names(target.parent) == ["file"]


@pytest.mark.parametrize("stall", [False, True])
def test_one_interruption_is_gone_over_at_once(server, target, stall):
    """The connection fails in the middle: the same run goes on where it was."""
    url = server.put("file", CONTENT, etag='"one"', stop=HALF, stall=stall, once=True)
    download(target, url, timeout=STALLED if stall else 10.0)
    assert target.read_bytes() == CONTENT
    assert server.ranges() == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize(
    "change",
    [
        {"ranges": False},
        {"etag": '"two"'},
        {"etag": '"two"', "honest": False},
        {"shift": 1},
    ],
    ids=["ignored", "changed", "changed but not told", "another range"],
)
def test_what_cannot_be_continued_is_fetched_from_the_start(server, target, change):
    """No range, another version, another place: two versions are never joined."""
    url = broken_off(server, target)
    for name, value in change.items():
        setattr(server.pages["file"], name, value)
    download(target, url)
    assert target.read_bytes() == CONTENT


def test_a_version_that_nothing_tells_apart_is_not_continued(server, target):
    """A server with neither ETag nor date is asked for all of it."""
    url = broken_off(server, target, etag="")
    download(target, url)
    assert server.ranges() == [None]


def test_a_weak_etag_is_no_version(server, target):
    """It may stand for different bytes (RFC 9110, 13.1.5)."""
    url = broken_off(server, target, etag='W/"one"')
    download(target, url)
    assert server.ranges() == [None]


def test_a_part_that_went_bad_is_dropped(server, target):
    """A damaged part is found by the check in the end, and all is fetched anew."""
    url = broken_off(server, target)
    path = target.parent / "file.part"
    path.write_bytes(b"x" + path.read_bytes()[1:])
    download(target, url)
    assert target.read_bytes() == CONTENT
    assert [bool(one) for one in server.ranges()] == [True, False]


def test_a_part_longer_than_the_file_is_dropped(server, target):
    """The server has no such range (416), and is asked for all."""
    url = broken_off(server, target)
    (target.parent / "file.part").write_bytes(CONTENT + b"x")
    download(target, url)
    assert target.read_bytes() == CONTENT


def test_a_complete_part_needs_no_server(target):
    """The process was killed before the last rename."""
    (target.parent / "file.part").write_bytes(CONTENT)
    download(target, "http://127.0.0.1:9/file")
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("note", [b"", b"[", b"[]", b'{"url": 3}', b'{"url": 3, "version": 4}'])
def test_a_broken_note_means_from_the_start(server, target, note):
    """What a part is of must be known for certain."""
    url = broken_off(server, target)
    (target.parent / "file.part.source").write_bytes(note)
    download(target, url)
    assert server.ranges() == [None]


def test_a_portal_that_answers_instead_does_not_cost_what_came(server, target):
    """A page of another size is refused before the part is given up."""
    url = broken_off(server, target)
    good = server.pages["file"]
    server.put("file", b"<html>please log in</html>")
    assert "it has 26 bytes there, expected 512,000" in refused(target, url)
    server.pages["file"] = good
    server.requests.clear()
    download(target, url)
    assert server.ranges()[0].startswith("bytes=")


# mirrors


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"status": 404}, "the server answered 404 Not Found"),
        ({"status": 500}, "the server answered 500 Internal Server Error"),
        ({"status": 416}, "the server has no such range, though none was asked for"),
        ({"status": 206}, "it sends a part of the file, though all of it was asked for"),
        ({"status": 0}, "nothing came for 0.25 seconds"),
        ({"stop": HALF, "stall": True}, "nothing came for 0.25 seconds"),
        ({"stop": HALF}, "it ended after 256,000 of 512,000 bytes"),
        ({"content": CONTENT[:-1]}, "it has 511,999 bytes there, expected 512,000"),
        ({"content": CONTENT + b"x"}, "it has 512,001 bytes there, expected 512,000"),
        ({"content": CONTENT * 2, "measured": False}, "it sends more than 512,000 bytes"),
        ({"content": CONTENT[:-1] + b"x"}, "its SHA-256 is wrong"),
        ({"location": "file:///etc/hostname"}, "'file:///etc/hostname', which is not followed"),
        ({"location": "ftp://127.0.0.1/x"}, "'ftp://127.0.0.1/x', which is not followed"),
        ({"location": "/bad"}, "it redirects more than 5 times, or to nowhere"),
        ({"location": "http://127.0.0.1:1x/"}, "the answer is not proper HTTP (InvalidURL)"),
    ],
)
def test_a_failure_is_told_and_the_next_mirror_tried(server, target, behaviour, said):
    """Whatever is wrong with one server: alone it is a sentence, and with a mirror no matter."""
    bad = server.put("bad", **{"content": CONTENT, **behaviour})
    timeout = STALLED if "nothing came" in said else 10.0
    message = refused(target, bad, timeout=timeout)
    assert message.startswith(f"file could not be fetched from {bad}: ")
    assert said in message
    download(target, bad, server.put("good", CONTENT), timeout=timeout)
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["file"]


def test_all_mirrors_have_their_say(server, target):
    """One line with every URL and its reason."""
    first, second = server.put("first", status=404), server.put("second", OTHER)
    message = refused(target, first, second)
    assert f"{first}: the server answered 404 Not Found; {second}: its SHA-256 is wrong" in message
    assert names(target.parent) == []


def test_a_mirror_that_fails_at_once_does_not_cost_what_came(server, target):
    """The part of another mirror stays until a server really sends the file."""
    url = broken_off(server, target)
    refused(target, server.put("gone", status=404))
    download(target, url)
    assert server.ranges()[-1].startswith("bytes=")


def test_redirects_are_followed(server, target):
    """A few, with the range that is asked for."""
    server.put("file", CONTENT, etag='"one"', stop=HALF, once=True)
    server.put("second", location="/file")
    download(target, server.put("first", location="/second"))
    assert target.read_bytes() == CONTENT
    assert server.ranges()[-1] == f"bytes={HALF}-"


def test_https_is_not_given_up_by_a_redirect():
    """From https to http: the file could be changed on the way."""
    handler = wire._Redirects()
    request = urllib.request.Request("https://example.org/file")
    with open(os.devnull, "rb") as body, pytest.raises(wire.Failure, match="is not followed"):
        handler.http_error_302(request, body, 302, "", {"location": "http://example.org/file"})


def test_an_unlimited_body_is_cut_off(server, target):
    """Of an unknown size: at the limit."""
    url = server.put("file", CONTENT, measured=False)
    assert "it sends more than 1,000 bytes" in refused(target, url, size=None, limit=1000)
    server.put("file", CONTENT)
    assert "more than 1,000" in refused(target, url, size=None, limit=1000)
    assert names(target.parent) == []


# no network


def closed_port():
    """Return a port that nothing listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_refused_connection_is_told(target):
    """Nothing listens there."""
    assert "the connection was refused" in refused(target, f"http://127.0.0.1:{closed_port()}/x")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(-2, "unknown"), "the name of the server cannot be resolved"),
        (OSError(errno.ENETUNREACH, "unreachable"), "the network cannot be reached"),
    ],
)
def test_a_machine_without_network_is_told_so(target, monkeypatch, error, said):
    """And that a proxy would be used if one were named."""

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    message = refused(target, "http://data.example.org/file", "http://other.example.org/file")
    assert message.count(said) == 2
    assert message.count("this machine may be offline, or need a proxy (https_proxy") == 1


def test_a_proxy_is_used(server, target, monkeypatch):
    """The request for another host arrives at the proxy."""
    server.put("proxied", CONTENT)
    monkeypatch.setenv("http_proxy", server.url)
    download(target, "http://data.example.org/file")
    assert [path for path, _ in server.requests] == ["http://data.example.org/file"]
    assert target.read_bytes() == CONTENT


def test_a_proxy_that_fails_is_named_without_its_password(server, target, monkeypatch):
    """Refused, with another status, and by way of CONNECT."""
    place = f"127.0.0.1:{closed_port()}"
    monkeypatch.setenv("http_proxy", f"http://me:secret@{place}")
    message = refused(target, "http://data.example.org/file")
    assert f"the connection was refused (through the proxy {place})" in message
    assert "secret" not in message
    monkeypatch.setenv("http_proxy", server.url)
    server.put("proxied", status=407)
    assert "asks for a name and a password" in refused(target, "http://data.example.org/file")
    monkeypatch.setenv("https_proxy", server.url)
    message = refused(target, "https://data.example.org/file")
    assert "403 Forbidden" in message
    assert f"(through the proxy {server.url.removeprefix('http://')})" in message


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "ftp://example.org", "file:///etc", "http://", "http://a:b@host"),
        *("http://host:port/", "http://[::1", "http://ho st/", "http://host/\r\nX: y"),
        "http://hôst/",
    ],
)
def test_a_mirror_is_an_http_url(url):
    """Without a password, which messages would show."""
    with pytest.raises(ConfigError, match="an http or https URL"):
        wire.check_mirror(url)


# the disk


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_refuses_is_told_and_the_part_kept(server, target, monkeypatch, code):
    """No other mirror is tried, and the message says how to go on."""
    url, written = server.put("file", CONTENT, etag='"one"'), []

    def fill_up(descriptor, content):
        if written:
            raise OSError(code, os.strerror(code))
        written.append(os.write(descriptor, content))

    monkeypatch.setattr(part, "write_all", fill_up)
    with pytest.raises(StorageError, match="the same command goes on from there") as caught:
        download(target, url, url)
    assert errno.errorcode[code] in str(caught.value)
    assert len(server.requests) == 1
    monkeypatch.undo()
    download(target, url)
    assert server.ranges()[-1] == f"bytes={written[0]}-"


@pytest.mark.parametrize("place", ["none/file", "plain/file", "folder"])
def test_an_impossible_place_is_a_storage_error(server, tmp_path, place):
    """A missing folder, a file as folder, a folder where the part goes."""
    (tmp_path / "folder.part").mkdir()
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write"):
        download(tmp_path / place, server.put("file", CONTENT))
    assert server.requests == []


def test_a_planted_link_is_not_followed(server, target):
    """What it points to stays as it is."""
    other = target.parent / "other"
    other.write_bytes(b"other")
    (target.parent / "file.part").symlink_to(other)
    with pytest.raises(StorageError):
        download(target, server.put("file", CONTENT))
    assert other.read_bytes() == b"other"


def test_two_downloads_of_one_file_do_not_mix(server, target):
    """The second is told of the first."""
    url = broken_off(server, target)
    with open(target.parent / "file.part", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InUseError, match="another process is fetching this file"):
            download(target, url)
    download(target, url)


def test_a_part_that_was_finished_meanwhile_is_left_alone(server, target, monkeypatch):
    """The lock came too late: the open file has another name by now."""

    def finish(descriptor, operation):
        (target.parent / "file.part").rename(target)

    monkeypatch.setattr(part.fcntl, "flock", finish)
    with pytest.raises(InUseError):
        download(target, server.put("file", CONTENT))


def test_a_signal_ends_a_download_and_keeps_what_came(server, target, monkeypatch):
    """The next one goes on from there."""
    url = server.put("file", CONTENT, etag='"one"')

    def signal(name, done, total):
        if done > 0:
            monkeypatch.setattr(interrupts, "_received", [2])

    with pytest.raises(Interrupted):
        download(target, url, progress=signal)
    monkeypatch.undo()
    have = (target.parent / "file.part").stat().st_size
    assert 0 < have < len(CONTENT)
    download(target, url)
    assert server.ranges()[-1] == f"bytes={have}-"

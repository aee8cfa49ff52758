"""A server on this machine that behaves as badly as a test asks for."""

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What the server does at a path.

    `content` is sent from the start of the range asked for when `ranges`, else whole; `stop` ends
    the body after so many bytes (and `stall` leaves the connection open there, `once` the first
    time only); `claimed` is the length told, None for what is right; `status` other than 200
    sends no content, and 0 no answer at all; `location` redirects.
    """

    content: bytes = b""
    etag: str = ""
    modified: str = ""
    ranges: bool = True
    honest: bool = True
    stop: int | None = None
    stall: bool = False
    once: bool = False
    claimed: int | None = None
    measured: bool = True
    status: int = 200
    location: str = ""
    shift: int = 0


@dataclass
class Server:
    """A running server: `pages` by path, and the requests that came."""

    url: str
    pages: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def put(self, path, content=b"", **behaviour):
        """Have something at a path; return its URL."""
        self.pages[path] = Page(content, **behaviour)
        return f"{self.url}/{path}"

    def ranges(self):
        """Return the Range header of each request, or None."""
        return [headers.get("Range") for _, headers in self.requests]


def answer(handler, page, server):
    """Send what a page says."""
    if page.status == 0:
        server.done.wait(10)
        return
    if page.location or page.status != 200:
        handler.send_response(302 if page.location else page.status)
        if page.location:
            handler.send_header("Location", page.location)
        handler.end_headers()
        return
    start, asked = 0, handler.headers.get("Range")
    current = handler.headers.get("If-Range") in (None, page.etag, page.modified)
    partial = bool(asked and page.ranges and (current or not page.honest))
    if partial:
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start >= len(page.content):
            handler.send_error(416)
            return
    body = page.content[start:]
    handler.send_response(206 if partial else 200)
    if partial:
        first, last = start + page.shift, len(page.content) - 1
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(page.content)}")
    for name, value in (("ETag", page.etag), ("Last-Modified", page.modified)):
        if value:
            handler.send_header(name, value)
    if page.measured:
        length = len(body) if page.claimed is None else page.claimed
        handler.send_header("Content-Length", str(length))
    handler.end_headers()
    stop, stall = page.stop, page.stall
    if page.once:
        page.stop, page.stall = None, False
    handler.wfile.write(body if stop is None else body[:stop])
    handler.wfile.flush()
    if stall:
        server.done.wait(10)


@contextlib.contextmanager
def serving():
    """Run a server for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append((self.path, dict(self.headers)))
            page = server.pages.get(self.path.removeprefix(server.url).lstrip("/"))
            with contextlib.suppress(OSError):
                if self.path.startswith("http") and page is None:
                    page = server.pages.get("proxied")
                answer(self, page or Page(status=404), server)

        def do_CONNECT(self):
            server.requests.append((f"CONNECT {self.path}", dict(self.headers)))
            self.send_error(403)

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.done.set()
        http.shutdown()
        http.server_close()
        thread.join()

"""HTTP and HTTPS through urllib, with the proxies of the environment, and failures as sentences.

Redirects are few, and never to another kind of URL nor from https to http. Nothing else than
these two schemes is opened.
"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from svmtrain import __version__
from svmtrain.errors import ConfigError, shown

SCHEMES = ("http", "https")
REDIRECTS = 5
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
HINT = "this machine may be offline, or need a proxy (https_proxy and http_proxy are honoured)"


class Failure(Exception):
    """Why one URL did not give the file, as the end of a sentence."""


class Offline(Failure):
    """There seems to be no network."""


class BrokenOff(Failure):
    """The connection failed after some of the file had come, so that it can be resumed."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow few redirects, to http and https only."""

    max_redirections = max_repeats = REDIRECTS

    def http_error_302(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: Any,
    ) -> Any:
        """Follow the redirect, or raise `Failure`."""
        target = urljoin(req.full_url, headers.get("location", ""))
        scheme = urlsplit(target).scheme
        if scheme not in SCHEMES or (scheme == "http" and req.type == "https"):
            fp.close()
            raise Failure(f"it redirects to {shown(target)}, which is not followed")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def connect(url: str, headers: dict[str, str], timeout: float) -> http.client.HTTPResponse:
    """Return the response to a GET request.

    Raises
    ------
    Exception
        Any of `FAILURES`, which `explain` puts into words.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    known = {"User-Agent": f"svmtrain/{__version__}", "Accept-Encoding": "identity", **headers}
    response = opener.open(urllib.request.Request(url, headers=known), timeout=timeout)
    assert isinstance(response, http.client.HTTPResponse)
    return response


FAILURES = (OSError, http.client.HTTPException, ValueError)


def explain(error: Exception, url: str, timeout: float) -> Failure:
    """Return why `url` could not be read."""
    proxy = proxy_of(url)
    through = f" (through the proxy {proxy})" if proxy else ""
    if isinstance(error, urllib.error.HTTPError):
        return Failure(f"{_status(error)}{through}")
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, socket.gaierror):
        return Offline(f"the name of the server cannot be resolved{through}")
    if isinstance(error, OSError) and error.errno in UNREACHABLE:
        return Offline(f"the network cannot be reached{through}")
    return Failure(f"{_cause(error, timeout)}{through}")


def _status(error: urllib.error.HTTPError) -> str:
    """Return what a status other than success means."""
    if error.code == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return "the proxy asks for a name and a password"
    if 300 <= error.code < 400:
        return f"it redirects more than {REDIRECTS} times, or to nowhere"
    return f"the server answered {error.code} {error.reason}".rstrip()


def _cause(error: Exception, timeout: float) -> str:
    """Return what a failed connection means."""
    if isinstance(error, TimeoutError):
        return f"nothing came for {timeout:g} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is not proper HTTP ({type(error).__name__})"
    return f"the connection failed: {getattr(error, 'strerror', None) or error}"


def proxy_of(url: str) -> str | None:
    """Return the host and port of the proxy that a URL is fetched through, or None."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return None
    return _place(urlsplit(proxy if "//" in proxy else f"//{proxy}"))


def _place(parts: SplitResult) -> str:
    """Return host and port, without a name and a password before them."""
    return parts.netloc.rpartition("@")[2]


def check_mirror(url: str) -> str:
    """Return a base URL that can be used, or raise.

    Raises
    ------
    ConfigError
        When it is no http or https URL of a server, or holds a password, which messages would
        show.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and "@" not in parts.netloc
        usable = usable and url.isascii() and url.isprintable() and " " not in url
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            f"a mirror must be an http or https URL without a password; got {shown(url)}"
        )
    return url

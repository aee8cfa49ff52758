"""What may be wrong with built pages: dead links, pictures without words, what is from outside."""

import posixpath
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

RESOURCES = {
    **dict.fromkeys(
        ("img", "script", "iframe", "source", "video", "audio", "embed", "track"), "src"
    ),
    "link": "href",
    "object": "data",
}
URL = re.compile(r"""url\(\s*["']?([^"')]*)|@import\s+["']([^"']+)""")
POINTERS = ("canonical", "prev", "next", "alternate")  # links that a browser does not load


class Page(HTMLParser):
    """What one page holds.

    Attributes
    ----------
    ids : set of str
        What links may lead to.
    links, resources : list of str
        Where it leads; what a browser loads to show it.
    without_words : list of str
        Pictures without an alternative text.
    diagrams : int
        Blocks that the theme would load a library for, from elsewhere.
    """

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.resources, self.without_words = {"", "top"}, [], [], []
        self.diagrams = 0
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Take in a tag."""
        have = dict(attrs)
        self.ids |= {have[key] for key in ("id", "name") if have.get(key)}
        self._style = tag == "style"
        self.diagrams += "mermaid" in (have.get("class") or "").split()
        self.resources += found(have.get("style") or "")
        if tag in ("a", "area") and have.get("href") is not None:
            self.links.append(have["href"])
        if tag == "img" and not (have.get("alt") or "").strip():
            self.without_words.append(have.get("src"))
        pointer = tag == "link" and have.get("rel") in POINTERS
        if have.get(RESOURCES.get(tag)) and not pointer:
            self.resources.append(have[RESOURCES[tag]])
        self.resources += [one.split()[0] for one in (have.get("srcset") or "").split(",") if one]

    def handle_data(self, data):
        """Take in the text of a style sheet."""
        if self._style:
            self.resources += found(data)

    def handle_endtag(self, tag):
        """Leave a tag."""
        self._style = False


def found(css):
    """Return what a style sheet loads; an address in words, and nothing drawn in place."""
    found = [first or second for first, second in URL.findall(css)]
    return [one for one in found if not one.startswith(("data:", "#"))]


def faults(site):
    """Return the faults of the pages below a folder, a line each, and the number of their links."""
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    lines, followed = [], 0
    for name, page in pages.items():
        lines += [
            f"{name}: the picture {src} has no alternative text" for src in page.without_words
        ]
        lines += [f"{name}: a diagram that loads a library"] * page.diagrams
        for target in page.resources:
            lines += [f"{name}: {problem}" for problem in _unloadable(site, name, target)]
        inside = [target for target in page.links if not _outside(target)]
        lines += [
            f"{name}: {problem}" for one in inside for problem in _dead(pages, site, name, one)
        ]
        followed += len(inside)
    for path in sorted(site.rglob("*.css")):
        name = path.relative_to(site).as_posix()
        for target in found(path.read_text(encoding="utf-8")):
            lines += [f"{name}: {problem}" for problem in _unloadable(site, name, target)]
    return lines, followed


def _outside(target):
    parts = urlsplit(target)
    return bool(parts.scheme or parts.netloc)


def _place(name, target):
    """Return the path in the site that a page means by a target; / is the site itself."""
    path = unquote(urlsplit(target).path)
    folder = "" if path.startswith("/") else posixpath.dirname(name)
    return posixpath.normpath(posixpath.join(folder, path.lstrip("/"))) if path else name


def _unloadable(site, name, target):
    if target.startswith("data:"):
        return
    if _outside(target):
        yield f"{target} is loaded from outside"
    elif not (site / _place(name, target)).is_file():
        yield f"{target} is not there"


def _dead(pages, site, name, target):
    place, anchor = _place(name, target), unquote(urlsplit(target).fragment)
    if (site / place).is_dir():
        place = posixpath.normpath(f"{place}/index.html")
    if place not in pages:
        if not (site / place).is_file():
            yield f"the link {target} leads nowhere"
    elif anchor not in pages[place].ids:
        yield f"the link {target} leads to no place of {place}"

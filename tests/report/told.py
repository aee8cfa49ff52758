"""Runs to tell of, and a reader of pages."""

import contextlib
from html.parser import HTMLParser
from pathlib import Path

from small_runs import start, write_config

from svmtrain.report.page import page
from svmtrain.report.story import tell_story

HOSTILE = "<script>alert(1)</script>"
EMPTY = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """What a page holds: elements with their attributes, and the text of each kind."""

    def __init__(self, content):
        super().__init__()
        self.elements = []
        self.open = []
        self.texts = {}
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag):
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def shown(self):
        """All text that is not style or script, on one line."""
        parts = (data for tag, all_ in self.texts.items() if tag not in ("style", "script")
                 for data in all_)  # fmt: skip
        return " ".join(" ".join(parts).split())


def page_of(*runs, image=None):
    """Return the page about some runs, as bytes and as read."""
    content = page([tell_story(run, image) for run in runs])
    found = Page(content)
    assert not found.open, "an element is not closed"
    return content, found


def small_run(folder, name="small", *overrides):
    """Return a run of 60 rows of three features."""
    return start(write_config(folder), name, *overrides)


def picture_run(folder, name="pictures", *overrides):
    """Return a run on rows of 3 x 2 pixels in two classes, one with a hostile name."""
    lines = ["label," + ",".join(f"p_{i}_{j}" for i in range(3) for j in range(2))]
    for row in range(40):
        bright = row % 2
        pixels = [bright * 9 + (row * (k + 3)) % 5 for k in range(6)]
        lines.append(f"{HOSTILE if bright else 'dark'},{','.join(map(str, pixels))}")
    lines[1] = lines[1].replace("dark", HOSTILE)  # a label that is wrong
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    with contextlib.suppress(FileNotFoundError):
        (folder / "c.yaml").unlink()
    config = write_config(folder)
    config.write_text(config.read_text().replace("target: kind", "target: label"))
    return start(config, name, *overrides)

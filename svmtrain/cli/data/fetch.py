"""`svmtrain data fetch`: download a public data set, checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, note
from svmtrain.cli.output import facts, print_json, table, tell
from svmtrain.errors import printable

if TYPE_CHECKING:
    from svmtrain.fetch.entries import DataSet
    from svmtrain.operations.data.fetch import Fetched

EXAMPLES = """
svmtrain data fetch
svmtrain data fetch mnist
svmtrain data fetch cifar10 -o ~/data/cifar10
svmtrain data fetch a9a --mirror https://mirror.example.org/libsvm
"""


@click.command(
    "fetch", cls=Command, examples=EXAMPLES, short_help="Download a public data set, checked."
)
@click.argument("name", required=False)
@click.option("--list", "as_list", is_flag=True, help="List the data sets, as without NAME.")
@click.option("-o", "--out", type=any_path, help="Folder to fetch into.  [default: data/NAME]")
@click.option("--force", is_flag=True, help="Replace files that are not what they should be.")
@click.option("--mirror", metavar="URL", help="A folder on a server to look in first.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes.")
def command(
    name: str | None,
    as_list: bool,
    out: str | None,
    force: bool,
    mirror: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Download the data set NAME, or list those that there are.

    Files that are there and good are left alone, and a download that broke off is resumed. Every
    file is compared with the SHA-256 of the catalogue. Where it has none (verified: no), size and
    shape are checked, and the SHA-256 is recorded for the next time.
    """
    if name is None or as_list:
        _list(as_json)
        return
    from svmtrain.operations.data.fetch import fetch, silent

    bar = Bar(None if quiet else sys.stderr)
    try:
        fetched = fetch(
            name,
            out or Path("data", name),
            say=silent if quiet else note,
            progress=bar.show,
            force=force,
            mirror=mirror,
        )
    finally:
        bar.close()
    if as_json:
        print_json(_document(fetched))
    else:
        _print(fetched, quiet)


def _list(as_json: bool) -> None:
    """Print the catalogue."""
    from svmtrain.fetch.catalogue import CATALOGUE

    if as_json:
        print_json([_entry(dataset) for dataset in CATALOGUE.values()])
        return
    rows = [
        [
            one.name,
            f"{one.train_rows:,} + {one.test_rows:,}",
            one.features,
            one.classes,
            None if one.size is None else _bytes(one.size),
            "yes" if one.verified else "no",
            one.licence,
        ]
        for one in CATALOGUE.values()
    ]
    header = ("name", "rows", "features", "classes", "size", "verified", "licence")
    tell(table(header, rows))


def _entry(dataset: DataSet) -> dict[str, Any]:
    """Return a data set and what else can be told of it, for JSON."""
    from dataclasses import asdict

    return {**asdict(dataset), "size": dataset.size, "verified": dataset.verified}


def _document(fetched: Fetched) -> dict[str, Any]:
    return {
        "name": fetched.dataset.name,
        "licence": fetched.dataset.licence,
        "files": [file.to_dict() for file in fetched.files],
        "data": fetched.data,
    }


def _print(fetched: Fetched, quiet: bool) -> None:
    """Print where the files are, and the lines of a config that use them."""
    name = fetched.dataset.name
    if quiet:
        tell(printable(f"{name}: {fetched.folder}"))
        return
    lines = [
        (str(file.path), f"{file.how}, {'verified' if file.verified else 'size and shape checked'}")
        for file in fetched.files
    ]
    tell(facts([*lines, ("licence", fetched.dataset.licence)]))
    tell(f"\nfor a config:\n\ndata:\n{_yaml(fetched.data)}")


def _yaml(section: dict[str, str]) -> str:
    """Return lines of YAML; a text that YAML could take for something else is quoted."""
    import json

    def text(value: str) -> str:
        plain = value.isascii() and value.replace("/", "").replace(".", "").replace("-", "")
        safe = plain and plain.replace("_", "").isalnum() and value[0].isalpha()
        return value if safe else json.dumps(value, ensure_ascii=False)

    return "\n".join(f"  {key}: {text(value)}" for key, value in section.items())


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


class Bar:
    """How far each file is: a line that changes on a terminal, a line a file elsewhere."""

    def __init__(self, stream: TextIO | None) -> None:
        from svmtrain.training.progress import SafeStream

        self._stream = SafeStream(stream)
        self._live = self._stream.isatty()
        self._name = ""
        self._shown = ""

    def show(self, name: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` bytes have come."""
        of = "" if total is None else f" of {_bytes(total)}"
        if self._live:
            text = f"{name}: {_bytes(done)}{of}"
            if name != self._name:
                self.close()
            if text != self._shown:
                self._write(f"\r{text}\x1b[K")
                self._shown = text
        elif name != self._name:
            self._write(f"fetching {name}{of}\n")
        self._name = name

    def close(self) -> None:
        """Leave the line as it stands."""
        if self._shown:
            self._write("\n")
            self._shown = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

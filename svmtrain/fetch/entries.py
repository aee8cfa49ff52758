"""What an entry of the catalogue says: data sets, their files, and what is made of those."""

from __future__ import annotations

from dataclasses import dataclass

SIZE_LIMIT = 1 << 30


@dataclass(frozen=True)
class Output:
    """A file made of members of a tar archive, one after the other.

    Attributes
    ----------
    name : str
        A base name.
    members : tuple of str
        Names in the archive, in the order in which they are joined.
    member_size : int
        Bytes of each member.
    """

    name: str
    members: tuple[str, ...]
    member_size: int


@dataclass(frozen=True)
class Rewrite:
    """A CSV file with a header, made of a table whose commas are followed by spaces.

    Attributes
    ----------
    name : str
        A base name.
    header : str
        The first line.
    """

    name: str
    header: str


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes
    ----------
    name : str
        A base name, also the last part of its URL on a mirror.
    urls : tuple of str
        Where it is, in the order in which they are tried.
    size : int or None
        Bytes, if known.
    sha256 : str or None
        Of the file, if verified.
    content_sha256 : str or None
        Of what a .gz file holds, if verified; the file may be compressed in any way.
    lines : int or None
        Lines of text in it, once decompressed.
    outputs : tuple of Output
        What is unpacked from it.
    rewrite : Rewrite or None
        What it is rewritten as.
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    content_sha256: str | None = None
    lines: int | None = None
    outputs: tuple[Output, ...] = ()
    rewrite: Rewrite | None = None

    @property
    def verified(self) -> bool:
        """Whether the catalogue holds a digest for it."""
        return bool(self.sha256 or self.content_sha256)

    @property
    def exact_size(self) -> int | None:
        """The only size that it may have; a mirror may have compressed the content otherwise."""
        return None if self.content_sha256 else self.size

    @property
    def limit(self) -> int:
        """The number of bytes after which a download is given up."""
        return SIZE_LIMIT if self.size is None else 2 * self.size


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes
    ----------
    name, title : str
    train_rows, test_rows, features, classes : int
    licence : str
        With the place where it is stated.
    format : str
        What `data.format` is called in a config.
    files : tuple of RemoteFile
    train, test : str
        Names of the files for `data.train` and `data.test`.
    target : str or None
        Name of the column of the labels, where there is one.
    """

    name: str
    title: str
    train_rows: int
    test_rows: int
    features: int
    classes: int
    licence: str
    format: str
    files: tuple[RemoteFile, ...]
    train: str
    test: str
    target: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the catalogue holds a digest for every file."""
        return all(file.verified for file in self.files)

    @property
    def size(self) -> int | None:
        """Bytes to download, if known for every file."""
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None

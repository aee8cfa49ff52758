"""Read a folder of images that has one subfolder a class, through Pillow.

Rows are sorted by class and then by name, both as plain strings. All images have one size; the
first says whether they become grey (L) or coloured (RGB). A row is an image row by row from the
top, each from the left, the channels of a pixel side by side (red, green, blue). To predict, the
images may also lie in the folder itself. Names that begin with a dot are passed over; a link that
leads out of the folder, an animation, and any other file are errors.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers.compressed import check_expansion
from svmtrain.data.readers.features import check_width
from svmtrain.data.readers.growing import gathered
from svmtrain.errors import DataError, StorageError, printable, shown
from svmtrain.files import open_regular

BLOCK_ROWS = 256
PIXEL_LIMIT = 1 << 24
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff")
DECODERS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF")
TARGETS = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}


def looks_like(names: Collection[str]) -> bool:
    """Return whether a folder with these names in it may be one of images: if any is visible."""
    return any(not name.startswith(".") for name in names)


def read(path: Path, name: str, options: ReadOptions) -> Table:
    """Read all images of a folder.

    Parameters
    ----------
    path : Path
    name : str
        What errors about the whole folder call it.
    options : ReadOptions

    Returns
    -------
    Table
        X uint8 (n_samples, height * width * channels); labels the names of the subfolders, a
        list of str, or None when `labels_required` is False.

    Raises
    ------
    DataError
        Naming the file that is no image, is damaged, or has another size than the first; when
        Pillow is not installed.
    """
    return gathered(chunks(path, name, options, BLOCK_ROWS))


def chunks(path: Path, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    Raises
    ------
    DataError
        As `read`, when the bad file is reached.
    """
    decoder = _Decoder(name, options)
    files = iter(image_files(path, labelled=options.labels_required))
    block = list(islice(files, size := max(1, min(rows, BLOCK_ROWS))))
    if not block:
        raise DataError("holds no images", path=name)
    while block:
        X = np.stack([decoder.row(file) for _, file in block])
        labels = [label for label, _ in block]
        yield Table(X, labels if options.labels_required else None)
        block = list(islice(files, size))


def image_files(folder: Path, *, labelled: bool = True) -> list[tuple[str, Path]]:
    """Return each image of a folder with its class, in the order of the rows.

    Parameters
    ----------
    folder : Path
    labelled : bool
        Whether each has to lie in a subfolder; else the class of one that does not is "".

    Raises
    ------
    DataError
        For what is neither a subfolder nor, where it may be one, an image.
    """
    root = os.path.realpath(folder)
    files: list[tuple[str, Path]] = []
    for entry in _visible(folder, root):
        if entry.is_dir():
            files += [(entry.name, _image(file)) for file in _visible(entry, root)]
        elif labelled:
            problem = "lies outside the subfolders of pictures, one for each class"
            advice = "move it, hide it by a dot, or name a file in place of the folder"
            raise DataError(f"{problem} ({advice})", path=entry)
        else:
            files.append(("", _image(entry)))
    return files


def _visible(folder: Path, root: str) -> list[Path]:
    """Return what a folder holds, sorted, but for hidden names; nothing may lead out of `root`."""
    try:
        found = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise StorageError.from_os_error(error, "read", folder) from error
    visible = [entry for entry in found if not entry.name.startswith(".")]
    for entry in visible:
        if entry.is_symlink() and not os.path.realpath(entry).startswith(os.path.join(root, "")):
            raise DataError("is a link that leads out of the folder of the images", path=entry)
    return visible


def _image(path: Path) -> Path:
    """Return a path that has the ending of an image."""
    if path.is_dir():
        raise DataError("is a folder in the folder of a class; expected images", path=path)
    if path.suffix.lower() not in ENDINGS:
        problem = f"is no image; expected {', '.join(ENDINGS)}"
        raise DataError(f"{problem} (move it, or hide it by a dot)", path=path)
    return path


class _Decoder:
    """Turns image files into rows that are all alike.

    Parameters
    ----------
    folder : str
        What errors about all the images call them.
    options : ReadOptions
    """

    def __init__(self, folder: str, options: ReadOptions) -> None:
        self._pillow = _pillow()
        self._folder = folder
        self._options = options
        self._first: tuple[Path, tuple[int, int], str] | None = None
        self._packed = self._given = 0

    def row(self, path: Path) -> NDArray[np.uint8]:
        """Return the pixels of an image, (height * width * channels,) uint8."""
        interrupts.check()
        with open_regular(path, DataError) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._packed += os.fstat(file.fileno()).st_size
            image = self._asked(path, self._pillow.Image.open, file, formats=DECODERS)
            if self._asked(path, getattr, image, "n_frames", 1) > 1:
                raise DataError("is animated; expected a single image", path=path)
            mode = self._check(path, image.size, image.mode)
            pixels = self._asked(path, image.convert, mode)
        row: NDArray[np.uint8] = np.asarray(pixels, dtype=np.uint8).reshape(-1)
        return row

    def _check(self, path: Path, size: tuple[int, int], mode: str) -> str:
        """Hold an image to the first before its pixels are read; return the mode it gets."""
        if mode not in TARGETS:
            problem = f"has pixels of mode {shown(mode)}; expected grey (L) or coloured (RGB) ones"
            raise DataError(f"{problem} (convert it first)", path=path)
        if size[0] * size[1] > PIXEL_LIMIT:
            problem = f"has {size[0]} x {size[1]} pixels; expected at most {PIXEL_LIMIT:,}"
            raise DataError(problem, path=path)
        if self._first is None:
            self._first = path, size, TARGETS[mode]
            channels = 3 if TARGETS[mode] == "RGB" else 1
            check_width(size[0] * size[1] * channels, self._options, str(path))
        other, expected, target = self._first
        if size != expected:
            problem = f"has {size[0]} x {size[1]} pixels, but {printable(str(other))} has"
            problem += f" {expected[0]} x {expected[1]}"
            raise DataError(f"{problem} (resize them first)", path=path)
        self._given += size[0] * size[1] * (3 if target == "RGB" else 1)
        check_expansion(self._packed, self._given, self._folder)
        return target

    def _asked(self, path: Path, do: Any, *given: Any, **named: Any) -> Any:
        """Return what Pillow makes of an image; its decoders may raise anything at bad data."""
        try:
            return do(*given, **named)
        except self._pillow.UnidentifiedImageError:
            problem = f"is no image; expected one of {', '.join(DECODERS)}"
            raise DataError(problem, path=path) from None
        except Exception as error:
            reason = shown(str(error) or type(error).__name__)
            raise DataError(f"cannot be read as an image: {reason}", path=path) from None


def _pillow() -> Any:
    """Return the package PIL, its module Image loaded."""
    try:
        import PIL.Image
    except ImportError:
        raise DataError("images need Pillow: pip install 'svmtrain[images]'") from None
    return PIL

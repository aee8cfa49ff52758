"""Folders of images: the order of rows and pixels, what is refused, and round trips."""

import io
import os
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import compressed, images, iter_tables, read_table
from svmtrain.errors import DataError

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3)
COLOUR = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
BARE = ReadOptions(labels_required=False)


@pytest.fixture
def put(tmp_path):
    """Return a function that saves pixels, or bytes, to a file of a folder of images."""

    def save(name, content=GREY, mode=None):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            image = Image.fromarray(content)
            (image.convert(mode) if mode else image).save(path)
        return tmp_path / "pictures"

    return save


def refusal(folder, options=None):
    """Return the path and the problem that a folder is refused with."""
    with pytest.raises(DataError) as caught:
        read_table(folder, options=options)
    assert "\n" not in str(caught.value)
    return caught.value.path, caught.value.problem


def test_rows_are_sorted_by_class_and_name(put):
    """As plain strings; hidden files and folders are passed over."""
    for value, name in enumerate(
        ["dog/b.png", "dog/a.png", "cat/10.png", "cat/9.png", "Cat/x.png"]
    ):
        folder = put(name, GREY + np.uint8(value * 10))
    put("dog/.hidden.png", b"no image")
    put(".git/x.png", b"no image")
    table = read_table(folder)
    assert table.labels == ["Cat", "cat", "cat", "dog", "dog"]
    assert table.X[:, 0].tolist() == [40, 20, 30, 10, 0]
    parts = list(iter_tables(folder, rows=2))
    assert [part.labels for part in parts] == [["Cat", "cat"], ["cat", "dog"], ["dog"]]
    assert np.concatenate([part.X for part in parts]).tolist() == table.X.tolist()


@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("ending", ["png", "bmp", "ppm", "TIF"])
def test_a_row_is_the_pixels_line_by_line(put, pixels, ending):
    """From the top, each line from the left, the channels of a pixel side by side."""
    table = read_table(put(f"a/1.{ending}", pixels))
    assert (table.X.dtype, table.X.tolist()) == (np.uint8, [pixels.ravel().tolist()])


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "gif", "pgm"])
def test_other_kinds_of_images_are_read(put, ending):
    """JPEG need not be exact; a GIF has a palette, and so becomes coloured."""
    table = read_table(put(f"a/1.{ending}", np.full((8, 8), 100, dtype=np.uint8)))
    assert table.X.min() >= 98
    assert table.X.max() <= 102


def test_all_images_get_the_mode_of_the_first(put):
    """Grey or coloured."""
    put("a/1.png", GREY)
    folder = put("b/1.png", np.full((2, 3, 3), 9, dtype=np.uint8))
    assert read_table(folder).X.tolist() == [GREY.ravel().tolist(), [9] * 6]
    put("a/0.png", COLOUR)
    assert read_table(folder).X.shape == (3, 18)
    assert read_table(folder).X[1].tolist() == np.repeat(GREY.ravel(), 3).tolist()


def test_black_and_white_is_grey(put):
    """Of 0 and 255."""
    assert read_table(put("a/1.png", GREY > 2, "1")).X.tolist() == [[0, 0, 0, 255, 255, 255]]


def test_to_predict_images_need_no_subfolders(put):
    """They may lie in the folder itself."""
    folder = put("b.png", GREY + np.uint8(1))
    put("a.png")
    table = read_table(folder, options=BARE)
    assert table.X[:, 0].tolist() == [0, 1]
    assert table.labels is None
    path, problem = refusal(folder)
    assert path == str(folder / "a.png")
    assert problem.startswith("lies outside the subfolders of pictures, one for each class")


def animation():
    """Return a GIF of two pictures."""
    buffer = io.BytesIO()
    first, second = Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())
    first.save(buffer, "GIF", save_all=True, append_images=[second])
    return buffer.getvalue()


def png(pixels=GREY, **options):
    """Return pixels as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def vast(side):
    """Return a PNG of few bytes that says that it has so many rows and columns."""
    whole = bytearray(png())
    whole[16:24] = side.to_bytes(4, "big") * 2
    whole[29:33] = zlib.crc32(whole[12:29]).to_bytes(4, "big")
    return bytes(whole)


BIG = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


BAD = {
    "not-by-name": ("b/x.txt", b"words", "is no image; expected .png, .jpg, "),
    "not-by-content": ("b/x.png", b"words", "is no image; expected one of PNG, JPEG"),
    "empty": ("b/x.png", b"", "is no image; expected one of PNG, JPEG"),
    "truncated": ("b/x.png", png()[:-26], "cannot be read as an image: "),
    "large": ("b/x.png", vast(5000), "has 5000 x 5000 pixels; expected at most 16,777,216"),
    "vast": (
        "b/x.png",
        vast(50000),
        "cannot be read as an image: 'Image size (25",
    ),
    "animated": ("b/x.gif", animation(), "is animated; expected a single image"),
    "other-size": (
        "b/x.png",
        png(GREY[:, :2].copy()),
        "has 2 x 2 pixels, but {first} has 3 x 2 (",
    ),
    "transparent": (
        "b/x.png",
        png(np.zeros((2, 3, 4), dtype=np.uint8)),
        "has pixels of mode 'RGBA'",
    ),
    "deep": (
        "b/x.png",
        png(GREY.astype(np.uint16)),
        "has pixels of mode 'I;16'; expected grey",
    ),
    "nested": ("b/c/x.png", png(), "is a folder in the folder of a class; expected images"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_what_is_no_such_image_is_refused(put, name, content, message):
    """The error names the file, and nothing is changed."""
    first = put("a/1.png") / "a" / "1.png"
    folder = put(name, content)
    path, problem = refusal(folder)
    assert path == str(folder / ("b/c" if "c/" in name else name))
    assert message.format(first=first) in problem
    assert (folder / name).read_bytes() == content


def test_a_bomb_of_many_flat_images_is_refused(put, monkeypatch):
    """All of them are held to the bytes of all the files."""
    monkeypatch.setattr(compressed, "EXPANSION_FREE", 1 << 20)
    flat = png(np.zeros((1000, 1000), dtype=np.uint8))
    for number in range(3):
        folder = put(f"a/{number}.png", flat)
    assert "bytes, more than 200 times" in refusal(folder)[1]


@pytest.mark.parametrize("name", ["a/link.png", "link"])
def test_a_link_out_of_the_folder_is_refused(put, tmp_path, name):
    """Be it a file or a class; a link that stays within is followed."""
    folder = put("a/1.png")
    (tmp_path / "out").mkdir()
    outside = tmp_path / "out" / "1.png"
    outside.write_bytes(png())
    os.symlink(outside if "png" in name else outside.parent, folder / name)
    path, problem = refusal(folder)
    assert path == str(folder / name)
    assert problem == "is a link that leads out of the folder of the images"
    (folder / name).unlink()
    os.symlink(folder / "a" / "1.png", folder / "a" / "2.png")
    assert len(read_table(folder).X) == 2


def test_a_folder_without_images_is_refused(put, tmp_path):
    """Whether it is empty, or its classes are."""
    folder = put("a/.hidden", b"")
    assert refusal(folder) == (str(folder), "holds no images")
    (tmp_path / "none").mkdir()
    message = "is a folder; expected a file, or a folder of store or images"
    assert refusal(tmp_path / "none")[1] == message


def test_a_width_that_a_model_does_not_expect_is_refused(put):
    """The message has both numbers."""
    problem = refusal(put("a/1.png"), ReadOptions(n_features=4))[1]
    assert problem == "has 6 features, but the model expects 4"


def test_without_pillow_the_extra_is_named(put, monkeypatch):
    """The core does without it."""
    folder = put("a/1.png")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert refusal(folder)[1] == "images need Pillow: pip install 'svmtrain[images]'"


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    shape=st.sampled_from([(1, 1), (3, 2), (2, 2, 3)]),
    classes=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
)
def test_a_saved_folder_reads_back(shape, classes, seed):
    """Every pixel of every image comes back."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(classes), *shape), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, image) in enumerate(zip(classes, pixels, strict=True)):
            Path(folder, name).mkdir(exist_ok=True)
            Path(folder, name, f"{number}.png").write_bytes(png(image))
        table = read_table(folder)
    order = sorted(range(len(classes)), key=lambda number: (classes[number], number))
    assert table.X.tobytes() == pixels[order].tobytes()
    assert table.labels == sorted(classes)


def saved(kind):
    """Return a picture in one of Pillow's formats."""
    buffer = io.BytesIO()
    Image.fromarray(BIG[:8, :8].copy()).save(buffer, kind)
    return buffer.getvalue()


GOOD = [saved(kind) for kind in images.DECODERS]


@settings(max_examples=extent(50, 200), deadline=None)
@given(data=st.data(), base=st.sampled_from(GOOD))
def test_any_bytes_give_a_row_or_a_data_error(data, base):
    """No other exception leaves the reader, whatever the file."""
    raw = bytearray(base)
    edits = st.tuples(st.integers(0, len(raw)), st.integers(0, 4), st.binary(max_size=6))
    for offset, lost, content in data.draw(st.lists(edits, min_size=1, max_size=4)):
        raw[offset : offset + lost] = content
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "1.png").write_bytes(raw)
        try:
            table = read_table(folder, options=BARE)
        except DataError:
            return
    assert table.X.dtype == np.uint8

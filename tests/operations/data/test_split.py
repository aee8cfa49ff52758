"""Parts of data: a partition of the rows, the very lines, and the rows that fit holds out."""

import bz2
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.build import load_splits
from svmtrain.cli import main
from svmtrain.config import parse_config
from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import read_table
from svmtrain.errors import ConfigError, DataError
from svmtrain.operations.data.split import split_data


def table(count=40, end="\n"):
    """Return a table with a header, quotes, an inner line end and a last line without its end."""
    rows = [f'{i},"say ""{i}""\n or two",{"xyz"[i % 3]}' for i in range(count)]
    return end.join(["a,w,label", *rows])


def lines_of(path):
    """Return the lines after the first, sorted."""
    return sorted(Path(path).read_bytes().splitlines()[1:])


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("stratified", [True, False])
def test_the_rows_held_out_are_those_that_a_training_holds_out(tmp_path, stratified, seed):
    """With the same fractions and seed."""
    text = "a,b,label\n" + "".join(f"{i},{i * i},{'xyz'[i % 3]}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(text)
    parts = split_data(
        *(str(tmp_path / "t.csv"), tmp_path / "parts"),
        test=0.2,
        validation=0.25,
        stratified=stratified,
        seed=seed,
    )
    config = parse_config(
        f"data: {{train: {tmp_path}/t.csv, test: 0.2, validation: 0.25, "
        f"stratified: {str(stratified).lower()}, seed: {seed}}}"
    )
    splits = load_splits(config)
    for part in parts:
        want = getattr(splits, part.name)
        found = read_table(part.path)
        assert np.array_equal(found.X, want.X)
        assert part.rows == len(want)
        assert list(part.classes.values()) == want.counts().tolist()


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.sampled_from("xyz")), min_size=8, max_size=40),
    st.floats(0.05, 0.9),
    st.integers(0, 100),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_parts_are_a_partition_of_the_lines(tmp_path_factory, rows, share, seed, stratified):
    """No line is lost, changed or there twice; each part has the header."""
    if len({label for _, label in rows}) < 2:
        return
    folder = tmp_path_factory.mktemp("split")
    lines = [f"{value},{label}" for value, label in rows]
    (folder / "t.csv").write_text("\n".join(["a,label", *lines]) + "\n")
    parts = split_data(str(folder / "t.csv"), folder, test=share, seed=seed, stratified=stratified)
    found = [line for part in parts for line in lines_of(part.path)]
    assert sorted(found) == sorted(line.encode() for line in lines)
    assert all(Path(part.path).read_text().startswith("a,label\n") for part in parts)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_stay_as_they_are(tmp_path, end):
    """Quotes, line ends inside and after, and text; only a missing last end is added."""
    (tmp_path / "t.csv").write_bytes(table(end=end).encode())
    parts = split_data(str(tmp_path / "t.csv"), tmp_path / "p")
    whole = b"".join(Path(part.path).read_bytes() for part in parts)
    header = f"a,w,label{end}".encode()
    assert whole.count(header) == 2
    bodies = whole.replace(header, b"")
    for i in range(40):
        assert f'{i},"say ""{i}""\n or two",{"xyz"[i % 3]}'.encode() in bodies
    assert len(bodies) in (len(table(end=end)) - len(header) + k for k in (0, 1, 2))


def test_svmlight_lines_keep_their_comments(tmp_path):
    """Lines without a row go; compressed files give plain parts."""
    lines = [f"{i % 2} 1:{i} # row {i}" for i in range(20)]
    text = "# a comment\n\n" + "\n".join(lines) + "\n"
    (tmp_path / "t.svm.bz2").write_bytes(bz2.compress(text.encode()))
    parts = split_data(str(tmp_path / "t.svm.bz2"), tmp_path / "p", test=0.25)
    found = [Path(part.path).read_text().splitlines() for part in parts]
    assert sorted(found[0] + found[1]) == sorted(lines)
    assert [Path(part.path).name for part in parts] == ["train.svm", "test.svm"]
    assert [part.rows for part in parts] == [16, 4]


def test_several_files_give_one_header(tmp_path):
    """The rows are those of all files, in order."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("v,label\n" + f"{name == 'a':d},x\n2,y\n" * 5)
    parts = split_data(str(tmp_path / "*.csv"), tmp_path / "p", test=0.2)
    assert sum(part.rows for part in parts) == 20
    for part in parts:
        assert Path(part.path).read_text().count("v,label") == 1


def test_other_formats_become_npz_or_stores(tmp_path):
    """Bytes stay bytes, names stay; sparse rows of a store make stores."""
    X, y = np.arange(60, dtype=np.uint8).reshape(20, 3), np.array(["u", "v"] * 10)
    np.savez(tmp_path / "t.npz", X=X, y=y, feature_names=np.array(["a", "b", "c"]))
    parts = split_data(str(tmp_path / "t.npz"), tmp_path / "p")
    tables = [read_table(part.path) for part in parts]
    assert {found.X.dtype for found in tables} == {np.dtype(np.uint8)}
    assert tables[0].feature_names == ("a", "b", "c")
    rows = np.concatenate([found.X for found in tables])
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, X.tolist()))
    text = "".join(f"{i % 2} {i % 7 + 1}:{i + 1}\n" for i in range(20))
    (tmp_path / "t.svm").write_text(text)
    assert main(["data", "convert", str(tmp_path / "t.svm"), str(tmp_path / "s"), "-q"]) == 0
    parts = split_data(str(tmp_path / "s"), tmp_path / "q")
    assert [Path(part.path).name for part in parts] == ["train.store", "test.store"]
    assert sum(len(read_table(part.path).X) for part in parts) == 20


def test_nothing_that_is_there_is_replaced_unasked(tmp_path):
    """Neither a part nor the source."""
    (tmp_path / "t.csv").write_text(table())
    split_data(str(tmp_path / "t.csv"), tmp_path / "p")
    before = (tmp_path / "p" / "test.csv").read_bytes()
    with pytest.raises(ConfigError, match=r"is there already \(--force"):
        split_data(str(tmp_path / "t.csv"), tmp_path / "p", seed=1)
    assert (tmp_path / "p" / "test.csv").read_bytes() == before
    split_data(str(tmp_path / "t.csv"), tmp_path / "p", seed=1, force=True)
    assert (tmp_path / "p" / "test.csv").read_bytes() != before
    (tmp_path / "train.csv").write_text(table())
    with pytest.raises(ConfigError, match="would be replaced"):
        split_data(str(tmp_path / "train.csv"), tmp_path, force=True)


def test_data_without_labels_are_refused(tmp_path):
    """There is nothing to keep the shares of."""
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(DataError, match="name the target"):
        split_data(str(tmp_path / "t.csv"), tmp_path / "p")


def test_the_command_tells_what_it_made(tmp_path, capsys):
    """As a table or one document."""
    (tmp_path / "t.csv").write_text(table())
    words = ["data", "split", str(tmp_path / "t.csv"), "--validation", "0.2", "-o"]
    assert main([*words, str(tmp_path / "a")]) == 0
    assert "validation" in capsys.readouterr().out
    assert main([*words, str(tmp_path / "b"), "--json", "--no-stratify"]) == 0
    parts = json.loads(capsys.readouterr().out)
    assert [part["name"] for part in parts] == ["train", "test", "validation"]
    assert sum(part["rows"] for part in parts) == 40
    assert main(["data", "split", str(tmp_path / "t.csv"), "--test", "0"]) == 2


def test_parts_go_to_a_folder_of_the_datas_name_unless_said_otherwise(tmp_path, monkeypatch):
    """In the current one."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv.bz2").write_bytes(bz2.compress(table().encode()))
    assert main(["data", "split", "t.csv.bz2", "--test", "0.2", "--stratify"]) == 0
    assert sorted(path.name for path in Path("t-parts").iterdir()) == ["test.csv", "train.csv"]


def test_standard_input_is_refused_for_what_it_is(tmp_path):
    """Its lines are needed twice."""
    with pytest.raises(DataError, match="save it to a file"):
        split_data("-", tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_text_is_split_without_its_values_in_memory(tmp_path):
    """A table of 16 MB of numbers takes a small part of that."""
    row = ",".join(["1"] * 1000)
    (tmp_path / "t.csv").write_text("".join(f"{row},{'xy'[i % 2]}\n" for i in range(2000)))
    tracemalloc.start()
    try:
        split_data(str(tmp_path / "t.csv"), tmp_path / "p", options=ReadOptions(target=-1))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12e6


def test_marks_and_ends_of_lines_are_those_of_the_source(tmp_path):
    """The byte order mark stands in every part; a last line without an end gets the usual one."""
    lines = [f"{i},{'xy'[i % 2]}" for i in range(10)]
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(["a,label", *lines]).encode())
    parts = split_data(str(tmp_path / "t.csv"), tmp_path / "p", test=0.5)
    contents = [Path(part.path).read_bytes() for part in parts]
    assert all(content.startswith(b"\xef\xbb\xbfa,label\r\n") for content in contents)
    assert [content.count(b"\r\n") for content in contents] == [1 + part.rows for part in parts]
    assert all(content.count(b"\n") == content.count(b"\r\n") for content in contents)
    assert sorted(line for part in parts for line in lines_of(part.path)) == sorted(
        line.encode() for line in lines
    )


def test_stores_become_stores_of_the_rows_that_a_training_holds_out(tmp_path):
    """Dense ones too."""
    X, y = np.arange(80, dtype=np.float32).reshape(40, 2), np.arange(40) % 3
    np.savez(tmp_path / "t.npz", X=X, y=y)
    assert main(["data", "convert", str(tmp_path / "t.npz"), str(tmp_path / "s"), "-q"]) == 0
    parts = split_data(str(tmp_path / "s"), tmp_path / "p", validation=0.25, seed=3)
    names = ["train.store", "test.store", "validation.store"]
    assert [Path(part.path).name for part in parts] == names
    data = f"train: {tmp_path}/s, test: 0.2, validation: 0.25, seed: 3"
    splits = load_splits(parse_config(f"data: {{{data}}}"))
    for part in parts:
        found, want = read_table(part.path), getattr(splits, part.name)
        assert found.X.dtype == np.float32
        assert np.array_equal(found.X, want.X)
        assert [*found.labels] == [want.classes[code] for code in want.y]


def test_rows_of_another_split_do_not_stay_beside_these(tmp_path):
    """They would be validated on, though they may be trained on."""
    (tmp_path / "t.csv").write_text(table())
    split_data(str(tmp_path / "t.csv"), tmp_path / "p", validation=0.2)
    with pytest.raises(ConfigError, match=r"validation\.csv: is of another split"):
        split_data(str(tmp_path / "t.csv"), tmp_path / "p", force=True)
    (tmp_path / "p" / "validation.csv").unlink()
    split_data(str(tmp_path / "t.csv"), tmp_path / "p", force=True)


def test_labels_of_any_script_and_number_are_counted(tmp_path, capsys):
    """The first classes are told of, and how many more there are."""
    rows = [f"{i},\u540d{i % 40:02}" for i in range(160)]
    (tmp_path / "t.csv").write_text("\n".join(["a,label", *rows]) + "\n", encoding="utf-8")
    assert main(["data", "split", str(tmp_path / "t.csv"), "-o", str(tmp_path / "p")]) == 0
    printed = capsys.readouterr().out
    assert "\u540d09: 3" in printed
    assert "\u540d10" not in printed
    assert " and 30 more" in printed

"""Every fault is listed, with its line, up to a limit; the exit code says whether there was one."""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.cli import main
from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import csv_table
from svmtrain.operations.data.check import check_data


def checked(path, content, limit=20, **options):
    """Check a text; return it as (line, column, problem) for each fault, and the whole."""
    Path(path).write_text(content)
    found = check_data(str(path), options=ReadOptions(**options), limit=limit)
    return [(fault.line, fault.column, fault.problem) for fault in found.faults], found


def test_all_faults_of_a_table_are_told_by_line_and_column(tmp_path):
    """Whatever is wrong with a row; good rows are counted."""
    text = "a,b,label\n1,2,x\n1,oops,x\n3,4\n5,6,\n7,8,y\n9,nan,x\n"
    faults, found = checked(tmp_path / "t.csv", text)
    assert [(line, column) for line, column, _ in faults] == [(3, 2), (4, None), (5, 3), (7, 2)]
    assert [
        word
        for _, _, problem in faults
        for word in ("oops", "2 columns", "label is empty")
        if word in problem
    ] == ["oops", "2 columns", "label is empty"]
    assert (found.rows, found.files, found.complete) == (2, 1, True)


def test_all_faults_of_an_svmlight_file_are_told(tmp_path):
    """A line each."""
    text = "1 1:2\nx 1:2\n1 2:1 1:1\n-1 0:1\n1 1:nan\n-1 1:1 # good\n"
    faults, found = checked(tmp_path / "t.svm", text)
    assert [line for line, _, _ in faults] == [2, 3, 4, 5]
    assert found.rows == 2


def test_faults_past_the_limit_are_not_listed_and_that_is_said(tmp_path, capsys):
    """30 faults, 20 of them told."""
    path = tmp_path / "t.csv"
    path.write_text("a,label\n" + "".join(f"bad{i},{'xy'[i % 2]}\n" for i in range(30)))
    assert main(["data", "check", str(path), "--header"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    assert lines[0].startswith(f"{path}:2:1: column 1 ('a') is 'bad0'")
    assert lines[-1] == "stopped after 20 faults (--limit)"
    assert main(["data", "check", str(path), "--header", "--limit", "100", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert len(document["faults"]) == 30
    assert document["complete"]
    assert document["faults"][29]["line"] == 31


def test_a_limit_that_is_just_met_is_not_passed(tmp_path):
    """As many faults as may be listed stop the reading."""
    faults, found = checked(tmp_path / "t.csv", "a,label\n1,x\nu,x\nv,y\n", limit=2)
    assert len(faults) == 2
    assert not found.complete


def test_good_data_are_said_to_be_good(tmp_path, capsys):
    """Exit 0 and a line."""
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,y\n")
    assert main(["data", "check", str(tmp_path / "t.csv")]) == 0
    assert capsys.readouterr().out == "2 rows in 1 file, no fault\n"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.csv", b"", "the file is empty"),
        ("t.csv", b'a,label\n1,"x\n', "never closed"),
        ("t.csv", b"a,label\n1,x\n2,x\n", "every row has the label 'x'"),
        ("t.npz", b"PK\x03\x04 no zip", "zip"),
        ("t.bin", bytes(3073 * 2)[:-1], "has the size"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_gives_its_fault(tmp_path, capsys, name, content, problem):
    """Exit 3 and a line."""
    (tmp_path / name).write_bytes(content)
    assert main(["data", "check", str(tmp_path / name)]) == 3
    printed = capsys.readouterr().out
    assert problem in printed
    assert printed.startswith(str(tmp_path / name))
    assert main(["data", "check", str(tmp_path / "missing")]) == 3
    assert "no such file" in capsys.readouterr().out


def test_what_cannot_be_read_past_is_told(tmp_path, capsys):
    """Such as a quote that is never closed: what follows is in it."""
    (tmp_path / "t.csv").write_bytes(b'a,label\n1,x\n"1,x\nbad,y\n')
    assert main(["data", "check", str(tmp_path / "t.csv"), "--header"]) == 3
    assert f"{tmp_path}/t.csv: cannot be read past line 3" in capsys.readouterr().out
    assert main(["data", "check", str(tmp_path / "t.csv"), "--header", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["complete"] is False


def test_every_file_of_a_pattern_is_checked(tmp_path, capsys):
    """A fault in one does not hide those of another."""
    (tmp_path / "a.csv").write_text("a,label\nu,x\n1,y\n")
    (tmp_path / "b.csv").write_text("a,label\n1,x\n1\n")
    assert main(["data", "check", str(tmp_path / "*.csv"), "--header"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [Path(line.split(":")[0]).name for line in lines] == ["a.csv", "b.csv"]


def test_columns_of_text_and_gaps_are_faults_unless_they_may_be_there(tmp_path):
    """As in a config."""
    text = "a,w,label\n1,u,x\n,v,y\n"
    assert len(checked(tmp_path / "t.csv", text)[0]) == 2
    assert checked(tmp_path / "t.csv", text, text=True, gaps=True)[0] == []
    assert len(checked(tmp_path / "t.csv", text, text=True)[0]) == 1


def test_the_digests_of_a_store_are_verified(tmp_path, capsys):
    """One byte of a value is enough."""
    np.savez(tmp_path / "t.npz", X=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
    place = tmp_path / "t.store"
    assert main(["data", "convert", str(tmp_path / "t.npz"), str(place), "-q"]) == 0
    assert main(["data", "check", str(place)]) == 0
    content = bytearray((place / "X.npy").read_bytes())
    content[-3] ^= 1
    (place / "X.npy").write_bytes(content)
    capsys.readouterr()
    assert main(["data", "check", str(place)]) == 3
    assert "X.npy" in capsys.readouterr().out


def test_the_limit_holds_for_the_files_of_a_pattern(tmp_path, capsys):
    """Files that are wrong as a whole count like rows that are."""
    for number in range(30):
        (tmp_path / f"{number:02}.npz").write_bytes(b"PK\x03\x04 no zip")
    assert main(["data", "check", str(tmp_path / "*.npz")]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "stopped after 20 faults (--limit)"


def test_a_blank_line_does_not_hide_the_faults_after_it(tmp_path):
    """It is one of them, and those at the end of a file are none."""
    faults, found = checked(tmp_path / "t.csv", "a,label\n1,x\n\n2,y\nu,x\n\n\n3,y\n\n")
    assert sorted(line for line, _, _ in faults) == [3, 5, 6]
    assert found.rows == 3


def test_labels_that_a_training_refuses_are_faults(tmp_path, capsys):
    """Such as one with an escape, which is shown escaped."""
    (tmp_path / "t.csv").write_text("a,label\n1,\x1b[31m\n2,y\n")
    assert main(["data", "check", str(tmp_path / "t.csv")]) == 3
    printed = capsys.readouterr().out
    assert "has a control character" in printed
    assert "\x1b" not in printed


GOOD, BAD_CELL, BAD_WIDTH, NO_LABEL = "1,2,x", "1,oops,x", "1,x", "1,2,"


@given(
    st.lists(st.sampled_from([GOOD, GOOD.replace("x", "y"), BAD_CELL, BAD_WIDTH, NO_LABEL])),
    st.integers(1, 9),
)
@settings(max_examples=extent(50, 200), deadline=None)
def test_each_bad_row_is_told_of_once_and_in_order(tmp_path_factory, rows, pieces):
    """However many there are, and however they are looked for; all others count as rows."""
    path = tmp_path_factory.mktemp("check") / "t.csv"
    with mock.patch.object(csv_table, "PIECE_ROWS", pieces):
        rows = [GOOD, GOOD.replace("x", "y"), *rows]
        faults, found = checked(path, "\n".join(["a,b,label", *rows]) + "\n", limit=1000)
    bad = [at + 2 for at, row in enumerate(rows) if row in (BAD_CELL, BAD_WIDTH, NO_LABEL)]
    assert [line for line, _, _ in faults] == bad
    assert (found.rows, found.complete) == (len(rows) - len(bad), True)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'"1"2,x\n', "text follows a closing quote"),
        (b"\xff,x\n", "not UTF-8: byte 0xff"),
        (b"1\x00,x\n", "holds a NUL byte"),
    ],
)
def test_a_line_that_cannot_be_read_hides_none_after_it(tmp_path, line, problem):
    """Nor the rows after it."""
    good = b"".join(b"%d,%s\n" % (i, b"xy"[i % 2 : i % 2 + 1]) for i in range(40))
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,label\n" + good + line + good + b"bad,x\n")
    found = check_data(str(path))
    assert [fault.line for fault in found.faults] == [42, 83]
    assert problem in found.faults[0].problem
    assert found.rows == 80


def test_a_nul_byte_in_an_svmlight_file_hides_no_fault_after_it(tmp_path):
    """As in a table."""
    faults, found = checked(tmp_path / "t.svm", "1 1:2\n1 1:\0\n-1 1:x\n-1 1:3\n")
    assert [line for line, _, _ in faults] == [2, 3]
    assert found.rows == 2


def test_files_of_one_dataset_must_have_the_same_columns(tmp_path):
    """The first decides; a file that cannot be read decides nothing."""
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.csv").write_text("a,b,label\n1,2,x\n3,4,y\n")
    (tmp_path / "c.csv").write_text("a,label\n1,x\n")
    (tmp_path / "d.csv").write_text("b,a,label\n1,2,x\n")
    found = check_data(str(tmp_path / "*.csv"))
    assert [Path(fault.path).name for fault in found.faults] == ["a.csv", "c.csv"]
    assert found.rows == 3


def test_labels_that_are_nearly_the_same_are_noted_and_no_fault(tmp_path, capsys):
    """Capitals and blanks, in any script."""
    path = tmp_path / "t.csv"
    path.write_text("a,label\n1,\u00fcber uns\n2,\u00dcberuns\n3,z\n", encoding="utf-8")
    assert main(["data", "check", str(path)]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("note: labels '\u00dcberuns' and '\u00fcber uns' differ in capitals")
    assert last == "3 rows in 1 file, no fault"
    assert main(["data", "check", str(path), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["warnings"]) == 1


def test_faults_do_not_keep_the_rows_that_were_at_hand(tmp_path):
    """By their tracebacks; there may be many of them."""
    _, found = checked(tmp_path / "t.csv", "a,label\n1,x\nu,x\n3,y\nv,y\n")
    assert [fault.__traceback__ for fault in found.faults] == [None, None]

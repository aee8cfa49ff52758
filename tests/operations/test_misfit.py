"""Data that do not fit a model: what it was trained on, what these are, and what to do."""

from pathlib import Path

import pytest
from small_files import PNG, SVMLIGHT
from small_runs import start, write_config, write_table

from svmtrain.errors import DataError
from svmtrain.operations.evaluate import evaluate_file
from svmtrain.operations.predict import Predictions, load_classifier


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return the models of a table whose column c is dropped, and of rows without names."""
    folder = tmp_path_factory.mktemp("misfit")
    table = start(write_config(folder), "table", "data.drop=[c]")
    (folder / "rows.svm").write_text("".join(f"{i % 2} 1:{i} 3:{i % 5}\n" for i in range(20)))
    rows = start(folder / "c.yaml", "rows", f"data.train={folder / 'rows.svm'}", "data.target=null",
                 "data.test=null")  # fmt: skip
    return {"table": table.model, "rows": rows.model}


def labelled(model, data):
    """Return the lines that `predict` writes."""
    return list(Predictions(load_classifier(model), data))


@pytest.fixture
def told(models, tmp_path, monkeypatch):
    """Judge or label data with a model and return the problem."""
    monkeypatch.chdir(tmp_path)

    def run(model, data, judge=False):
        use = evaluate_file if judge else labelled
        with pytest.raises(DataError) as caught:
            use(models[model], data)
        assert caught.value.path in (data, f"{data}/7/a.png")
        return caught.value.problem

    return run


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "1,2,3\n4,5,6\n", "0,0\n1,2\n"])
def test_a_table_without_a_header_is_told_the_columns(told, text):
    """Of a model that drops one, and so goes by names."""
    Path("t.csv").write_text(text)
    assert told("table", "t.csv") == (
        "has no header line, and the model finds its columns by their names: 'a', 'b' "
        "(write the names as its first line)"
    )


def test_other_data_than_those_of_training_are_told_from_them(told):
    """A table from pictures and from rows without names, and the other way round."""
    Path("pics/7").mkdir(parents=True)
    Path("pics/7/a.png").write_bytes(PNG[7])
    Path("d.svm").write_bytes(SVMLIGHT)
    write_table("t.csv", 6)
    trained = "the model was trained on a table with the columns 'a', 'b', and this is"
    assert told("table", "pics") == f"{trained} a folder of pictures"
    assert told("table", "d.svm") == f"{trained} svmlight data"
    assert told("rows", "t.csv") == (
        "has 4 features, but the model expects 3: the model was trained on rows of 3 values "
        "without names, and this is a table"
    )
    assert told("rows", "pics") == "has 2 features, but the model expects 3"


def test_a_picture_alone_belongs_into_a_folder(told):
    """Which is named then."""
    Path("a.png").write_bytes(PNG[7])
    assert "pictures are read from a folder: put it in one and name that" in told("rows", "a.png")


def test_rows_without_labels_can_be_labelled_and_not_judged(told):
    """Tables, by the name of the target; others as they say it."""
    write_table("t.csv", 6, columns="abc")
    hint = "; this needs labels, which svmtrain predict does not"
    assert told("table", "t.csv", judge=True).endswith(hint)
    Path("t2.csv").write_text("1,2,3\n4,5,6\n")
    assert told("rows", "t2.csv", judge=True).endswith(hint)


def test_a_header_with_one_name_twice_is_told_as_it_is(told):
    """It is one all the same."""
    Path("t.csv").write_text("a,a,b\n1,2,3\n")
    assert told("table", "t.csv") == "column 2 is called 'a', as is column 1"

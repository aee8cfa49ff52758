"""Columns that become features: against slow code, at their edges, and kept in a model."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.columns import MISSING, Encoder, Rules
from svmtrain.data.dataset import Dataset
from svmtrain.data.features import FILLS, encoded, fit_encoder, needs_encoder
from svmtrain.errors import DataError

NAN = math.nan
COLUMNS = ("age", "work", "hours", "town")
TEXTS = {1: ("state", "private", "none"), 3: ("Ulm", "Bern")}
ROWS = np.array(
    [
        [30.0, 0, 40, 1],
        [NAN, 1, 38, 0],
        [50, NAN, 38, 1],
        [20, 1, NAN, NAN],
        [20, 0, 38, 0],
        [60, 2, 20, 1],
    ]
)


def table(rows=ROWS, texts=TEXTS, names=COLUMNS):
    """Return raw rows as a dataset of two classes."""
    return Dataset(rows, np.arange(len(rows)) % 2, (0, 1), names, texts)


def fit(train=None, **rules):
    """Return an encoder; gaps become the mean if nothing else is said."""
    settings = {"text": "onehot", "missing": "mean", **rules}
    return fit_encoder(train or table(), Rules(**settings), "t.csv")


def slow(train, rows, texts, rules):
    """Return the features of rows by the definition, a cell at a time."""
    columns = []
    for at in range(len(rows[0])):
        seen = [row[at] for row in train.X.tolist() if not math.isnan(row[at])]
        if at in train.categories:
            words = [train.categories[at][int(value)] for value in seen]
            known = sorted(set(words))
            common = min(known, key=lambda word: (-words.count(word), word))
            cells = [common if math.isnan(row[at]) else texts[at][int(row[at])] for row in rows]
            if rules.text == "onehot":
                columns += [[float(cell == word) for cell in cells] for word in known]
            else:
                columns.append([known.index(cell) if cell in known else -1 for cell in cells])
            continue
        middle = sorted(seen)
        fill = {
            "mean": sum(seen) / len(seen),
            "median": (middle[(len(seen) - 1) // 2] + middle[len(seen) // 2]) / 2,
            "most_frequent": min(set(seen), key=lambda value: (-seen.count(value), value)),
            "constant": rules.missing_value,
        }[rules.missing]
        columns.append([fill if math.isnan(row[at]) else row[at] for row in rows])
    return np.array(columns).T


@pytest.mark.parametrize("text", ["onehot", "ordinal"])
@pytest.mark.parametrize("missing", ["mean", "median", "most_frequent", "constant"])
def test_features_are_those_of_the_definition(missing, text):
    """Numbers and texts, with and without gaps; other rows may number their texts otherwise."""
    rules = Rules(text=text, missing=missing, missing_value=-7.5, unseen="ignore")
    encoder = fit_encoder(table(), rules, "t.csv")
    np.testing.assert_allclose(
        encoder.encode(ROWS, TEXTS, "t.csv"), slow(table(), ROWS, TEXTS, rules), rtol=1e-14
    )
    others = np.array([[1.0, 2, 3, 0], [NAN, 0, NAN, 1], [4, 1, 5, NAN]])
    texts = {1: ("none", "abroad", "state"), 3: ("Paris", "Ulm")}
    np.testing.assert_allclose(
        encoder.encode(others, texts, "t.csv"), slow(table(), others, texts, rules), rtol=1e-14
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from(["mean", "median", "most_frequent"]))
@settings(max_examples=50)
def test_any_table_gives_the_features_of_the_definition(seed, missing):
    """Random columns, gaps and texts; fitted on a part of the rows."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.integers(0, 4, 12).astype(float), rng.integers(0, 3, 12)])
    rows[rng.random((12, 2)) < 0.2] = NAN
    rows[0] = [1, 2]
    texts = {1: ("c", "a", "b")}
    train = table(rows, texts, ("x", "t")).rows(np.arange(0, 12, 2))
    rules = Rules(text="onehot", missing=missing, unseen="ignore")
    found = fit_encoder(train, rules, "t.csv").encode(rows, texts, "t.csv")
    np.testing.assert_allclose(found, slow(train, rows, texts, rules), rtol=1e-14)


def test_features_have_names_where_the_columns_have():
    """A text's feature is called after both; without a header there are no names."""
    encoder = fit()
    assert encoder.feature_names == (
        *("age", "work=none", "work=private", "work=state", "hours", "town=Bern", "town=Ulm"),
    )
    assert encoder.n_features == 7
    assert encoder.column_names == COLUMNS
    assert encoder.vocabulary == {1: ("none", "private", "state"), 3: ("Bern", "Ulm")}
    assert fit(text="ordinal").feature_names == COLUMNS
    nameless = fit(table(names=None))
    assert nameless.feature_names is nameless.column_names is None


def test_only_training_rows_are_learned_from():
    """A text or a number that held-out rows alone have is not known."""
    encoder = fit(table().rows(np.array([0, 1, 2, 4])), unseen="error")
    assert encoder.vocabulary[1] == ("private", "state")
    expected = r"t\.csv: row 106 has 'none' in column 'work', .* known are 'private', 'state' "
    with pytest.raises(DataError, match=expected):
        encoder.encode(ROWS, TEXTS, "t.csv", at=100)


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_a_gap_that_is_not_filled_is_an_error_with_row_and_column(missing):
    """When it is asked for features of such a row all the same."""
    encoder = fit(missing=missing)
    with pytest.raises(DataError, match=r"t\.csv: row 2 has a gap in column 'age'.*" + missing):
        encoder.encode(ROWS, TEXTS, "t.csv")


def test_rows_with_gaps_can_be_left_out():
    """And their labels with them."""
    found = encoded(table(), fit(missing="drop"), "t.csv", block=2)
    assert found.y.tolist() == [0, 0, 1]
    assert found.X[:, 0].tolist() == [30, 20, 60]
    assert len(encoded(table(), fit(), "t.csv", block=4)) == 6


def test_features_of_a_large_mapped_file_are_made_when_they_are_looked_at(tmp_path, monkeypatch):
    """They are those that would be held, also of the rows without gaps alone."""
    np.save(tmp_path / "X.npy", ROWS)
    mapped = table(np.asarray(np.load(tmp_path / "X.npy", mmap_mode="r")))
    for missing in ("mean", "median", "drop"):
        encoder = fit(missing=missing)
        held = encoded(table(), encoder, "t.csv")
        with monkeypatch.context() as patch:
            patch.setattr("svmtrain.data.features.HELD_LIMIT", 100)
            assert fit(mapped, missing=missing) == encoder
            made = encoded(mapped, encoder, "t.csv", block=4)
        assert made.matrix is mapped.matrix
        assert (len(made), made.n_features) == (len(held), held.n_features)
        assert made.feature_names == held.feature_names
        assert np.array_equal(made.X, held.X)
        assert np.array_equal(made.take(np.array([2, 0])), held.take(np.array([2, 0])))
        assert np.array_equal(made.part(1, 3), held.part(1, 3))
        assert np.array_equal(made.y, held.y)
    with monkeypatch.context() as patch:
        patch.setattr("svmtrain.data.features.HELD_LIMIT", 100)
        few = fit(table().rows(np.array([0, 1, 2, 4])), unseen="error")
        with pytest.raises(DataError, match="row 6 has 'none'"):
            encoded(mapped, few, "t.csv")


def test_a_column_of_gaps_alone_is_refused():
    """There is nothing to fill it with."""
    rows = ROWS.copy()
    rows[:, 2] = NAN
    with pytest.raises(DataError, match=r"column 'hours' has no value in any training row"):
        fit(table(rows))


def test_too_many_texts_are_refused_with_what_may_be_the_reason():
    """A number column with a mark that was not declared is recognised."""
    many = np.arange(6.0)[:, np.newaxis]
    texts = {0: ("a", "b", "c", "d", "e", "f")}
    with pytest.raises(DataError, match=r"column 'x' has 6 texts; one-hot takes at most 5 \(drop"):
        fit(table(many, texts, ("x",)), max_categories=5)
    assert fit(table(many, texts, ("x",)), max_categories=6).n_features == 6
    assert fit(table(many, texts, ("x",)), max_categories=5, text="ordinal").n_features == 1
    texts = {0: ("none given", "1", "2.5", "3", "4", "5")}
    with pytest.raises(DataError, match=r"83% of its cells are numbers: is 'none given' a gap"):
        fit(table(many, texts, ("x",)), max_categories=5)


def test_only_odd_texts_are_asked_about():
    """A column of numbers that is said to be text has no mark to be asked about."""
    texts = {0: ("1", "2", "3", "4", "5", "6")}
    with pytest.raises(DataError, match=r"column 'x' has 6 texts; .* at most 5 \(drop"):
        fit(table(np.arange(6.0)[:, np.newaxis], texts, ("x",)), max_categories=5)


@pytest.mark.parametrize("missing", ["mean", "median"])
def test_numbers_too_large_to_be_averaged_are_refused(missing):
    """A gap is never filled with infinity."""
    rows = np.array([[1.7e308], [1.7e308], [NAN]])
    with pytest.raises(DataError, match=rf"the {missing} of column 'x' is beyond the floats"):
        fit(table(rows, {}, ("x",)), missing=missing)
    assert fit(table(rows, {}, ("x",)), missing="most_frequent").columns[0].fill == 1.7e308


def test_more_texts_than_a_model_can_keep_are_refused(monkeypatch):
    """Before a run is begun, since its model could not be read again."""
    monkeypatch.setattr("svmtrain.data.features.CARD_LIMIT", 700)
    assert fit(text="ordinal").n_features == 4
    rows = np.arange(60.0)[:, np.newaxis]
    texts = {0: tuple(f"name {i}" for i in range(60))}
    expected = r"take [0-9,]+ characters in a model.* drop column 'x' .* which has 60 texts"
    with pytest.raises(DataError, match=expected):
        fit(table(rows, texts, ("x",)), text="ordinal")


def test_rows_are_named_by_their_places_in_the_file():
    """Also those of a part."""
    encoder = fit(table().rows(np.array([0, 1, 2, 4])), unseen="error")
    with pytest.raises(DataError, match="row 6 has 'none'"):
        encoded(table().rows(np.array([0, 2, 5])), encoder, "t.csv")
    with pytest.raises(DataError, match="row 9 has 'none'"):
        encoder.encode(ROWS[[0, 5]], TEXTS, "t.csv", np.array([3, 8]))


def test_plain_numbers_need_no_encoder():
    """Unless gaps are to be filled in rows to come."""
    plain = table(np.ones((2, 2)), {}, ("a", "b"))
    assert not needs_encoder(plain, Rules())
    assert needs_encoder(plain, Rules(missing="mean"))
    assert needs_encoder(table(), Rules())


def test_an_encoder_comes_back_from_its_card():
    """As plain values, equal in everything."""
    for rules in ({}, {"missing": "drop"}, {"text": "ordinal", "missing": "constant"}):
        encoder = fit(**rules)
        assert Encoder.from_card(encoder.card()) == encoder


@pytest.mark.parametrize(
    "change",
    [
        {"text": "both"},
        {"missing": "guess"},
        {"unseen": 1},
        {"max_categories": 0},
        {"max_categories": True},
        {"missing_value": "0"},
        {"named": None},
        {"marks": [None]},
        {"marks": "?"},
        {"columns": []},
        {"columns": [{"name": "a", "categories": None}]},
        {"columns": [{"name": 1, "categories": None, "fill": 0.0}]},
        {"columns": [{"name": "a", "categories": ["b", "a"], "fill": "a"}]},
        {"columns": [{"name": "a", "categories": ["a", "a"], "fill": "a"}]},
        {"columns": [{"name": "a", "categories": [1], "fill": None}]},
        {"columns": [{"name": "a", "categories": ["a"], "fill": "b"}]},
        {"columns": [{"name": "a", "categories": None, "fill": "b"}]},
        {"columns": [{"name": "a", "categories": None, "fill": True}]},
        {"columns": [{"name": "a", "categories": [], "fill": None}]},
        {"columns": [{"name": "a", "categories": None, "fill": math.inf}]},
        {"columns": [{"name": "a", "categories": None, "fill": 0.0}] * 2},
        {"missing_value": NAN},
        {"text": "error"},
        {"more": 1},
    ],
)
def test_a_forged_card_is_refused(change):
    """Nothing in it is believed."""
    with pytest.raises(ValueError, match=r"."):
        Encoder.from_card({**fit().card(), **change})


def test_every_way_to_fill_is_known_to_the_definition():
    """The table of the tests has what the code has."""
    assert set(FILLS) == {"error", "drop", "mean", "median", "most_frequent", "constant"}
    assert tuple(FILLS) == MISSING

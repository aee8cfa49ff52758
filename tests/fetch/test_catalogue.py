"""The catalogue: every entry can be used, and claims no more than is known."""

import re
from pathlib import PurePath
from urllib.parse import urlsplit

import pytest

from svmtrain.errors import ConfigError
from svmtrain.fetch.catalogue import CATALOGUE, find
from svmtrain.fetch.entries import RemoteFile

FORMATS = {"idx", "cifar10", "cifar100", "csv", "svmlight"}
NAMES = ["mnist", "fashion-mnist", "cifar10", "cifar100", "adult", "a9a", "news20", "rcv1"]


def made_names(dataset):
    """Return the names of the files of a data set and of what is made from them."""
    for file in dataset.files:
        yield file.name
        yield from (output.name for output in file.outputs)
        if file.rewrite:
            yield file.rewrite.name


def test_the_catalogue_has_the_data_sets():
    """By name, each under its own."""
    assert list(CATALOGUE) == NAMES
    assert all(name == dataset.name for name, dataset in CATALOGUE.items())


@pytest.mark.parametrize("dataset", CATALOGUE.values(), ids=lambda one: one.name)
def test_an_entry_is_complete(dataset):
    """Rows, a licence, a format; files with plain names of their own, the config's among them."""
    assert min(dataset.train_rows, dataset.test_rows, dataset.features) > 0
    assert dataset.classes >= 2
    assert dataset.licence
    assert dataset.title
    assert dataset.format in FORMATS
    names = list(made_names(dataset))
    assert len(names) == len(set(names))
    assert all(PurePath(name).name == name and not name.startswith(".") for name in names)
    assert {dataset.train, dataset.test} <= set(names)


@pytest.mark.parametrize(
    "file",
    [file for dataset in CATALOGUE.values() for file in dataset.files],
    ids=lambda file: file.name,
)
def test_a_file_can_be_checked(file):
    """By a digest, its lines or its members; https comes first, and without a digest alone."""
    schemes = [urlsplit(url).scheme for url in file.urls]
    assert schemes[0] == "https"
    assert set(schemes) <= {"http", "https"}
    assert all(url.endswith(f"/{file.name}") for url in file.urls)
    digests = [digest for digest in (file.sha256, file.content_sha256) if digest]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert file.verified == bool(digests)
    if not file.verified:
        assert file.lines or file.outputs
        assert set(schemes) == {"https"}


def test_what_is_verified_is_as_entered():
    """A data set is when all of its files are."""
    verified = [name for name, dataset in CATALOGUE.items() if dataset.verified]
    assert verified == ["mnist", "fashion-mnist", "adult", "a9a"]


def test_sizes_add_up_when_all_are_known():
    """And are unknown when one is."""
    assert find("mnist").size == 9_912_422 + 28_881 + 1_648_877 + 4_542
    assert find("news20").size is None


def test_a_size_binds_unless_only_the_content_is_known():
    """A mirror may have compressed the same content in another way, within reason."""
    file = RemoteFile("x.gz", ("https://example.org/x.gz",), 10)
    assert (file.exact_size, file.limit) == (10, 20)
    other = RemoteFile("x.gz", file.urls, 10, content_sha256="0" * 64)
    assert (other.exact_size, other.limit) == (None, 20)


@pytest.mark.parametrize(("name", "meant"), [("mnsit", "mnist"), ("CIFAR-10", "cifar10")])
def test_an_unknown_name_gets_a_suggestion(name, meant):
    """And the list of names; it is a usage error."""
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'") as caught:
        find(name)
    assert ", ".join(NAMES) in str(caught.value)
    assert caught.value.exit_code == 2

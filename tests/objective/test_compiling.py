"""Compiled loops where nothing can be kept on disk."""

import errno

import pytest
from numba.core import caching

from svmtrain.objective.compiling import compiled


def double(x):
    """Return twice a number."""
    return 2 * x


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_ends_no_work(monkeypatch, code):
    """What was compiled is used all the same."""
    tried = []

    def refuse(self, key, data):
        tried.append(key)
        raise OSError(code, "no")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", refuse)
    assert compiled(double)(21) == 42
    assert len(tried) == 1


def test_where_no_folder_can_be_written_nothing_is_kept(monkeypatch):
    """Without a home and beside code that is read only."""

    class Nowhere:
        @classmethod
        def from_function(cls, function, path):
            return None

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [Nowhere])
    assert compiled(double)(21) == 42

"""No code from a file: what the source may not hold, and what a load may not do."""

from pathlib import Path

import pytest
from bans import CALLS, FAMILIES, FLAGS, IMPORTS, LOADERS, NAMES, banned

import svmtrain

PACKAGE = Path(svmtrain.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


def place(path):
    """Return where a module is in the package."""
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=map(place, SOURCES))
def test_no_module_can_run_what_it_reads(path):
    """No pickle, no eval, no process, no network but in fetch, no archive unpacked as it says."""
    assert banned(path.read_text(encoding="utf-8"), place(path)) == []


PLANTED = {
    **{f"import of {name}": f"import {name}" for name in sorted(IMPORTS)},
    **{f"import from {name}": f"from {name}.a import b" for name in sorted(IMPORTS)},
    **{
        f"import of {name} inside": f"def f():\n    import {name}.a as b"
        for name in sorted(IMPORTS)
    },
    **{f"call of {name}": f"{name}('x')" for name in sorted({*NAMES, *CALLS})},
    **{f"method {name}": f"a.b.{name}('x')" for name in sorted(CALLS) if "." not in name},
    **{f"builtins.{name}": f"builtins.{name}('x')" for name in sorted(NAMES)},
    **{f"{name} by another name": f"f = {name}" for name in sorted(NAMES)},
    **{f"{name}*": f"{name}vp('sh', [])" for name in sorted(FAMILIES)},
    **{f"loader {name}": f"yaml.{name}(text)" for name in sorted(LOADERS)},
    **{f"import of {name}": f"from yaml import {name}" for name in sorted(LOADERS)},
    **{f"flag {name}": f"f(x, {name}=True)" for name in sorted(FLAGS)},
    **{f"flag {name} by a variable": f"f(x, {name}=y)" for name in sorted(FLAGS)},
    **{
        f"import of the function {name}": "from {} import {}".format(*name.rsplit(".", 1))
        for name in sorted(CALLS)
        if "." in name
    },
    "class by its subclasses": "().__class__.__base__.__subclasses__()",
}


@pytest.mark.parametrize("snippet", PLANTED.values(), ids=PLANTED)
def test_every_ban_bites(snippet):
    """Planted alone, and behind other code, in a module that has no leave."""
    assert len(banned(snippet, "data/new.py")) == 1
    found = banned(f"X = 1\n\nclass A:\n    Y = 2\n\n{snippet}\n", "model.py")
    assert [line for line, _ in found] == [6 + snippet.count("\n")]


HARMLESS = (
    "import re\nre.compile('a')",
    "numba.njit(f)\nfunction.compile(signature)",
    "ast.parse(text, mode='eval')",
    "np.lib.format.write_array(b, a, allow_pickle=False)",
    "yaml.SafeLoader(text)",
    "json.load(f)\nself.load(path)",
    "import zipfile\nzipfile.ZipFile(b).read('a')",
)


@pytest.mark.parametrize("snippet", HARMLESS)
def test_the_bans_leave_alone_what_is_harmless(snippet):
    """A pattern is compiled, an expression is parsed, an array is written."""
    assert banned(snippet, "data/new.py") == []


def test_every_leave_is_made_use_of():
    """A leave that no module needs any more is withdrawn."""
    for table in (IMPORTS, CALLS):
        for name, places in table.items():
            for leave in places:
                users = [path for path in SOURCES if place(path).startswith(leave)]
                sources = [path.read_text(encoding="utf-8") for path in users]
                assert any(banned(source, "nowhere.py") for source in sources), (name, leave)

"""The pages in docs/: they are built without a warning, lead nowhere wrong, and tell the truth."""

import importlib.util
import itertools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from readme_blocks import DOCS, README, ROOT, outline, steps_of
from site_check import Page, faults

from svmtrain.cli import group
from svmtrain.config import load_config
from svmtrain.config.keys import KEYS
from svmtrain.data.readers import READERS
from svmtrain.data.scaling import SCALINGS
from svmtrain.exchange.forms import EXPORTS
from svmtrain.fetch.catalogue import CATALOGUE
from svmtrain.graph.gates import GATES
from svmtrain.objective.losses import LOSSES
from svmtrain.report.plots import PLOTS
from svmtrain.solvers.averaging import AVERAGING
from svmtrain.solvers.schedules import SCHEDULES

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, where pytest brings it
    import tomli as tomllib

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = [page for page in DOCS if steps_of(page)]
EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
)
OTHERS = {"svmtrain", "export", "pip", "make", "python3", ".", "sh", "sbatch", "cmp", "sort"}
OTHERS |= {"tensorboard", "liblinear-predict", "dask", "helm", "kubectl"}


def script(name):
    """Return a script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS, PICTURES = script("hooks"), script("make_pictures")
COMMANDS = {
    context.command_path: command for command, context in HOOKS.commands_of(group, "svmtrain")
}


def blocks(page, language):
    """Return the blocks of a page in a language."""
    return [text for name, text in BLOCK.findall(page.read_text()) if name == language]


def name_of(page):
    """Return what a page is called in the names of tests."""
    return str(page.relative_to(ROOT / "docs"))


def test_the_site_is_built_without_a_warning_and_leads_nowhere_wrong(tmp_path):
    """Links, anchors and pictures lead somewhere; nothing comes from outside; pictures have words.

    One build for all that is asked of the built pages, which takes seconds.
    """
    for package in ("mkdocs", "material", "mkdocstrings"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not there: the extra docs has it")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    lines, followed = faults(tmp_path)
    assert lines == []
    assert followed > 1000
    keys = Page((tmp_path / "reference/config.html").read_text()).ids
    assert set(KEYS) <= keys
    commands = Page((tmp_path / "reference/commands.html").read_text()).ids
    assert {path.replace(" ", "-") for path in COMMANDS} <= commands
    assert (
        "svmtrain.operations.fit.fit" in Page((tmp_path / "reference/python.html").read_text()).ids
    )
    assert not list(tmp_path.rglob("*.py"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<a href="gone.html">', "the link gone.html leads nowhere"),
        ('<a href="/gone/">', "the link /gone/ leads nowhere"),
        ('<a href="other.html#gone">', "the link other.html#gone leads to no place of other.html"),
        ('<a href="#gone">', "the link #gone leads to no place of page.html"),
        ('<img src="gone.png" alt="a">', "gone.png is not there"),
        ('<img src="a.png">', "the picture a.png has no alternative text"),
        ('<img src="a.png" alt=" ">', "the picture a.png has no alternative text"),
        ('<img src="//x.org/a.png" alt="a">', "//x.org/a.png is loaded from outside"),
        ('<img src="a.png" srcset="https://x.org/b 2x" alt="a">', "https://x.org/b is loaded"),
        ('<script src="https://x.org/a.js"></script>', "https://x.org/a.js is loaded from outside"),
        ('<link rel="stylesheet" href="http://x.org/a.css">', "http://x.org/a.css is loaded"),
        ('<link rel="preconnect" href="https://x.org">', "https://x.org is loaded from outside"),
        ("<style>@import 'https://x.org/a'</style>", "https://x.org/a is loaded from outside"),
        ('<p style="background: url(//x.org/a)">', "//x.org/a is loaded from outside"),
        ('<pre class="mermaid">', "a diagram that loads a library"),
    ],
)
def test_a_fault_of_a_page_is_found(tmp_path, text, fault):
    """The checker of the built pages is not blind; what is sound is left alone."""
    (tmp_path / "other.html").write_text('<h1 id="here">')
    (tmp_path / "a.png").touch()
    (tmp_path / "a.css").write_text("p { background: url('a.png') url(data:image/png;base64,x) }")
    sound = (
        '<a href="other.html#here"><a href="https://x.org"><img src="a.png" alt="a"><a href="#">'
    )
    (tmp_path / "page.html").write_text(sound)
    assert faults(tmp_path) == ([], 2)
    (tmp_path / "page.html").write_text(sound + text)
    lines, _ = faults(tmp_path)
    assert len(lines) == 1
    assert lines[0].startswith(f"page.html: {fault}")


def test_a_style_sheet_that_loads_from_outside_is_found(tmp_path):
    """Fonts mostly come that way."""
    (tmp_path / "a.css").write_text("@font-face { src: url(https://x.org/font) }")
    assert faults(tmp_path)[0] == ["a.css: https://x.org/font is loaded from outside"]


def test_the_files_for_clusters_are_shown_on_the_pages_as_they_are():
    """Each once, whole, where its link stands."""
    shown = [HOOKS.shown_files(page.read_text()) for page in DOCS]
    for path in (ROOT / "configs" / "cluster").iterdir():
        name = path.relative_to(ROOT)
        block = f' title="{name}"\n{path.read_text()}```\n'
        assert sum(text.count(block) for text in shown) == 1, name
        assert f"[{name}](" not in "".join(shown)


def test_the_reference_has_every_command_with_every_option():
    """As the help has them."""
    text = HOOKS.commands()
    assert len(COMMANDS) > 30
    for path, command in COMMANDS.items():
        section = re.search(rf"^##+ {path}\n\n```text\n(.*?)```", text, re.MULTILINE | re.DOTALL)
        assert section is not None, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[-1] in section[1], (path, parameter.opts)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("choices", [*LOSSES, *SCHEDULES, *AVERAGING, *SCALINGS, *READERS, *EXPORTS]),
        ("choices", [*PLOTS, *CATALOGUE]),
        ("gates", list(GATES)),
    ],
)
def test_the_reference_has_every_choice(page, names):
    """Each begins a row of a table."""
    text = HOOKS.PAGES[page]()
    assert [name for name in names if f"\n| `{name}` |" not in text] == []


def test_the_exit_codes_of_the_reference_are_those_of_the_readme():
    """One list is made from the code, the other was written."""
    made = re.findall(r"^\| (\d+) \|", HOOKS.exit_codes(), re.MULTILINE)
    table = README.read_text().partition("| code | meaning |")[2].partition("\n\n")[0]
    written = [
        n for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for n in row.split(", ")
    ]
    assert len(made) > 10
    assert sorted(made, key=int) == sorted(written, key=int)


def test_what_means_something_to_markdown_means_itself_in_a_cell():
    """Texts of the code are shown as they are."""
    assert HOOKS.cell("a_b | <c> [d] *e*") == r"a\_b \| &lt;c&gt; \[d\] \*e\*"
    assert HOOKS.code("a|b") == r"`a\|b`"
    assert HOOKS.prose("a `b_c|d` e_f ` g") == r"a `b_c\|d` e\_f \` g"


def test_a_page_of_the_project_links_to_pages_and_brings_its_pictures():
    """What is no page leaves its words behind."""
    text = "[a](SECURITY.md#x) [b](data/) ![c\nd](data/p.svg) ![e](docs/pictures/q.png) [f](#g)"
    assert HOOKS.project_page(text) == (
        "[a](security.md#x) b ![c\nd](p.svg) ![e](../pictures/q.png) [f](#g)",
        ["data/p.svg"],
    )


@pytest.mark.parametrize(
    "page", [ROOT / name for name in HOOKS.PROJECT], ids=lambda page: page.name
)
def test_the_links_of_a_file_of_the_repository_lead_somewhere(page):
    """Relative ones, pictures too; those have words."""
    for picture, words, target in HOOKS.LINK.findall(page.read_text()):
        path = target.partition("#")[0]
        assert "://" in target or not path or (ROOT / path).exists(), target
        assert words.strip() or not picture, target


def test_the_drawings_are_what_the_code_draws_now(tmp_path):
    """To the byte, and no drawing is left over."""
    PICTURES.draw(tmp_path)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in PICTURES.FOLDER.glob("*.svg")}
    assert sorted(drawn) == sorted(kept)
    assert [name for name in drawn if drawn[name] != kept[name]] == []


@pytest.mark.parametrize("name", PICTURES.PICTURES)
def test_a_drawing_stands_below_the_command_that_makes_it(name):
    """Its table of stages comes from the very circuit that is drawn."""
    wanted = ["svmtrain", "circuit", *PICTURES.PICTURES[name]]
    pages = [
        page for page in (ROOT / "docs/theory").glob("*.md") if f"/{name}.svg)" in page.read_text()
    ]
    assert len(pages) == 1
    above = re.split(rf"\(\.\./pictures/{name}\.svg\)", pages[0].read_text())[0]
    command = re.findall(r"^\$ (.*)$", above, re.MULTILINE)[-1]
    assert [word for word in shlex.split(command) if word != "--check"] == wanted


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_every_command_of_a_page_prints_what_the_page_shows(page, printed):
    """In order, in one folder; numbers may differ, but not those of circuits."""
    for step in steps_of(page):
        found = printed(step.command)
        exact = step.command.startswith("svmtrain circuit") and "--check" not in step.command
        assert outline(found) == outline(step.output), step.command
        assert found == step.output or not exact, step.command


def test_pages_show_enough_commands():
    """The tests of commands are not about nothing."""
    assert len(RUN) > 10
    assert sum(len(steps_of(page)) for page in RUN) > 40


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_every_command_of_a_page_exists_with_its_options(page):
    """Also where it is not run: commands, options, keys, targets of make, extras."""
    written = "".join(blocks(page, "sh")).splitlines()
    for line in (*written, *(step.command for step in steps_of(page))):
        first, *rest = (shlex.split(part, comments=True) for part in re.split(r" \| | && ", line))
        for words in (first, *rest):
            if words[:1] == ["svmtrain"]:
                assert_known(words)
        if line in written:
            assert first[0] in OTHERS, line
        if first[0] == "make":
            assert f"\n.PHONY: {first[1]}\n" in (ROOT / "Makefile").read_text()
        if first[0] == "pip" and first[2].startswith("."):
            assert set(re.findall(r"\w+", first[2])) <= EXTRAS, line


def assert_known(words):
    """Fail unless a command line of svmtrain has a command, options and keys that there are."""
    words = [word.partition(">")[0] for word in words]
    path = max((" ".join(words[:n]) for n in (1, 2, 3) if " ".join(words[:n]) in COMMANDS), key=len)
    command = COMMANDS[path]
    given = words[len(path.split()) :]
    assert path != "svmtrain" or given[0].startswith("-"), words
    assert not isinstance(command, click.Group) or given[0].startswith("-"), words
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for word in given:
        if word.startswith("-") and len(word) > 1:
            assert word.partition("=")[0] in options | {"--help"}, words
    for flag, value in itertools.pairwise(given):
        if flag in ("--set", "--grid"):
            assert value.partition("=")[0] in KEYS, words
        if value.startswith(("configs/", "data/")) and not value.startswith("data/mnist"):
            assert (ROOT / value).exists(), value


@pytest.mark.parametrize(
    "line",
    [
        "svmtrain fot configs/iris.yaml",
        "svmtrain runs lost",
        "svmtrain fit configs/iris.yaml --nome x",
        "svmtrain fit configs/iris.yaml --set solver.epoch=3",
        "svmtrain fit -q configs/irs.yaml",
    ],
)
def test_a_command_that_is_not_there_is_found(line):
    """The checker of commands is not blind."""
    with pytest.raises(AssertionError):
        assert_known(line.split())


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, text) for page in DOCS for text in blocks(page, "yaml")],
    ids=lambda value: name_of(value) if isinstance(value, Path) else "",
)
def test_every_piece_of_a_config_on_a_page_loads(tmp_path, page, text):
    """Keys and values; where it names no data, it is given some."""
    (tmp_path / "c.yaml").write_text(text if "data:" in text else f"data: {{train: a.csv}}\n{text}")
    assert load_config(tmp_path / "c.yaml").data.train


def test_the_python_of_the_pages_is_python_and_that_of_the_reference_runs(printed, capsys):
    """Other pages use what an earlier command of theirs left, or other programs."""
    for page in DOCS:
        for text in blocks(page, "python"):
            code = compile(text, name_of(page), "exec")
            if page.parent.name == "reference":
                capsys.readouterr()
                exec(code, {})
                gap, accuracy = map(float, capsys.readouterr().out.split())
                assert abs(gap) < 0.01  # it is 0 but for rounding
                assert accuracy > 0.9

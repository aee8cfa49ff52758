"""The pages that MkDocs makes when the site is built, so that nothing in them is copied by hand.

MkDocs calls `on_files` and `on_page_markdown`. Each page of `PAGES`, the reference, is a function
that returns Markdown out of the tables of the package; those of `PROJECT` are files of the
repository, as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parent.parent
HELP_WIDTH = 80
LINK = re.compile(r"(!?)\[([^]]*)\]\(([^)\s]+)\)")
FILE = re.compile(r"^\[(configs/[\w/.-]+)\]\((?:\.\./)+\1\)$", re.MULTILINE)
LANGUAGES = {".sh": "bash", ".sbatch": "bash", ".py": "python", ".yaml": "yaml"}

#: Files of the repository that are pages of the site too, by their names in `project/`.
PROJECT = {
    "README.md": "readme",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the code."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=page()))
    for source, name in PROJECT.items():
        text, pictures = project_page((ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, f"project/{name}.md", content=text))
        for picture in pictures:
            to = f"project/{Path(picture).name}"
            files.append(File.generated(config, to, abs_src_path=str(ROOT / picture)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show the files that a page hands out."""
    return shown_files(markdown)


def shown_files(text: str) -> str:
    """Return a page with each link to a file of `configs/`, alone on its line, as that file."""

    def shown(match: re.Match[str]) -> str:
        path = ROOT / match[1]
        content = path.read_text(encoding="utf-8")
        return f'```{LANGUAGES[path.suffix]} title="{match[1]}"\n{content}```'

    return FILE.sub(shown, text)


def project_page(text: str) -> tuple[str, list[str]]:
    """Return a file of the repository as a page, and the pictures outside docs/ that it shows.

    Links go to other pages; those to files that are no pages leave their text behind.
    """
    pictures = []

    def moved(match: re.Match[str]) -> str:
        picture, words, target = match.groups()
        path, hash_sign, anchor = target.partition("#")
        if not path or "://" in path:
            return match[0]
        if path in PROJECT:
            return f"[{words}]({PROJECT[path]}.md{hash_sign}{anchor})"
        if path.startswith("docs/"):
            return f"{picture}[{words}](../{target.removeprefix('docs/')})"
        if not picture:
            return words
        pictures.append(path)
        return f"![{words}]({Path(path).name})"

    return LINK.sub(moved, text), pictures


def cell(text: object) -> str:
    """Return a text that means itself inside a table of Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]|#" else escape(c) for c in str(text))


def prose(text: str) -> str:
    """Return a sentence of the code, in which what stands between backticks is code, for a cell."""
    parts = re.findall(r"`[^`]*`|[^`]+|`", text)
    return "".join(code(p[1:-1]) if p[0] == "`" and len(p) > 2 else cell(p) for p in parts)


def code(text: object) -> str:
    """Return a text as code inside a table."""
    return f"`{text}`".replace("|", "\\|")


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of Markdown; cells are Markdown already."""
    lines = [list(header)]
    lines += [["---"] * len(lines[0]), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def commands_of(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield a command and all below it, each with the context in which its help is written."""
    settings = {**command.context_settings, "terminal_width": HELP_WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield command, context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from commands_of(found, below, context)


def commands() -> str:
    """Return the page of all commands, each with its help as `--help` prints it."""
    from svmtrain.cli import group

    parts = ["# Commands\n\nEach as `--help` prints it.\n"]
    for command, context in commands_of(group, "svmtrain"):
        depth = "##" if context.parent is None or context.parent.parent is None else "###"
        parts.append(f"{depth} {context.command_path}\n")
        parts.append(f"```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


def config() -> str:
    """Return the page of all keys of a config."""
    from svmtrain.config.keys import keys_of
    from svmtrain.config.render import yaml_value
    from svmtrain.config.schema import SECTIONS

    parts = [
        "# Keys of a config\n\n"
        "A config has these sections; only `data.train` must be there. On the command line a key "
        "is set by `--set SECTION.KEY=VALUE`.\n"
    ]
    for section, cls in SECTIONS.items():
        parts.append(f"## {section}\n\n{(cls.__doc__ or '').splitlines()[0]}\n")
        for key in keys_of(section):
            default = "none, it must be given" if key.required else code(yaml_value(key.default))
            parts.append(
                f"### {key.dotted} {{ #{key.dotted} }}\n\n"
                f"{prose(key.help[:1].upper() + key.help[1:])}.\n\n"
                f"Values: {cell(key.kind.describe())}. Default: {default}.\n"
            )
    return "\n".join(parts)


def first_line(thing: Any) -> str:
    """Return the first line of a docstring."""
    return (thing.__doc__ or "").strip().splitlines()[0]


def choices() -> str:
    """Return the page of the tables that settings choose from."""
    parts = ["# Choices\n\nThe tables that keys of a config and options choose from.\n"]
    for title, where, header, rows in _choices():
        parts += [f"## {title}\n\n{where}\n", table(header, rows)]
    return "\n".join(parts)


def _choices() -> Iterator[tuple[str, str, tuple[str, ...], list[list[str]]]]:
    """Yield title, where it is chosen, header and rows of each table."""
    from svmtrain.data.readers import READERS
    from svmtrain.data.scaling import SCALINGS
    from svmtrain.exchange.forms import EXPORTS
    from svmtrain.fetch.catalogue import CATALOGUE
    from svmtrain.objective.losses import LOSSES
    from svmtrain.report.plots import PLOTS
    from svmtrain.solvers.averaging import AVERAGING
    from svmtrain.solvers.schedules import SCHEDULES

    rows = [[code(n), code(x.formula), cell(x.source)] for n, x in LOSSES.items()]
    yield "Losses", link("objective.loss"), ("name", "loss of a row", "source"), rows
    rows = [
        [code(n), code(x.formula), "yes" if x.needs_horizon else "no"] for n, x in SCHEDULES.items()
    ]
    about = f"{link('solver.schedule')} Here t is the step, T all steps that are planned, E those "
    about += "of an epoch. A rate that plans by T cannot be prolonged by a resume."
    yield "Schedules", about, ("name", "step size", "plans by T"), rows
    rows = [[code(n), prose(first_line(x))] for n, x in AVERAGING.items()]
    yield (
        "Averaging",
        link("solver.averaging"),
        ("name", "weight of the newest in the mean"),
        [[code("none"), "the last weights are taken"], *rows],
    )
    yield "Scalings", link("preprocess.scale"), ("name",), [[code(n)] for n in SCALINGS]
    rows = [[code(n), " ".join(map(code, x.suffixes)) or "a folder"] for n, x in READERS.items()]
    about = f"{link('data.format')} Any of them may be packed by gzip, bzip2 or xz."
    yield "Formats of data", about, ("name", "endings"), rows
    rows = [[code(n), " ".join(map(code, x.writers)), cell(x.what)] for n, x in EXPORTS.items()]
    about = "`svmtrain export --to` chooses one."
    yield "Forms of an export", about, ("name", "endings", "what it is"), rows
    rows = [[code(n), cell(words)] for n, (_, words) in PLOTS.items()]
    yield "Plots", "`svmtrain plot` draws one.", ("name", "what it shows"), rows
    rows = [[code(n), cell(x.title)] for n, x in CATALOGUE.items()]
    yield "Public data", "`svmtrain data fetch` downloads one.", ("name", "what it is"), rows


def link(key: str) -> str:
    """Return a sentence that leads to a key."""
    return f"[`{key}`](config.md#{key}) chooses one."


def gates() -> str:
    """Return the page of the gates."""
    from svmtrain.graph.composites import COMPOSITES
    from svmtrain.graph.gates import GATES, TIED

    parts = [
        "# Gates\n\nWhat the circuits of `svmtrain circuit` are made of. In the lines below, g is "
        "the gradient that arrives at the output. A gate with a kink takes one side of it at a "
        "tie; one that can be made of others is made so in a test, and must agree.\n"
    ]
    rows = [
        [
            code(name),
            str(gate.arity),
            cell(gate.about),
            " ".join(map(code, gate.options)),
            "yes" if name in TIED else "",
            "yes" if name in COMPOSITES else "",
        ]
        for name, gate in GATES.items()
    ]
    header = ("name", "inputs", "output; gradient; domain", "options", "kink", "of others")
    return "\n".join([*parts, table(header, rows)])


def exit_codes() -> str:
    """Return the page of the exit codes, out of the exceptions and signals that have them."""
    from svmtrain import errors, interrupts

    rows: dict[int, list[str]] = {0: ["Done."], 1: ["An internal error."]}
    for thing in vars(errors).values():
        kind = isinstance(thing, type) and issubclass(thing, errors.SvmtrainError)
        if kind and thing not in (errors.SvmtrainError, errors.Interrupted):
            rows.setdefault(thing.exit_code, []).append(first_line(thing))
    for number in interrupts.STOP_SIGNALS:
        again = number.name == "SIGUSR1"
        rows.setdefault(interrupts.PREEMPTED if again else 128 + number, []).append(
            f"{number.name}: saved" + (", run the same command again." if again else ".")
        )
    rows[141] = ["Whoever read the output has gone."]
    return (
        "# Exit codes\n\nAn error is one line on stderr, and the code of its kind. "
        "`svmtrain --debug COMMAND` shows the traceback besides.\n\n"
    ) + table(("code", "what happened"), ([str(n), prose(" ".join(rows[n]))] for n in sorted(rows)))


#: Every page that is made from the code, by its name in `reference/`.
PAGES: dict[str, Callable[[], str]] = {
    "commands": commands,
    "config": config,
    "choices": choices,
    "gates": gates,
    "exit-codes": exit_codes,
}

"""Who may import whom: the table of the rooms, and a walk over the source that holds it to it."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from svmtrain.cli import COMMANDS

PACKAGE = Path(__file__).resolve().parent.parent / "svmtrain"

# Every room (a folder or a module of the package) and the rooms it may import from, in the order
# in which the data flow: a room may name only rooms above it.
ROOMS = {
    "errors": set(),
    "files": {"errors"},
    "strict_json": {"errors"},
    "interrupts": {"errors"},
    "threads": {"errors"},
    "config": {"errors", "files"},
    "data": {"errors", "files", "strict_json", "interrupts"},
    "fetch": {"errors", "files", "interrupts"},  # knows names of formats, and reads none of them
    "objective": {"errors"},
    "translate": {"objective"},  # an objective in the words of other programs
    "graph": {"errors"},  # apart from objective, so that their agreement means something
    "gradcheck": set(),  # takes callables and knows no loss
    "solvers": {"errors", "objective"},
    "metrics": {"errors"},
    "calibration": set(),
    "training": {"errors", "interrupts", "data", "objective", "solvers"},
    "container": {"errors", "files", "strict_json"},
    "model": {"errors", "files", "strict_json", "data", "objective", "container", "calibration"},
    # Models in the forms of other programs.
    "exchange": {"errors", "files", "data", "objective", "model"},
    "checkpoint": {"errors", "strict_json", "solvers", "training", "container", "model"},
    "runs": {"errors", "files", "config", "training", "model", "checkpoint"},
    "build": {
        "errors",
        "files",
        "interrupts",
        "config",
        "data",
        "objective",
        "solvers",
        "training",
        "model",
    },
    # The same training over rows that are on other machines.
    "cluster": {
        "errors",
        "interrupts",
        "config",
        "data",
        "objective",
        "solvers",
        "training",
        "build",
    },
    # The conventions of scikit-learn around the training that a run has.
    "estimator": {
        "errors",
        "config",
        "data",
        "objective",
        "solvers",
        "training",
        "build",
    },
    "operations": {
        "errors",
        "files",
        "interrupts",
        "threads",
        "config",
        "data",
        "fetch",
        "objective",
        "translate",
        "solvers",
        "calibration",
        "metrics",
        "training",
        "model",
        "exchange",
        "checkpoint",
        "runs",
        "build",
        "cluster",
        "graph",
        "gradcheck",
    },
    # Many runs at once: each an ordinary one, trained as `fit` does.
    "experiments": {
        "errors",
        "files",
        "interrupts",
        "threads",
        "config",
        "data",
        "solvers",
        "metrics",
        "training",
        "model",
        "runs",
        "build",
        "cluster",
        "operations",
    },
    # What people look at: drawings and pages, out of runs as they are.
    "report": {
        "errors",
        "files",
        "strict_json",
        "interrupts",
        "config",
        "data",
        "graph",
        "calibration",
        "metrics",
        "training",
        "model",
        "runs",
        "build",
        "operations",
        "experiments",
    },
    # The terminal shows what the others made and computes nothing: no objective, no solvers, no
    # metrics, no build.
    "cli": {
        "errors",
        "files",
        "interrupts",
        "threads",
        "config",
        "data",
        "fetch",
        "training",
        "model",
        "runs",
        "operations",
        "experiments",
        "report",
        "graph",
        "gradcheck",
    },
}

# The rooms of pure numbers: arrays and plain values in, arrays and plain values out.
NUMERIC = ("objective", "graph", "gradcheck", "solvers", "calibration")
OUTSIDE_THE_NUMBERS = {
    *("builtins", "click", "fcntl", "io", "json", "logging", "os", "pathlib", "shutil"),
    *("subprocess", "sys", "tempfile", "time", "tqdm", "warnings", "yaml"),
}

# A picture is bytes, and matplotlib wants a stream to put them into; it is one in memory.
ALLOWED_ALL_THE_SAME = {"svmtrain.graph.draw": {"io"}}

# Packages that one room alone deals with.
KEPT_BY = {
    **{"click": "cli", "yaml": "config", "tqdm": "training"},
    **{"dask": "cluster", "distributed": "cluster", "fsspec": "cluster"},
    **{"jinja2": "report", "tensorboardX": "operations"},
    **{"urllib": "fetch", "socket": "fetch", "tarfile": "fetch"},
}


def name_of(path):
    """Return the dotted name of a module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """Return the room of a module: the first name after the package's."""
    return module.split(".")[1]


def imports_of(module):
    """Return the dotted names that a module imports, anywhere in it.

    A name taken from a package is the submodule of that name when there is one.
    """
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import, line {node.lineno}"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module)
    return found


def own_imports_of(module):
    """Return the modules of the package that a module imports."""
    return {name for name in imports_of(module) if name in MODULES} - {module}


ROOMED = [name for name in MODULES if name not in ("svmtrain", "svmtrain.__main__")]


def test_the_table_has_every_room():
    """A new room takes its place in the table."""
    assert {room_of(name) for name in ROOMED} <= set(ROOMS)


def test_the_table_flows_one_way():
    """A room may import from rooms above it in the table only, so rooms form no circle."""
    order = list(ROOMS)
    for room, allowed in ROOMS.items():
        assert allowed <= set(order[: order.index(room)]), room


@pytest.mark.parametrize("module", ROOMED)
def test_a_module_imports_from_allowed_rooms_only(module):
    """The imports of a module are those that the table allows its room."""
    room = room_of(module)
    others = {room_of(name) for name in own_imports_of(module) if name != "svmtrain"} - {room}
    assert others <= ROOMS[room], f"{module} imports from {sorted(others - ROOMS[room])}"


def test_modules_form_no_circle():
    """Not even inside a room, and not by imports inside functions."""
    try:
        TopologicalSorter({name: own_imports_of(name) for name in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_bare_package_imports_nothing():
    """`import svmtrain` costs nothing, so that a command can decide what it needs.

    The estimator alone is named, where types are checked and when it is asked for.
    """
    assert imports_of("svmtrain") <= {"__future__", "typing", "svmtrain.estimator"}
    tree = ast.parse(MODULES["svmtrain"].read_text(encoding="utf-8"))
    at_once = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert at_once == {"__future__", "typing"}
    words = "import svmtrain, sys; print(sorted({'numpy', 'click', 'yaml'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=PACKAGE.parent,
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("module", [name for name in ROOMED if room_of(name) in NUMERIC])
def test_numeric_rooms_neither_print_nor_open(module):
    """Numbers go in and numbers come out: no files, no terminal, no clock, no config."""
    roots = {name.split(".")[0] for name in imports_of(module)}
    assert not (roots & OUTSIDE_THE_NUMBERS) - ALLOWED_ALL_THE_SAME.get(module, set())
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"print", "open", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("package", KEPT_BY)
def test_a_package_is_dealt_with_in_one_room(package):
    """The terminal, YAML, progress bars and the network each have their place."""
    users = {
        room_of(name)
        for name in ROOMED
        if package in {imported.split(".")[0] for imported in imports_of(name)}
    }
    assert users == {KEPT_BY[package]}


HELP = """
import sys
from svmtrain.cli import main
for command in sys.argv[1:]:
    code = main([*command.split(), "--help"])
    heavy = {"numpy", "scipy", "yaml", "tqdm", "matplotlib"} & set(sys.modules)
    print("ended:", command, code, *sorted(heavy))
"""


def test_help_imports_nothing_heavy():
    """`svmtrain --help` and the help of each command need click alone, one after the other."""
    commands = ["", *COMMANDS]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HELP, *commands],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=PACKAGE.parent,
    )
    ended = [line for line in done.stdout.splitlines() if line.startswith("ended:")]
    assert ended == [f"ended: {command} 0" for command in commands]
    assert done.stdout.count("Usage: svmtrain") == len(commands)

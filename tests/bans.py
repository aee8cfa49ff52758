"""What the source of svmtrain may not hold, found in its syntax trees."""

import ast

#: Modules whose import is banned, and the part of the package that may import them all the same.
IMPORTS = {
    **dict.fromkeys(("pickle", "_pickle", "cPickle", "marshal", "shelve", "dill"), ()),
    **dict.fromkeys(("joblib", "cloudpickle", "copyreg", "jsonpickle"), ()),
    **dict.fromkeys(("subprocess", "pty", "concurrent", "asyncio"), ()),
    # Gives what it made itself to processes that it began itself, through pipes without a name.
    # In the other place, what Dask begins is kept from the signals of a terminal.
    "multiprocessing": ("experiments/workers.py", "cluster/connection.py"),
    **dict.fromkeys(("code", "codeop", "runpy", "imp", "zipimport"), ()),
    "pkgutil": ("cluster/asking.py",),  # looks up versions, by names of its own
    **dict.fromkeys(("socket", "ssl", "urllib", "http"), ("fetch/",)),
    **dict.fromkeys(("socketserver", "ftplib", "smtplib", "requests", "xmlrpc", "telnetlib"), ()),
    "shutil": (),
    "tempfile": ("data/readers/opening.py",),
    "importlib": (
        *("cli/groups.py", "data/sparse.py", "data/readers/csv_arrow.py"),
        "operations/identity.py",  # asks for versions
    ),
    "ctypes": ("data/store/folder.py",),
    "tarfile": ("fetch/content.py",),
}

#: Functions of Python that are banned, called or handed on, also as attributes of `builtins`.
NAMES = ("eval", "exec", "compile", "__import__", "breakpoint", "__builtins__")

#: Calls that are banned by their whole or last names, and where they are allowed all the same.
CALLS = {
    "import_module": ("cli/groups.py",),
    **dict.fromkeys(("os.system", "os.popen", "os.startfile", "os.fork", "os.forkpty"), ()),
    **dict.fromkeys(("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"), ()),
    **dict.fromkeys(("yaml.unsafe_load_all", "yaml.full_load_all", "yaml.safe_load"), ()),
    **dict.fromkeys(("np.load", "numpy.load", "np.loadtxt", "np.genfromtxt"), ()),
    **dict.fromkeys(("np.DataSource", "np.lib.format.read_array"), ()),
    **dict.fromkeys(("extractall", "extract", "unpack_archive", "read_pickle", "to_pickle"), ()),
    **dict.fromkeys(("urlopen", "urlretrieve", "create_connection", "mktemp"), ()),
}
FAMILIES = ("os.exec", "os.spawn", "os.posix_spawn")
LOADERS = {"CSafeLoader", "Loader", "CLoader", "UnsafeLoader", "CUnsafeLoader"}
LOADERS |= {"FullLoader", "CFullLoader", "UnsafeConstructor", "FullConstructor"}
FLAGS = {"allow_pickle", "shell"}


def banned(source, path):
    """Return (line, what) of all that is banned in a source; `path` is its place in svmtrain."""
    return sorted(
        (node.lineno, what)
        for node in ast.walk(ast.parse(source))
        for what in (*_imports(node, path), *_calls(node, path), *_names(node))
    )


def _allowed(path, places):
    return any(
        path == place or (place.endswith("/") and path.startswith(place)) for place in places
    )


def _imports(node, path):
    """Yield the banned modules that a statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module]
    else:
        return
    for name in names:
        top = name.partition(".")[0]
        if top in IMPORTS and not _allowed(path, IMPORTS[top]):
            yield f"import {top}"


def _calls(node, path):
    """Yield what a call is banned for: its name, or a flag."""
    if isinstance(node, ast.ImportFrom):
        names = {f"{node.module}.{alias.name}" for alias in node.names}
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        names = {name, name.rpartition(".")[2]}
        for keyword in node.keywords:
            off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg in FLAGS and not off:
                yield keyword.arg
    else:
        return
    for name in names:
        if name in CALLS and not _allowed(path, CALLS[name]):
            yield name
        if name.startswith(FAMILIES):
            yield name


def _names(node):
    """Yield functions that run code, loaders of YAML that make objects or crash, and back doors."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
    if isinstance(node, ast.alias):
        name = node.name
    if name in LOADERS or name in ("__subclasses__", "__globals__", "__reduce__"):
        yield name
    owner = ast.unparse(node.value) if isinstance(node, ast.Attribute) else ""
    if name in NAMES and (isinstance(node, ast.Name) or owner == "builtins"):
        yield name

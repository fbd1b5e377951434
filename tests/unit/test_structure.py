"""The structure of the package: imports go down the list of folders, files are short, plugin folders hold plugins."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support import longest

PACKAGE = ROOT / "workflow" / "pellucid"
# Lowest first; "" holds the modules directly in the package. A module imports from its own folder and from lower ones.
FOLDERS = [
    "",
    "config",
    "jobs",
    "network",
    "datasets",
    "models",
    "prepare",
    "train",
    "explain",
    "views",
    "score",
    "evaluate",
    "summarise",
    "compare",
    "draw",
    "page",
    "tracking",
    "api",
    "cli",
]
# Modules that are no plugins, and folders, in the folders of plugins.
PLUGINS = {
    "datasets": {"readers", "heartbeats"},
    "models": {"imported", "published"},
    "explain": {"run", "shared"},
    "views": {"run", "shared"},
    "score": {"run", "shared"},
}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 60
# Private attributes of Keras that describe a model's graph, by the module that uses them. They may change with any
# release of Keras: use network/graph.py instead.
KERAS_PRIVATE = re.compile(
    r"\._(keras_history|inbound_nodes|outbound_nodes|nodes_by_depth|functional|operations_by_depth|run_through_graph)\b"
)
USES_KERAS_PRIVATE = {
    "models.imported.config_graph": {"functional"},
    "models.imported.head": {"inbound_nodes", "keras_history"},
    "models.imported.last_operation": {"inbound_nodes", "keras_history"},
    "models.imported.own_keys": {"run_through_graph"},
    "network.graph": {"inbound_nodes", "keras_history"},
    "network.layers": {"nodes_by_depth"},
    "train.input_scale": {"run_through_graph"},
}


def module_name(path: Path) -> str:
    """Return the dotted name of a module of the package, as "explain.lime"."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__").removesuffix("__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def folder(module: str) -> str:
    """Return the folder of a module: "" for one directly in the package."""
    first = module.split(".")[0]
    return first if (PACKAGE / first).is_dir() else ""


@cache
def imports(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports, at its head or in a function."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner.removeprefix("pellucid.") in MODULES else node.module)
    return frozenset(name.removeprefix("pellucid.") for name in names if name.removeprefix("pellucid.") in MODULES) - {
        module
    }


def is_plugin(module: str) -> bool:
    """Return whether a module assigns a `SPEC` in a folder of plugins."""
    if folder(module) not in PLUGINS or module.count(".") != 1:
        return False
    return any(
        isinstance(target, ast.Name) and target.id == "SPEC"
        for node in tree(module).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    )


def test_every_folder_has_its_place_in_the_list():
    assert {folder(module) for module in MODULES} == set(FOLDERS)


@pytest.mark.parametrize("name", FOLDERS)
def test_imports_go_down_the_list_of_folders(name):
    allowed = FOLDERS[: FOLDERS.index(name) + 1]
    upward = [
        f"{module} imports {other}"
        for module in MODULES
        if folder(module) == name
        for other in sorted(imports(module))
        if folder(other) not in allowed
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle():
    waiting = {module: set(imports(module)) for module in MODULES}
    while free := {module for module, others in waiting.items() if not others & waiting.keys()}:
        waiting = {module: others for module, others in waiting.items() if module not in free}
    assert sorted(waiting) == []


def test_plugins_are_imported_by_their_own_folder_alone():
    by_name = [
        f"{module} imports {other}"
        for module in MODULES
        for other in sorted(imports(module))
        if is_plugin(other) and folder(module) != folder(other)
    ]
    assert by_name == []


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_folder_holds_plugins_their_base_and_what_they_share(name):
    entries = {path.stem for path in (PACKAGE / name).iterdir() if path.stem not in ("__init__", "__pycache__")}
    others = {entry for entry in entries if not is_plugin(f"{name}.{entry}")} - {"base"}
    assert others == PLUGINS[name]


def lengths() -> dict[str, int]:
    """Return the number of lines of every file and of every function that is too long.

    The signature of a plugin's function does not count: it is the table of the plugin's parameters.
    """
    found = {}
    for path in [*MODULES.values(), *PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]:
        if (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES:
            found[str(path.relative_to(PACKAGE))] = lines
    for module in MODULES:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    found[f"{module}:{node.name}"] = lines
    return found


def test_no_file_and_no_function_is_too_long():
    assert lengths() == {}


def test_keras_private_graph_is_used_where_it_was():
    uses = {
        module: {match[1] for match in KERAS_PRIVATE.finditer(path.read_text(encoding="utf-8"))}
        for module, path in MODULES.items()
    }
    assert {module: names for module, names in uses.items() if names} == USES_KERAS_PRIVATE


def test_the_longest_tests_are_there():
    assert [name for name in longest.FILES if not (ROOT / name).is_file()] == []
    assert len(set(longest.FILES)) == len(longest.FILES)

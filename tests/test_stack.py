"""The package is one stack: no circle of imports, no room that climbs, nothing too large.

Imports inside functions count as any other, and so do those that `rooms.postponed` makes later;
those for types alone do not, they are never run.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import cnnfast

ROOT = Path(cnnfast.utils.__file__).parents[1]
REPOSITORY = Path(__file__).parents[1]
FILES = sorted(ROOT.rglob("*.py"))
CORE = "cnnfast._core"  # compiled, and imports none
LONGEST_FILE = 500
MOST_MODULES = 25
TESTS = REPOSITORY / "tests"
# Folders of tests of what no room has alone.
OF_THE_WHOLE = {"fuzz", "mutation", "native", "networks", "reliability", "scripts", "typing"}

# From the ground up; what stands in one line imports no other of that line.
STACK = (
    ("names", "startup", "utils"),
    ("errors",),
    ("datasets", "files", "random", "tree", "variables"),
    ("engine",),
    ("lowering",),
    ("config", "profiling", "symbolic"),
    ("dtype_policies",),
    ("activations", "constraints", "initializers", "regularizers"),
    ("layers",),
    ("ops",),
    ("callbacks", "losses", "optimizers"),
    ("metrics", "mixed_precision"),
    ("models", "backend"),
    ("saving",),
    ("applications", "preprocessing"),
    ("quantization",),
    ("cli",),
    ("__main__",),
)
LEVELS = {room: level for level, rooms in enumerate(STACK) for room in rooms}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in FILES}


def for_types(node: ast.If) -> bool:
    return ast.unparse(node.test) == "TYPE_CHECKING"


def postpones(node: ast.If) -> bool:
    """Whether what is imported for types alone is imported later when it runs."""
    return any("rooms.postponed" in ast.unparse(other) for other in node.orelse)


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and for_types(child) and not postpones(child):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from statements(child)


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Return which modules of the package each imports; a name in a package is the package."""
    found = {}
    for name, file in MODULES.items():
        inside: set[str] = set()
        for statement in statements(ast.parse(file.read_text())):
            if isinstance(statement, ast.Import):
                inside |= {alias.name for alias in statement.names}
                continue
            assert not statement.level, f"{name} imports by a relative name"
            base = str(statement.module)
            for alias in statement.names:
                whole = f"{base}.{alias.name}"
                if whole != CORE:
                    inside.add(whole if whole in MODULES else base)
        found[name] = frozenset((inside & MODULES.keys()) - {name})
    return found


def circles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Return the sets of nodes that can all be reached from each other, by Tarjan's algorithm."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for following in sorted(graph[node]):
            if following not in order:
                visit(following)
            if following in stack:
                lowest[node] = min(lowest[node], lowest[following])
        if lowest[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def test_a_circle_is_found() -> None:
    assert circles({"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("b")}) == [["b", "c"]]


@pytest.mark.long
def test_no_module_imports_itself_in_a_circle() -> None:
    assert circles(imports()) == []


IMPORTS_BY_NAME = {
    "cnnfast.backend.functions",  # `eval` is Keras' name for a tensor's numbers
    "cnnfast.utils.facade",
    "cnnfast.utils.moved",
    "cnnfast.utils.rooms",
}


def names_in(file: Path) -> set[str]:
    """Return the names that the code of a file speaks of, attributes included."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    return {getattr(node, "attr", None) or getattr(node, "id", "") for node in nodes} | {
        alias.name for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names
    }


@pytest.mark.long
def test_no_module_hides_an_import_behind_a_name() -> None:
    hiding = {"__import__", "import_module", "exec", "eval"}
    found = {module for module, file in MODULES.items() if names_in(file) & hiding}
    assert found == IMPORTS_BY_NAME


def room(module: str) -> str | None:
    return module.split(".")[1] if "." in module else None


def test_every_room_has_its_place_in_the_stack() -> None:
    assert {room(module) for module in MODULES} - {None} == LEVELS.keys()


@pytest.mark.parametrize("name", sorted(LEVELS))
def test_no_import_climbs(name: str) -> None:
    climbing = [
        f"{module} imports {other}"
        for module, others in imports().items()
        if room(module) == name
        for other in others
        if (upper := room(other)) not in (None, name) and LEVELS[upper] >= LEVELS[name]
    ]
    assert climbing == []


def postponed(name: str) -> dict[str, str]:
    """Return the names, and their modules, that type checkers see where they are imported later."""
    blocks = [n for n in ast.parse(MODULES[name].read_text()).body if isinstance(n, ast.If)]
    return {
        alias.name: str(statement.module)
        for block in blocks
        if postpones(block)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


LATE = [name for name, file in MODULES.items() if "rooms.postponed" in file.read_text()]


@pytest.mark.parametrize("name", sorted(set(LATE) - {"cnnfast", "cnnfast.layers"}))
def test_type_checkers_see_what_a_package_imports_when_it_is_asked(name: str) -> None:
    package, seen = importlib.import_module(name), postponed(name)
    assert seen
    assert seen.keys() <= set(package.__all__)
    assert set(package.__all__) - seen.keys() <= vars(package).keys()  # which it has itself
    for public, module in seen.items():
        assert getattr(package, public) is getattr(sys.modules[module], public)


def test_no_folder_has_many_modules() -> None:
    counts = {folder: len(list(folder.glob("*.py"))) for folder in {file.parent for file in FILES}}
    assert {str(f): n for f, n in counts.items() if n > MOST_MODULES} == {}


def written(folder: Path) -> list[Path]:
    """Return the files below a folder that people write and read."""
    found = [file for end in ("py", "pyi", "cpp", "hpp") for file in folder.rglob(f"*.{end}")]
    assert found, f"{folder} has no files"
    return found


@pytest.mark.parametrize("folder", ["cnnfast", "csrc", "tests", "benchmarks", "examples"])
def test_no_file_is_long(folder: str) -> None:
    files = written(ROOT if folder == "cnnfast" else REPOSITORY / folder)
    lengths = {str(file): len(file.read_text().splitlines()) for file in files}
    assert {file: n for file, n in lengths.items() if n > LONGEST_FILE} == {}


def test_python_s_side_of_the_core_stands_in_one_folder() -> None:
    including = [file for file in written(REPOSITORY / "csrc") if "pybind11" in file.read_text()]
    assert including
    assert {file.parent.name for file in including} == {"bindings"}


def test_a_test_is_found_by_the_path_of_what_it_tests() -> None:
    folders = {file.parent.relative_to(TESTS) for file in TESTS.rglob("test_*.py")}
    rooms = {file.parent.relative_to(ROOT) for file in FILES}
    core = {folder.relative_to(REPOSITORY) for folder in (REPOSITORY / "csrc").rglob("*")}
    of_all = {folder for folder in folders if folder.parts and folder.parts[0] in OF_THE_WHOLE}
    assert folders - of_all <= rooms | core | {Path("csrc")}
    assert rooms <= folders | {Path("data")}

"""What begins with an underscore is a room's own: others ask for what it offers."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import carbonflows_fast as cf

PACKAGE = Path(cf.__file__).parent

# Of Python and other packages: offered, or without another way.
FOREIGN = {
    "_actions": "the arguments of a parser of argparse",
    "_exit": "of os",
    "_fields": "of named tuples",
    "_mmap": "the pages under a memmap of NumPy",
    "_replace": "of named tuples",
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def defined(tree: ast.Module) -> set[str]:
    """Names that a module binds: functions, variables, and attributes of its objects."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {node.attr} if getattr(node.value, "id", "") == "self" else set()
    return found


def read(tree: ast.Module) -> dict[str, int]:
    """Private attributes that a module reads of anything, and names that it imports, by line."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if getattr(node.value, "id", "") not in ("self", "cls"):  # may be of a base class
                found[node.attr] = node.lineno
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("carbonflows_fast"):
            folder = PACKAGE.joinpath(*str(node.module).split(".")[1:])
            modules = {alias.name for alias in node.names if (folder / f"{alias.name}.py").exists()}
            names = {alias.name for alias in node.names} - modules - {"_core"}
            found |= {name: node.lineno for name in names if is_private(name)}
    return found


def test_no_room_reads_what_is_private_to_another() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    own = defaultdict(set)
    for path, tree in trees.items():
        own[room_of(path)] |= defined(tree)
    strangers = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path, tree in trees.items()
        for name, line in read(tree).items()
        if name not in own[room_of(path)] | FOREIGN.keys()
    ]
    assert not strangers, "\n".join(["private to another room:", *sorted(strangers)])


def test_what_is_said_of_other_packages_is_needed() -> None:
    used = {name for path in PACKAGE.rglob("*.py") for name in read(ast.parse(path.read_text()))}
    assert used >= FOREIGN.keys()

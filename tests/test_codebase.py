"""Rules about the code itself: who imports whom, what loads when, one version everywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import carbonflows_fast as cf

PACKAGE = Path(cf.__file__).parent
ROOT = Path(__file__).parent.parent

# Rooms in flow order. A module imports only from its own room and those before it.
ROOMS = [
    ["_parts", "_numbers", "_labels", "_units", "_validate", "_views", "_small", "_changes",
     "_equality", "aggregation", "table", "_table_argument", "_stressors", "selection"],
    ["readers", "pymrio_bridge", "_pymrio_frames"],
    ["synthetic", "_synthetic_recipe"],
    ["_tiles", "_rhs", "_certificate", "_blas", "_direct", "_sweeps",
     "_byproducts", "_guards", "_solution", "_methods", "leontief", "_subsystems"],
    ["store", "_generations", "_manifest", "_stored_arrays"],
    ["_conversion"],
    ["accounting", "_account_solves", "_imports", "_footprints"],
    ["checks", "_check_report", "_findings", "_intensity_findings", "_jumps", "_effects",
     "_negative_findings", "_oddities", "_outliers", "_label_findings", "_pattern_findings",
     "_differences", "_sales_jumps", "repairs", "_repair_steps", "_ledger"],
    ["pymrio_accounts"],  # the other half of pymrio_bridge: it needs solves and accounts
    ["trade", "_flow_matrix", "_bilateral"],
    ["linkages"],
    ["paths", "_path_options", "_path_result", "_path_stages"],
    ["sectors", "_sector_result"],
    ["decomposition", "path_decomposition", "_pair", "_comparable", "_nested", "_means", "_lmdi",
     "_logarithms", "_log_line", "_chained", "_change_result"],
    ["panel", "_panel_tasks", "_panel_pool", "_panel_memory", "_panel_run",
     "_panel_start", "_panel_here"],
    ["figures"],
    ["reporting"],
    ["__main__", "_interrupts", "cli", "_cli_demo", "_cli_output", "_cli_paths", "_cli_trade",
     "_cli_changes", "_cli_panel", "_cli_convert", "_cli_checks", "_cli_tables",
     "_cli_sentences", "_cli_streams", "_cli_report", "_cli_counts"],
]  # fmt: skip
# These import nothing of the package but each other, and anyone may import them.
FREE = {
    "errors",
    "_atomic",
    "_machine",
    "classification",
    "_core",
    "_kernels",
    "_limits",
    "_path_kernels",
    "_progress",
    "_threads",
}
RANK = {module: rank for rank, room in enumerate(ROOMS) for module in room}

MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


def name_of(path: Path) -> str:
    """The top-level module that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Top-level modules of the package that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("carbonflows_fast")}
        elif isinstance(node, ast.ImportFrom) and node.module == "carbonflows_fast":
            found |= {f"carbonflows_fast.{a.name}" for a in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "carbonflows_fast."
        ):
            found.add(str(node.module))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: use absolute imports"
    return {".".join(name.split(".")[1:2]) for name in found} - {""}


def imports_whole_package(path: Path) -> bool:
    """Whether a file imports `carbonflows_fast` itself, as only the command line does."""
    return any(
        isinstance(node, ast.Import) and any(a.name == "carbonflows_fast" for a in node.names)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_from_right_to_left(path: Path) -> None:
    module = name_of(path)
    assert module in RANK or module in FREE, f"{module} has no room: give it one in this test"
    for other in imports_of(path) - {module}:
        if other in FREE:
            continue
        assert module not in FREE, f"{module} may import nothing of the package but {FREE}"
        assert RANK[other] <= RANK[module], f"{module} must not import {other}, a later room"
    if imports_whole_package(path):
        assert RANK.get(module) == len(ROOMS) - 1, f"{module} must import single modules"


def test_no_module_has_the_name_of_a_public_function() -> None:
    public = {name for name in cf.__all__ if callable(getattr(cf, name))}
    assert not public & {name_of(p) for p in MODULES}


def test_importing_the_package_loads_nothing_heavy() -> None:
    # What pandas itself loads is the yardstick: some versions load pyarrow.
    code = "import sys, {}; print(sorted({{m.split('.')[0] for m in sys.modules}}))"
    loaded = []
    for name in ("numpy, pandas, scipy.sparse", "carbonflows_fast"):
        printed = subprocess.check_output([sys.executable, "-c", code.format(name)], text=True)
        loaded.append(set(ast.literal_eval(printed)))
    heavy = {"numba", "dask", "distributed", "matplotlib", "pyarrow", "pymrio"}
    assert not heavy & (loaded[1] - loaded[0])


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def releases() -> list[tuple[str, str]]:
    """Versions and dates that the changelog heads its parts with, the newest first."""
    return re.findall(r"^## (\S+) \((\S+)\)$", text_of("CHANGELOG.md"), re.MULTILINE)


def test_one_version() -> None:
    # pyproject.toml says it; the core and the package have it from there, others must follow.
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert cf.__version__ == version
    assert releases()[0][0] == version
    assert re.findall(r"^version: (.+)$", text_of("CITATION.cff"), re.MULTILINE) == [version]


def test_citation_has_the_date_of_the_release() -> None:
    dates = re.findall(r"^date-released: (\d{4}-\d\d-\d\d)$", text_of("CITATION.cff"), re.MULTILINE)
    released = releases()[0][1]
    assert dates == ([] if released == "unreleased" else [released])


def test_changelog_is_in_order() -> None:
    headings = re.findall("^## .*", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings == [f"## {version} ({date})" for version, date in releases()]
    versions = [tuple(map(int, version.split("."))) for version, _ in releases()]
    assert versions == sorted(set(versions), reverse=True)
    earlier = [date for _, date in releases()[1:]]
    assert "unreleased" not in earlier
    assert earlier == sorted(earlier, reverse=True)


def test_every_requirement_has_a_lower_bound_and_no_other() -> None:
    # `nox -s minimum` turns these into the versions it tests.
    settings = tomllib.loads(text_of("pyproject.toml"))
    project = settings["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    for text in [*settings["build-system"]["requires"], *project["dependencies"], *extras]:
        assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?>=\d+(\.\d+)*", text), text


def test_public_names_are_documented() -> None:
    for name in cf.__all__:
        thing = getattr(cf, name)
        if callable(thing):
            assert (thing.__doc__ or "").strip(), f"cf.{name} has no docstring"


def test_files_stay_short() -> None:
    for folder in ("carbonflows_fast", "cpp", "src", "tests", "benches"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".cpp", ".hpp", ".inl"}:
                lines = len(path.read_text(encoding="utf-8").splitlines())
                assert lines <= 450, f"{path.relative_to(ROOT)} has {lines} lines: split it"


def test_nothing_prints_but_the_command_line() -> None:
    for path in MODULES:
        if name_of(path) in ROOMS[-1]:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            printed = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            assert not printed, f"{path.name}: log, or report, instead of printing"


def test_core_uses_no_shortcut_flags() -> None:
    cmake = text_of("CMakeLists.txt")
    assert "fast-math" not in cmake
    assert cmake.count("-march=native") == 1
    assert re.search(
        r"if\(CARBONFLOWS_NATIVE\)\s+target_compile_options\([^)]*-march=native", cmake
    )
    assert re.search(r"option\(CARBONFLOWS_NATIVE .* OFF\)", cmake)


def test_core_knows_no_python() -> None:
    for path in (ROOT / "cpp").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "Python.h" not in text
            assert "pybind11" not in text

"""Rules about the code itself: who imports whom, what loads when, one version everywhere."""

from __future__ import annotations

import ast
import importlib
import pickle
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import carbonflows_fast as cf
from carbonflows_fast import errors

PACKAGE = Path(cf.__file__).parent
ROOT = Path(__file__).parents[2]

# Rooms in flow order: a folder, or a file that is a room by itself. A module imports only from its
# own room and those before it; a room that comes later may take internals by their module.
ROOMS = [
    *("errors", "_core", "classification", "_base", "table", "leontief", "supply_use", "readers"),
    *("synthetic", "store", "accounting", "pymrio_bridge", "checks", "trade", "linkages"),
    *("uncertainties", "paths", "sectors", "viewpoints", "prices", "spending", "shocks"),
    *("decomposition", "panel", "exchange", "figures", "reporting", "cli", "__main__"),
]
RANK = {room: rank for rank, room in enumerate(ROOMS)}
MOST_MODULES = 20  # in a folder, its face included
FACES_THAT_DO_MORE = {"classification", "readers", "figures"}  # they are one function, or a list

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
    room = name_of(path)
    assert room in RANK, f"{room} is no room: give it a place in this test"
    for other in imports_of(path) - {room}:
        assert RANK[other] < RANK[room], f"{path.name} must not import {other}, a later room"
    if imports_whole_package(path):
        assert room in ("cli", "__main__"), f"{path.name} must import single modules"


def test_no_folder_is_full() -> None:
    for folder in {PACKAGE, *(path.parent for path in MODULES)}:
        found = len(list(folder.glob("*.py")))
        assert found <= MOST_MODULES, f"{folder.name} has {found} modules: make a room of some"


def test_faces_are_short() -> None:
    for path in MODULES:
        if path.name == "__init__.py" and name_of(path) not in FACES_THAT_DO_MORE:
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines < 20, f"{path.relative_to(PACKAGE)} has {lines} lines: it only hands on"


def files_of(place: Path) -> list[Path]:
    """Files that a module of a dotted name may be."""
    return [place.with_suffix(suffix) for suffix in (".py", ".pyi")] + [place / "__init__.py"]


def loaded_at_import(path: Path) -> set[Path]:
    """Modules that a file imports when it is loaded itself, not later and not for types alone."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("carbonflows_fast"):
            place = PACKAGE.joinpath(*str(node.module).split(".")[1:])
            for alias in node.names:  # a module of that folder, or a name in its file or face
                places = [place / alias.name, place]
                found.add(next(file for at in places for file in files_of(at) if file.is_file()))
    return found - {path, PACKAGE / "__init__.py"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    waiting = {path: loaded_at_import(path) for path in MODULES}
    while ready := [path for path, needs in waiting.items() if not needs & waiting.keys()]:
        for path in ready:
            del waiting[path]
    assert not waiting, f"a circle among {sorted(str(p.relative_to(PACKAGE)) for p in waiting)}"


def test_benches_and_long_runs_import_what_is_there() -> None:
    """They run by hand, so that nothing else would notice."""
    for path in [*(ROOT / "benches").glob("*.py"), *(ROOT / "tests").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("carbonflows_fast"):
                module = importlib.import_module(str(node.module))
                lacking = [a.name for a in node.names if not hasattr(module, a.name)]
                lacking = [n for n in lacking if not find_spec(f"{node.module}.{n}")]
                assert not lacking, f"{path.name}: {node.module} has no {lacking}"


def test_no_test_imports_another() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        others = [name for name in names if name.split(".")[-1].startswith("test_")]
        assert not others, f"{path.relative_to(ROOT)} imports {others}: share it by tests/support"


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


QUESTIONS = """
import contextlib, io, sys
import carbonflows_fast as cf
table = cf.synthetic.world(3, 4)
cf.accounts(table), cf.flows(table).top(3), cf.multipliers(table)
cf.sector_study(table, sectors=table.sectors[0])
found = cf.footprints(table)
[getattr(found, name) for name in ("D_cba", "D_pba", "D_exp", "D_imp", "D_cba_reg", "D_imp_reg")]
cf.save(table, sys.argv[1])
from carbonflows_fast.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    for command in ("accounts", "flows"):
        assert main([command, sys.argv[1]]) == 0
print(sorted({"numba", "matplotlib", "dask", "distributed"} & sys.modules.keys()))
"""


def test_first_answers_load_no_compiler(tmp_path: Path) -> None:
    command = [sys.executable, "-c", QUESTIONS, str(tmp_path / "table")]
    assert subprocess.check_output(command, text=True) == "[]\n"


ONE_READER = """
import sys
import carbonflows_fast as cf
cf.read(sys.argv[1])
names = [n.split(".")[2:] for n in sys.modules if n.startswith("carbonflows_fast.readers.")]
print(sorted({name[0] for name in names if name[-1].endswith(("_read", "_2013", "_2016"))}))
"""


def test_a_table_is_read_without_the_readers_of_others(tmp_path: Path) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 3), tmp_path / "IOT_2019_pxp")
    command = [sys.executable, "-c", ONE_READER, str(tmp_path)]
    assert subprocess.check_output(command, text=True) == "['exiobase']\n"


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


def test_the_formatter_lays_code_out() -> None:
    kept = {path.name: path.read_text(encoding="utf-8").count("# fmt: skip") for path in MODULES}
    assert sum(kept.values()) < 20, {name: count for name, count in kept.items() if count}


OWN_ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, cf.CarbonFlowsError)
}


def raised_by_hand(tree: ast.AST) -> list[int]:
    """Lines that make an error of ours without its parts, in whatever way it is raised."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in OWN_ERRORS - {"PanelError"}  # which has a reason for each year
    ]


def test_errors_are_made_of_their_parts() -> None:
    assert raised_by_hand(ast.parse("raise InputError('a: expected b, got c; d')")) == [1]
    for path in MODULES:
        found = raised_by_hand(ast.parse(path.read_text(encoding="utf-8")))
        assert not found, f"{path.relative_to(PACKAGE)}, lines {found}: use .about(…)"


@pytest.mark.parametrize("name", sorted(OWN_ERRORS))
def test_an_error_keeps_its_parts_when_it_is_pickled(name: str) -> None:
    kind = getattr(cf, name)
    remedy = errors.Phrase("give year=2009", ("give ", "year", " 2009"))
    error = kind.about("year", expected="one", got="two", remedy=remedy)
    same = pickle.loads(pickle.dumps(errors.passed_on(error, kind, "year")))
    assert type(same) is kind
    assert type(kind.__new__(kind, "")) is kind  # tblib, of Dask, does so
    assert str(same) == str(error) == "year: expected one, got two; give year=2009"
    assert vars(same) == vars(error)
    assert same.typed == same.remedy.typed == ("give ", "year", " 2009")
    assert (same.argument, same.expected, same.got) == ("year", "one", "two")


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
        if name_of(path) in ("cli", "__main__"):
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


def test_lines_of_the_core_are_short() -> None:
    for folder in ("cpp", "src", "tests/cpp"):
        for path in (ROOT / folder).rglob("*.[chi][pn][pl]"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                assert len(line) <= 100, f"{path.relative_to(ROOT)}:{number}: break the line"

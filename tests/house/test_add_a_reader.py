"""The reader in docs/add_a_reader.md: it reads its layout, and complains as readers do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.files.zips import packed

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, InputError, LabelError

PAGE = Path(__file__).parents[2] / "docs" / "add_a_reader.md"
HEADER = """\
region,,AT,AT,DE,AT,DE
sector,,food,steel,food,hh,hh
"""
MONEY = """\
AT,food,1,0,2,5,1
AT,steel,0,0.5,1,2,2
DE,food,3,1,0,1,9
"""
AIR = """\
CO2,kt,1.5,2,3,0.25,0
CH4,t,0,1,0,0,0.5
"""


def code() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Write a table."""
    place = tmp_path / "tables"
    place.mkdir()
    (place / "atlas_2019.csv").write_text(HEADER + MONEY)
    (place / "atlas_2019_air.csv").write_text(HEADER + AIR)
    return place


@pytest.fixture
def folder(tables: Path) -> Iterator[Path]:
    """Register the reader, and write a table."""
    exec(compile(code(), str(PAGE), "exec"), ModuleType("atlas").__dict__)
    yield tables
    cf.readers.unregister("atlas")


def test_its_layout_is_read(folder: Path) -> None:
    table = cf.read(folder)
    assert (table.name, table.year) == ("Atlas 2019", 2019)
    assert list(table.rows) == [("AT", "food"), ("AT", "steel"), ("DE", "food")]
    assert list(table.demand) == [("AT", "hh"), ("DE", "hh")]
    np.testing.assert_array_equal(table.Z.toarray(), [[1, 0, 2], [0, 0.5, 1], [3, 1, 0]])
    np.testing.assert_array_equal(table.Y, [[5, 1], [2, 2], [1, 9]])
    np.testing.assert_array_equal(table.F, [[1.5, 2, 3], [0, 1, 0]])
    np.testing.assert_array_equal(table.F_Y, [[0.25, 0], [0, 0.5]])
    assert table.stressor_units.to_dict() == {"CO2": "kt", "CH4": "t"}
    assert set(table.extensions) == {"emissions"}
    assert cf.read(packed(folder, folder.parent / "a.zip")).equals(table)
    assert cf.read(folder, stressors="CH4").F.to_numpy().tolist() == [[0, 1, 0]]


def test_its_errors_name_the_place(folder: Path) -> None:
    with pytest.raises(LabelError, match="got 'CO'; nearest are 'CO2'"):
        cf.read(folder, stressors="CO")
    air = folder / "atlas_2019_air.csv"
    air.write_text(HEADER.replace("steel", "iron") + AIR)
    with pytest.raises(FormatError, match=r"_air.csv, columns, position 2: expected 'AT \| steel'"):
        cf.read(folder)
    air.write_text(HEADER)
    assert cf.read(folder).F.shape == (0, 3)
    air.unlink()
    with pytest.raises(FormatError, match=r"atlas_2019_air.csv: expected a file, got nothing"):
        cf.read(folder)


def find_all(files: object) -> list[cf.readers.Candidate]:
    return [cf.readers.Candidate("atlas_2019.csv", 2019)]


@pytest.fixture
def broken() -> Iterator[None]:
    """Register a reader that fails."""

    def read(files: object, table: object, **options: object) -> cf.Table:
        raise KeyError("Z")

    cf.readers.register("broken", find=find_all, read=read, looked_for="atlas")
    yield
    cf.readers.unregister("broken")


@pytest.mark.usefixtures("broken")
def test_errors_of_a_reader_name_it_and_the_file(tables: Path) -> None:
    expected = r"atlas_2019\.csv: expected a table that the reader 'broken' can read, got KeyError"
    with pytest.raises(FormatError, match=expected) as caught:
        cf.read(tables)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.usefixtures("broken")
def test_two_readers_that_know_a_path_are_refused(folder: Path) -> None:
    with pytest.raises(FormatError, match="tables of one format, got broken and atlas"):
        cf.read(folder)
    assert cf.read(folder, format="atlas").year == 2019


@pytest.mark.parametrize(
    ("find", "read", "got"),
    [
        (lambda files: ["atlas_2019.csv"], None, r"`find` returned \['atlas_2019.csv'\]"),
        (lambda files: None, None, "'NoneType' object is not iterable"),
        (lambda files: [cf.readers.Candidate(None, 2019)], None, "`find` returned .Candidate"),
        (lambda files: [cf.readers.Candidate("a", "2019")], None, "`find` returned .*'2019'"),
        (find_all, lambda files, table, **options: {}, "`read` returned {}, not a Table"),
        (
            find_all,
            lambda files, table, **options: "much " * 99,
            "`read` returned .{30}, not a Table",
        ),
    ],
)
def test_what_a_reader_returns_is_checked(
    tables: Path, find: object, read: object, got: str
) -> None:
    cf.readers.register("wrong", find=find, read=read or find, looked_for="atlas")  # type: ignore[arg-type]
    try:
        with pytest.raises(FormatError, match=f"the reader 'wrong' can read, got TypeError: {got}"):
            cf.read(tables)
    finally:
        cf.readers.unregister("wrong")


@pytest.mark.usefixtures("folder")
def test_a_find_that_fails_stops_no_other_reader(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def find(files: object) -> list[cf.readers.Candidate]:
        raise KeyError("of this reader")

    cf.readers.register("faulty", find=find, read=print, looked_for="atlas")  # type: ignore[arg-type]
    try:
        assert cf.read(folder).year == 2019
        assert "the reader 'faulty' is passed over: " in caplog.text
        assert "KeyError" in caplog.text
        (empty := tmp_path / "empty").mkdir()
        for path, format in ((empty, None), (folder, "faulty")):
            with pytest.raises(FormatError, match="that the reader 'faulty' can read, got Key"):
                cf.read(path, format=format)
    finally:
        cf.readers.unregister("faulty")


def test_a_name_is_taken_once() -> None:
    given = {"find": find_all, "read": find_all, "looked_for": "atlas"}
    cf.readers.register("atlas", **given)  # type: ignore[arg-type]
    try:
        cf.readers.register("atlas", **given)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=r"got 'atlas'; .*call unregister\('atlas'\) first"):
            cf.readers.register("atlas", **given | {"read": print})  # type: ignore[arg-type]
    finally:
        cf.readers.unregister("atlas")
    with pytest.raises(InputError, match=r"no other reader has, got 'figaro'; choose another one$"):
        cf.readers.register("figaro", **given)  # type: ignore[arg-type]
    for name in ("figaro", "atlas", ["atlas"]):
        with pytest.raises(InputError) as caught:
            cf.readers.unregister(name)  # type: ignore[arg-type]
        assert caught.value.got == repr(name)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("name", ""),
        ("name", 3),
        ("find", None),
        ("read", "f"),
        ("looked_for", 1),
        ("beside", "nonsense"),
        ("beside", 1),
    ],
)
def test_wrong_arguments_are_refused(argument: str, value: object) -> None:
    given = {"name": "atlas", "find": find_all, "read": find_all, "looked_for": "atlas"}
    with pytest.raises(
        InputError, match=f"^{argument}: expected (a text|a function|True or False), got "
    ):
        cf.readers.register(**given | {argument: value})  # type: ignore[arg-type]


# --- readers of installed packages ----------------------------------------------------------------


def install(place: Path, module: str) -> None:
    """Write what pip installs of a package with a reader."""
    (place / "atlas.py").write_text(module)
    info = place / "atlas-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: atlas\nVersion: 1.0\n")
    group = "carbonflows_fast.readers"
    (info / "entry_points.txt").write_text(f"[{group}]\natlas = atlas\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a folder for packages that this process and others find."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", str(place), prepend=":")
    yield place
    sys.modules.pop("atlas", None)
    with suppress(InputError):
        cf.readers.unregister("atlas")


def test_an_installed_reader_is_found_where_no_other_knows_a_path(
    site: Path, tables: Path, tmp_path: Path
) -> None:
    install(site, code())
    cf.write_exiobase(cf.synthetic.world(2, 3), tmp_path / "IOT_2019_pxp.zip")
    cf.read(tmp_path / "IOT_2019_pxp.zip")
    assert "atlas" not in sys.modules
    with pytest.raises(InputError, match="'plain' or 'atlas', got 'atlantis'"):
        cf.read(tables, format="atlantis")
    assert "atlas" not in sys.modules
    assert cf.read(tables).name == "Atlas 2019"


def test_format_names_an_installed_reader(site: Path, tables: Path) -> None:
    install(site, code())
    assert cf.read(tables, format="atlas").name == "Atlas 2019"


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("import nothing_like_this", "ModuleNotFoundError: "),
        ("raise SystemExit(9)", "SystemExit: 9"),
        ("", "atlas, which does not register it"),
    ],
)
def test_an_installed_reader_that_does_not_load_is_reported(
    site: Path, tables: Path, caplog: pytest.LogCaptureFixture, module: str, reason: str
) -> None:
    install(site, module)
    with pytest.raises(InputError, match=f"a reader 'atlas' that can be loaded, got {reason}"):
        cf.read(tables, format="atlas")
    with pytest.raises(FormatError, match="a table in a known layout"):
        cf.read(tables)
    assert f"the reader 'atlas' cannot be loaded: {reason}" in caplog.text


def test_the_workers_of_convert_have_an_installed_reader(
    site: Path, tables: Path, tmp_path: Path
) -> None:
    install(site, code())
    for name in ("", "_air"):  # a single table is saved without workers
        shutil.copy(tables / f"atlas_2019{name}.csv", tables / f"atlas_2020{name}.csv")
    command = [sys.executable, "-m", "carbonflows_fast", "convert"]
    subprocess.run([*command, str(tables), str(tmp_path / "saved")], check=True)
    assert cf.open(tmp_path / "saved" / "2019").name == "Atlas 2019"

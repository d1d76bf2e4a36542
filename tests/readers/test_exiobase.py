"""The EXIOBASE 3 / pymrio text layout: what is written is read back, what is published is read."""

from __future__ import annotations

import json
import logging
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from support.files.zips import packed
from support.worlds.strategies import tables

from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read, write_exiobase
from carbonflows_fast.readers._into_table._stressor_names import bare_names, stressor_names
from carbonflows_fast.table import Table

AWKWARD = [1 / 3, 4.9e-280, 9.999999999999999e99, -0.0, 0.1 + 0.2, 1e22, 123456789.123456789, -1e-5]


def small(**changes: Any) -> Table:
    """Return a table with awkward labels and numbers, and a stressor in two extensions."""
    rng = np.random.default_rng(3)
    regions, sectors = ["NA", "DE", "ROM"], ['5" pipes', "01T02", "Construction, other"]
    n = len(regions) * len(sectors)
    Z = rng.lognormal(size=(n, n)) * (rng.random((n, n)) < 0.5)
    Y = rng.lognormal(size=(n, 6))
    Y[0, :4] = AWKWARD[:2] + AWKWARD[3:5]
    F = rng.lognormal(size=(4, n))
    F[1, :8] = AWKWARD
    arguments: dict[str, Any] = {
        "Z": Z,
        "Y": Y,
        "F": F,
        "F_Y": rng.lognormal(size=(4, 6)),
        "x": Z.sum(axis=1) + Y.sum(axis=1) + 1e-9,
        "regions": np.repeat(regions, 3),
        "sectors": sectors * 3,
        "demand": [(region, category) for region in regions for category in ("hh", '"gov"')],
        "stressors": ["water: CO2", "air: CO2", "NOx | air", "jobs: all"],
        "extensions": ["water", "air", "water", "jobs"],
        "stressor_units": ["kg", "kt", "", "1000 p"],
        "row_units": ["M.EUR"] * n,
        "population": [2.6e6, np.nan, 19.0e6],
        "year": 2019,
        "name": "small test",
    }
    return Table(**(arguments | changes))


def written(table: Table, folder: Path) -> Path:
    path = folder / "table"
    write_exiobase(table, path)
    return path


def edit(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


# --- written and read back ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["table", "table.zip"])
@pytest.mark.parametrize("kind", ["Z", "Z sparse", "A", "A csc", "S", "no x", "no F_Y", "bare"])
def test_what_is_written_is_read_back_equal(tmp_path: Path, name: str, kind: str) -> None:
    table = small()
    A = table.A
    changes: dict[str, Any] = {
        "Z": {},
        "Z sparse": {"Z": sp.csr_array(table.Z)},
        "A": {"Z": None, "A": A.toarray()},
        "A csc": {"Z": None, "A": A.tocsc()},
        "S": {"F": None, "S": np.minimum(table.content.emissions, 1e3)},
        "no x": {},
        "no F_Y": {"F_Y": None},
        "bare": {"population": None, "year": None, "name": "", "row_units": None},
    }[kind]
    table = small(**changes)
    if kind == "no x":
        table = table.with_changes(Y=table.Y * 2)
    write_exiobase(table, tmp_path / name)
    again = read(tmp_path / name)
    if kind != "no x":  # comparing x would solve for it: all else is compared below
        assert again.equals(table)
    for field in ("kind", "emissions_kind", "stressors", "extensions", "year", "name"):
        assert getattr(again.content, field) == getattr(table.content, field)
    assert (again.content.x is None) == (kind == "no x")
    assert again.content.emissions.tobytes() == table.content.emissions.tobytes()
    assert again.content.Y.tobytes() == table.content.Y.tobytes()
    assert (again.A != table.A).nnz == 0
    assert [file.name for file in tmp_path.iterdir()] == [name]


@given(table=tables())
def test_any_table_is_read_back_equal(table: Table, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("any") / "table.zip"
    write_exiobase(table, path)
    assert read(path).equals(table)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_exiobase(small(), tmp_path)
    assert read(str(tmp_path)).equals(small())


def test_the_order_of_stressors_survives_alphabetical_folders(tmp_path: Path) -> None:
    table = read(written(small(), tmp_path))
    assert table.stressors == ("water: CO2", "air: CO2", "NOx | air", "jobs: all")
    assert table.extensions == ("water", "air", "water", "jobs")


def test_bare_names_give_back_any_names() -> None:
    cases: list[tuple[list[str], list[str]]] = [
        (["a: CO2", "b: CO2"], ["a", "b"]),
        (["a: CO2", "CO2"], ["a", "a"]),
        (["a: CO2", "CO2"], ["a", "b"]),
        (["a: ", "b: "], ["a", "b"]),
        (["a: a: x", "a: x", "x"], ["a", "b", "a"]),
    ]
    for names, extensions in cases:
        assert list(stressor_names(bare_names(names, extensions), extensions)) == names


def test_pymrio_reads_what_is_written(tmp_path: Path) -> None:
    import pymrio

    table = small()
    for name in ("table", "table.zip"):
        write_exiobase(table, tmp_path / name)
        io = pymrio.load_all(tmp_path / name)
        assert sorted(io.get_extensions()) == ["air", "jobs", "water"]
        assert np.allclose(io.Z, table.Z.toarray(), rtol=1e-14)
        assert np.allclose(io.Y, table.Y, rtol=1e-14)
        assert np.allclose(io.x["indout"], table.x, rtol=1e-14)
        assert list(io.jobs.F.index) == ["jobs: all"]
        assert io.air.unit.iloc[0, 0] == "kt"
    parsed = pymrio.parse_exiobase3(tmp_path / "table")
    assert np.allclose(parsed.water.F_Y, table.F_Y.iloc[[0, 2]], rtol=1e-14)


def test_what_pymrio_writes_is_read(tmp_path: Path) -> None:
    import pymrio

    io = pymrio.load_test().calc_all()
    io.save_all(tmp_path / "test", table_format="txt", float_format="%.17g")
    table = read(tmp_path / "test")
    assert table.stressors == ("emission_type1 | air", "emission_type2 | water", "Value Added")
    assert table.extensions == ("emissions", "emissions", "factor_inputs")
    assert list(table.stressor_units) == ["kg", "kg", "Mill USD"]
    assert table.content.kind == "Z"
    assert np.array_equal(table.Z.toarray(), io.Z.to_numpy())
    assert np.array_equal(table.F.to_numpy()[:2], io.emissions.F.to_numpy())
    assert np.array_equal(table.F_Y.to_numpy()[:2], io.emissions.F_Y.to_numpy())
    assert not table.F_Y.to_numpy()[2].any()
    assert list(table.population) == io.population.iloc[0].tolist()
    assert table.name == "testmrio pxp v1"


# --- layouts of different releases ----------------------------------------------------------


def test_a_prefix_folder_is_found_on_disk_and_in_a_zip(tmp_path: Path) -> None:
    path = written(small(), tmp_path)
    assert read(tmp_path).equals(small())
    assert read(packed(path, tmp_path / "a.zip", "IOT_2019_pxp/")).equals(small())
    assert read(packed(path, tmp_path / "b.zip"), format="exiobase3").equals(small())


def test_default_names_do_without_parameters_units_and_metadata(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(small(), tmp_path).rename(tmp_path / "IOT_2011_pxp")
    for file in [*path.rglob("*.json"), *path.rglob("unit.txt")]:
        file.unlink()
    with caplog.at_level(logging.WARNING):
        table = read(path)
    assert (table.name, table.year) == ("IOT_2011_pxp", 2011)
    assert set(table.stressor_units) == {""}
    assert set(table.stressors) == set(small().stressors)
    assert "no unit.txt" in caplog.text


@pytest.mark.parametrize(
    ("name", "year"),
    [("IOT_1995_ixi", 1995), ("wiod2013_2009", 2009), ("2000_to_2010", None), ("table", None)],
)
def test_the_year_comes_from_the_name(tmp_path: Path, name: str, year: int | None) -> None:
    path = written(small(), tmp_path).rename(tmp_path / name)
    (path / "metadata.json").write_text('{"name": "EXIOBASE", "version": "v3"}')
    table = read(path)
    assert (table.year, table.name) == (year, "EXIOBASE v3")


def test_releases_before_3_8_have_A_alone_and_F_hh(tmp_path: Path) -> None:
    table = small()
    path = written(small(Z=None, A=table.A), tmp_path)
    (path / "x.txt").unlink()
    edit(path / "file_parameters.json", '"x"', '"unused"')
    edit(path / "file_parameters.json", "x.txt", "A.txt")
    for folder in ("air", "water", "jobs"):
        (path / folder / "F_Y.txt").rename(path / folder / "F_hh.txt")
        edit(path / folder / "file_parameters.json", "F_Y", "F_hh", count=2)
    again = read(path)
    assert again.content.x is None
    assert again.content.kind == "A"
    assert np.array_equal(again.F_Y, table.F_Y)


def test_files_are_found_by_the_names_in_the_parameters(tmp_path: Path) -> None:
    path = written(small(), tmp_path)
    (path / "Z.txt").rename(path / "flows.tsv")
    edit(path / "file_parameters.json", "Z.txt", "flows.tsv")
    assert read(path).equals(small())


def test_Z_is_preferred_to_A(tmp_path: Path) -> None:
    path = written(small(), tmp_path)
    (path / "A.txt").write_text("not read")
    assert read(path).content.kind == "Z"


def test_header_may_lack_the_names_of_label_columns_and_have_a_byte_order_mark(
    tmp_path: Path,
) -> None:
    path = written(small(), tmp_path)
    for file in (path / "Z.txt", path / "air" / "F.txt"):
        lines = file.read_text(encoding="utf-8").split("\n")
        file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines[:2], *lines[3:], ""]).encode())
    assert read(path).equals(small())


def test_an_extension_without_F_Y_has_zeros_and_none_of_them_gives_none(tmp_path: Path) -> None:
    path = written(small(), tmp_path)
    for folder in ("air", "water", "jobs"):
        (path / folder / "F_Y.txt").unlink()
        (path / folder / "file_parameters.json").unlink()
        last = read(path)
        assert not last.F_Y.loc["air: CO2"].any()
    assert last.content.F_Y is None


def test_stressors_missing_in_F_Y_are_zero_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(small(), tmp_path)
    file = path / "water" / "F_Y.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:3], lines[4]]))
    with caplog.at_level(logging.WARNING):
        table = read(path)
    assert not table.F_Y.loc["water: CO2"].any()
    assert np.array_equal(table.F_Y.loc["NOx | air"], small().F_Y.loc["NOx | air"])
    assert "1 of 2 stressors are missing and count as zero" in caplog.text


def test_empty_cells_count_as_zero_and_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(small(), tmp_path)
    rows = (path / "jobs" / "F.txt").read_text().splitlines()
    cells = rows[3].split("\t")
    cells[2], cells[5] = "", "  "
    (path / "jobs" / "F.txt").write_text("\n".join([*rows[:3], "\t".join(cells)]))
    place = r"F\.txt, line 4, row 'jobs: all', column 'NA \| .*': .* an empty cell, the first of 2"
    with pytest.raises(FormatError, match=place):
        read(path)
    with caplog.at_level(logging.WARNING):
        values = read(path, blanks="zero").F.loc["jobs: all"].to_numpy()
    expected = small().F.loc["jobs: all"].to_numpy(copy=True)
    expected[[1, 4]] = 0
    assert np.array_equal(values, expected)
    assert "F.txt: 2 empty cells count as zero" in caplog.text


def test_a_table_without_extensions_has_no_stressors(tmp_path: Path) -> None:
    path = written(small(), tmp_path)
    for folder in ("air", "water", "jobs"):
        shutil.rmtree(path / folder)
    assert read(path).stressors == ()


def test_final_demand_may_have_regions_only(tmp_path: Path) -> None:
    demand = [(region, "final demand") for region in ("NA", "DE", "ROM")]
    path = written(small(Y=np.ones((9, 3)), F_Y=None, demand=demand), tmp_path)
    lines = (path / "Y.txt").read_text().splitlines()
    (path / "Y.txt").write_text("\n".join([lines[0], *lines[3:]]))
    parameters = json.loads((path / "file_parameters.json").read_text())
    parameters["files"]["Y"]["nr_header"] = 1
    (path / "file_parameters.json").write_text(json.dumps(parameters))
    assert list(read(path).demand) == demand


# --- selections -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "read_as"),
    [
        ("air: CO2", ["air: CO2"]),
        (["NOx | air", "water: CO2"], ["water: CO2", "NOx | air"]),
        ("jobs: all", ["jobs: all"]),
    ],
)
def test_a_selection_is_named_as_in_the_whole_table(
    tmp_path: Path, wanted: Any, read_as: list[str]
) -> None:
    table = small()
    again = read(written(table, tmp_path), stressors=wanted)
    assert list(again.stressors) == read_as
    assert again.F.equals(table.F.loc[read_as])
    assert again.F_Y.equals(table.F_Y.loc[read_as])
    assert again.stressor_units.equals(table.stressor_units.loc[read_as])


def test_a_selection_written_alone_keeps_its_name(tmp_path: Path) -> None:
    part = read(written(small(), tmp_path), stressors=["air: CO2"])
    write_exiobase(part, tmp_path / "part")
    assert read(tmp_path / "part").equals(part)


def test_unselected_numbers_are_not_parsed(tmp_path: Path) -> None:
    path = written(small(), tmp_path)
    edit(path / "jobs" / "F.txt", "jobs: all\t", "jobs: all\toops ")
    assert read(path, stressors="NOx | air").stressors == ("NOx | air",)


# --- real tables and speed ------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("year", [2000, 2005, 2009])
def test_wiod(real_data: Path, year: int, tmp_path: Path) -> None:
    table = read(real_data / f"wiod2013_{year}.zip")
    assert (table.n, len(table.regions), table.year) == (1435, 41, year)
    assert table.stressors == ("CO2 (fossil, JRC accounts)",)
    assert list(table.stressor_units) == ["kt"]
    balance = table.Z.sum(axis=1) + table.Y.to_numpy().sum(axis=1)
    assert np.array_equal(balance, table.x.to_numpy())
    with zipfile.ZipFile(real_data / f"wiod2013_{year}.zip") as archive:
        options: dict[str, Any] = {"sep": "\t", "header": [0, 1], "keep_default_na": False}
        with archive.open(f"wiod2013_{year}/Z.txt") as file:
            Z = pd.read_csv(file, index_col=[0, 1], **options)
    assert list(table.rows) == list(Z.index)
    assert np.array_equal(table.Z.toarray(), Z.to_numpy(dtype=np.float64))
    write_exiobase(table, tmp_path / "again.zip")
    assert read(tmp_path / "again.zip").equals(table)


@pytest.mark.real_data
def test_the_mock_of_release_3_4(real_data: Path) -> None:
    table = read(real_data / "formats" / "exio3_mock")
    assert table.extensions == ("satellite", "satellite")
    assert table.content.x is None
    assert table.F_Y.loc["emission_type1"].iloc[0] == 62335321
    assert list(table.categories)[-1] == "Export"
    assert table.name == "exio3_mock pxp v3.4_mock"


def test_progress_counts_megabytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert progress_bar("x", 1, False).total == 1
    path = written(small(), tmp_path)
    with (path / "Z.txt").open("a") as file:
        file.write(("\r" * 99 + "\n") * 30_000)  # blank lines, not too many
    read(path, progress=True)
    assert "(MB)  [########################] 3/3" in capsys.readouterr().err
    read(path)
    assert capsys.readouterr().err == ""

"""Releases of EXIOBASE 3, 3.4 to 3.10: their folders, archives and known defects.

The layouts are imitated by code, with pandas, which wrote the originals; numbers are random.
"""

from __future__ import annotations

import logging
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest
from support.files.zips import packed

from carbonflows_fast.classification import load
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.exiobase._extensions import extension_files, read_emissions
from carbonflows_fast.table import Table

CATEGORIES = ["Final consumption expenditure by households", "Exports: Total (fob)"]
FOLDERS = {
    "3.4": ["satellite", "impacts"],
    "3.8": ["satellite", "impacts"],
    "3.10": ["air_emissions", "energy", "employment", "factor_inputs", "land", "material",
             "nutrients", "water"],
}  # fmt: skip
ACCOUNTS = ["S", "S_Y", "M", "D_cba", "D_pba", "D_imp", "D_exp", "D_cba_reg", "D_pba_reg"]
THREE_LETTERS = dict(re.findall(
    r"(\w\w) (\w{3})",
    "AT AUT BE BEL BG BGR CY CYP CZ CZE DE DEU DK DNK EE EST ES ESP FI FIN FR FRA GR GRC HR HRV "
    "HU HUN IE IRL IT ITA LT LTU LU LUX LV LVA MT MLT NL NLD PL POL PT PRT RO ROM SE SWE SI SVN "
    "SK SVK GB GBR US USA JP JPN CN CHN CA CAN KR KOR BR BRA IN IND MX MEX RU RUS AU AUS CH CHE "
    "TR TUR TW TWN NO NOR ID IDN ZA ZAF WA WWA WL WWL WE WWE WF WWF WM WWM",
))  # fmt: skip


@dataclass
class Release:
    """A small table in the layout of a release, and the frames that were written."""

    version: str
    regions: list[str] = field(default_factory=lambda: ["AT", "DE"])
    sectors: list[str] = field(default_factory=lambda: ["Paddy rice", "Wheat, other"])
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        rows = pd.MultiIndex.from_product([self.regions, self.sectors], names=["region", "sector"])
        demand = pd.MultiIndex.from_product(
            [self.regions, CATEGORIES], names=["region", "category"]
        )
        n, m = len(rows), len(demand)
        Y = pd.DataFrame(rng.random((n, m)), rows, demand)
        Y.loc[:, [column[1] == CATEGORIES[-1] for column in demand]] = 0.0
        A = pd.DataFrame(rng.random((n, n)) / (2 * n), rows, rows)
        self.frames = {"A": A, "Y": Y, "unit": pd.DataFrame({"unit": "M.EUR"}, rows)}
        if self.version != "3.4":
            x = np.linalg.solve(np.eye(n) - A, Y.sum(axis=1))
            self.frames["Z"] = A * x
            self.frames["x"] = pd.DataFrame({"indout": x}, rows)
        for number, folder in enumerate(FOLDERS[self.version]):
            index = pd.Index([f"{folder} {at} - air" for at in range(2)], name="stressor")
            self.frames[f"{folder}/F"] = pd.DataFrame(rng.random((2, n)), index, rows)
            if folder != "impacts":
                name = "F_hh" if self.version == "3.4" else "F_Y"
                self.frames[f"{folder}/{name}"] = pd.DataFrame(rng.random((2, m)), index, demand)
            units = index.rename("stressor" if number % 2 == 0 else None)
            self.frames[f"{folder}/unit"] = pd.DataFrame({"unit": ["kg", "TJ"]}, units)

    def write(self, root: Path) -> Path:
        for name, frame in self.frames.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            frame.to_csv(root / f"{name}.txt", sep="\t", float_format="%.17g")
        (root / "metadata.json").write_text(
            '{"name": "exio382_ntnu", "system": "pxp", "version": "v3.81", "description": "",'
            ' "history": ["20211021 - FILEIO"]}'
        )
        if self.version == "3.8":
            for name in ("industries", "products", "finaldemands"):
                (root / f"{name}.txt").write_text("Number\tName\tCodeNr\n1\tPaddy rice\tp01.a\n")
            for folder in FOLDERS["3.8"]:
                for name in ACCOUNTS:
                    (root / folder / f"{name}.txt").write_text("results, not to be read")
        return root

    def archive(self, target: Path, prefix: str = "") -> Path:
        root = self.write(target.parent / f".{target.name}")
        return packed(root, target, prefix)

    def assert_read(self, table: Table) -> None:
        frames = self.frames
        assert list(table.rows) == list(frames["A"].index)
        assert list(table.demand) == list(frames["Y"].columns)
        assert np.array_equal(table.Y, frames["Y"])
        kind = "Z" if "Z" in frames else "A"
        assert table.content.kind == kind
        assert np.array_equal(getattr(table, kind).toarray(), frames[kind])
        if "x" in frames:
            assert np.array_equal(table.x, frames["x"]["indout"])
        else:
            assert table.content.x is None
        assert set(table.row_units) == {"M.EUR"}
        assert set(table.extensions) == set(FOLDERS[self.version])
        for folder in FOLDERS[self.version]:
            F = frames[f"{folder}/F"]
            assert np.array_equal(table.F.loc[list(F.index)], F)
            assert list(table.stressor_units[list(F.index)]) == ["kg", "TJ"]
            F_Y = frames.get(f"{folder}/F_Y", frames.get(f"{folder}/F_hh"))
            zeros = np.zeros((2, len(table.demand)))
            assert np.array_equal(table.F_Y.loc[list(F.index)], zeros if F_Y is None else F_Y)


# --- folders and archives ---------------------------------------------------------------------


@pytest.mark.parametrize("version", FOLDERS)
def test_folders_of_each_version(tmp_path: Path, version: str) -> None:
    release = Release(version)
    release.assert_read(read(release.write(tmp_path / "IOT_2011_pxp")))
    for prefix in ("", "IOT_2011_pxp/"):
        table = read(release.archive(tmp_path / "IOT_2011_pxp.zip", prefix))
        release.assert_read(table)
        assert (table.year, table.name) == (2011, "exio382_ntnu pxp v3.81")


def test_an_empty_first_header_of_units_is_what_some_have(tmp_path: Path) -> None:
    root = Release("3.8").write(tmp_path / "table")
    assert (root / "satellite" / "unit.txt").read_text().startswith("stressor\tunit")
    assert (root / "impacts" / "unit.txt").read_text().startswith("\tunit")


def test_impacts_without_F_Y_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = Release("3.8").write(tmp_path / "table")
    with caplog.at_level(logging.WARNING):
        read(root)
    assert "no F_Y in 1 of 2 extensions" in caplog.text
    assert "zero in impacts" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        read(root, stressors="satellite 1 - air")
    assert not caplog.text


@pytest.mark.parametrize(
    "name", ["exiobase3.4_iot_2009_ixi", "IOT_2009_ixi", "iot_2009_pxp", "EXIOBASE_3.8_2009"]
)
def test_the_year_is_in_the_name_of_the_archive_or_the_folder(tmp_path: Path, name: str) -> None:
    release = Release("3.4")
    assert read(release.write(tmp_path / name)).year == 2009
    assert read(tmp_path).year == 2009
    assert read(release.archive(tmp_path / f"{name}.zip"), format="exiobase3").year == 2009


def test_a_year_is_chosen_among_archives_with_and_without_prefix(tmp_path: Path) -> None:
    folder = tmp_path / "downloads_2024"
    folder.mkdir()
    releases = {year: Release("3.10", sectors=[f"of {year}"]) for year in (1995, 2000, 2005)}
    releases[1995].archive(folder / "IOT_1995_pxp.zip", "IOT_1995_pxp/")
    releases[2000].archive(folder / "IOT_2000_pxp.zip")
    releases[2005].archive(folder / "exiobase3.4_iot_2005_pxp.zip", "data/x/")
    for year, release in releases.items():
        table = read(folder, year=year)
        release.assert_read(table)
        assert table.year == year
    with pytest.raises(FormatError, match=r"one table, got 3 tables \(1995, 2000, 2005\); .*year="):
        read(folder)
    with pytest.raises(FormatError, match="expected one table of 2024, got 3 tables"):
        read(folder, year=2024)
    Release("3.10").archive(folder / "IOT_2000_ixi.zip")
    with pytest.raises(FormatError, match=r"got 2 of that year \(IOT_2000_ixi.zip/, IOT_2000_pxp"):
        read(folder, year=2000)


def test_a_table_comes_before_supply_and_use_beside_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "MRSUT_2011.zip", "w") as archive:
        for name in ("supply.csv", "use.csv", "final_demand.csv", "value_added.csv", "F.txt"):
            archive.writestr(f"MRSUT_2011/{name}", "region\t\tAT\n")
    release = Release("3.8")
    release.archive(tmp_path / "IOT_2011_ixi.zip")
    release.assert_read(read(tmp_path))


# --- known defects ----------------------------------------------------------------------------


def test_empty_cells_of_3_10_2(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    release = Release("3.10")
    F = release.frames["air_emissions/F"]
    F.iloc[:, 1] = np.nan
    F.iloc[0, 2] = np.nan
    root = release.write(tmp_path / "table")
    with pytest.raises(
        FormatError, match=r"air_emissions/F\.txt, .*an empty cell, the first of 3 in"
    ):
        read(root)
    with caplog.at_level(logging.WARNING):
        table = read(root, blanks="zero")
    assert caplog.text.count("air_emissions/F.txt: 3 empty cells count as zero") == 1
    F.fillna(0.0, inplace=True)
    release.assert_read(table)


def test_exports_that_are_not_zero_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = Release("3.8")
    with caplog.at_level(logging.WARNING):
        read(release.write(tmp_path / "zero"))
        assert "Exports" not in caplog.text
        release.frames["Y"].iloc[:2, -1] = [1.5, -0.25]
        release.assert_read(read(release.write(tmp_path / "table")))
    assert "2 cells of 'Exports: Total (fob)' are not zero, 1.25 in sum" in caplog.text


# --- region codes of 3.4 ----------------------------------------------------------------------


def with_codes(release: Release, names: str, codes: dict[str, str]) -> None:
    """Give some of a release's files other region codes, at the axes that have regions."""
    for name in names.split():
        file, _, axis = name.partition(".")
        for one in [axis] if axis else ["index", "columns"]:
            release.frames[file] = release.frames[file].rename(**{one: codes}, level=0)


@pytest.fixture
def world() -> Release:
    """Return a release with EXIOBASE's 49 regions, in its order."""
    return Release("3.4", list(load("exiobase3_regions")["code"]), ["all"])


@pytest.mark.parametrize(
    ("names", "files"),
    [
        ("A Y unit.index satellite/F satellite/F_hh impacts/F", 6),
        ("satellite/F impacts/F.columns", 2),
        ("A.columns", 1),
        ("Y.index", 1),
        ("unit.index", 1),
    ],
)
@pytest.mark.parametrize("romania", ["ROM", "ROU"])
def test_three_letter_codes_are_read_as_two_letters(
    tmp_path: Path, world: Release, names: str, files: int, romania: str, caplog: Any
) -> None:
    expected = Release("3.4", world.regions, world.sectors)
    with_codes(world, names, THREE_LETTERS | {"RO": romania})
    with caplog.at_level(logging.WARNING):
        table = read(world.write(tmp_path / "table"))
    expected.assert_read(table)
    assert caplog.text.count("three-letter region codes") == files


def test_some_codes_of_a_file_may_have_three_letters(tmp_path: Path, world: Release) -> None:
    with_codes(world, "Y.index satellite/F_hh.columns", {"AT": "AUT", "WM": "WWM"})
    Release("3.4", world.regions, world.sectors).assert_read(read(world.write(tmp_path / "table")))


def test_other_tables_keep_their_three_letters(tmp_path: Path, caplog: Any) -> None:
    regions = list(THREE_LETTERS.values())
    for name, kept in {
        "without one": regions[:-1],
        "with one more": [*regions, "RoW"],
        "with both": [*regions, "AT"],
        "with another": [*regions[:-1], "RoW"],
    }.items():
        release = Release("3.4", kept, ["all"])
        with caplog.at_level(logging.WARNING):
            release.assert_read(read(release.write(tmp_path / name)))
    assert "three-letter" not in caplog.text


def test_files_that_still_disagree_are_refused(tmp_path: Path) -> None:
    release = Release("3.4", ["AT", "DE"])
    with_codes(release, "satellite/F.columns", THREE_LETTERS)
    with pytest.raises(
        FormatError, match=r"F\.txt, columns, position 1: .*got 'AUT \| Paddy rice'"
    ):
        read(release.write(tmp_path / "table"))


# --- samples and a real extension, beside pymrio ----------------------------------------------


@pytest.mark.real_data
def test_the_mock_of_3_4_has_the_numbers_that_pymrio_reads(real_data: Path) -> None:
    table = read(real_data / "formats" / "exio3_mock")
    io = pymrio.parse_exiobase3(real_data / "formats" / "exio3_mock")
    assert np.array_equal(table.A.toarray(), io.A)
    assert np.array_equal(table.Y, io.Y)
    assert np.array_equal(table.F, io.satellite.F)
    assert np.array_equal(table.F_Y, io.satellite.F_Y)
    assert list(table.row_units) == list(io.unit["unit"])
    assert table.regions == ("AUS", "BRA", "FIN", "FRA", "KOR", "WWF")  # not the 49 of 3.4


@pytest.mark.real_data
def test_extensions_of_one_to_five_label_columns(real_data: Path, tmp_path: Path) -> None:
    sample = real_data / "formats" / "exio_ext_mock"
    for width in (1, 2, 3, 5):
        (tmp_path / f"of_{width}").mkdir()
        text = (sample / f"ext_{width}col.txt").read_bytes()
        (tmp_path / f"of_{width}" / "F.txt").write_bytes(text)
    F = pymrio.parse_exio12_ext(sample / "ext_1col.txt", 1, "x", sep="\t").F
    with open_files(tmp_path) as files:
        found = read_emissions(files, extension_files(files), list(F.columns), [], None)
    assert found.extensions == tuple(f"of_{width}" for width in (1, 2, 3, 5) for _ in range(2))
    assert np.array_equal(found.values, np.concatenate([F] * 4))
    assert found.names[::2] == (
        "emission_type1",
        "emission_type1 | kg",
        "emission_type1 | air | kg",
        "emission_type1 | air | kg | other info 1 | nan",
    )


@pytest.mark.real_data
def test_a_real_extension_is_read_exactly(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "employment").mkdir()
    file = real_data / "formats" / "exiobase3_ixi_employment_F.txt"
    (tmp_path / "employment" / "F.txt").symlink_to(file)
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    sectors = list(zip(*(cells[1:] for cells in lines[:2]), strict=True))
    assert list(dict.fromkeys(region for region, _ in sectors)) == list(
        load("exiobase3_regions")["code"]
    )
    with open_files(tmp_path) as files:
        found = read_emissions(files, extension_files(files), sectors, [], None)
    assert found.names == tuple(cells[0] for cells in lines[3:])
    assert found.values.shape == (12, 7987)
    assert np.array_equal(found.values, [[float(cell) for cell in row[1:]] for row in lines[3:]])
    F = pd.read_csv(file, sep="\t", header=[0, 1], index_col=0)  # as pymrio does
    assert np.allclose(found.values, F, rtol=1e-15, atol=0)

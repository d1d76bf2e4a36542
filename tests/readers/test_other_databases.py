"""Files of databases that are known and not read: each is named, with the way in."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.files import plain_files
from support.files.eora_files import Eora26, put
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._other_databases import OTHERS, other_databases

NAMES = [
    ("wiot_2014.rda", "WIOD as data of R", "WIOT2014_Nov16_ROW.xlsb"),
    ("wiot00_row_apr12.dta", "WIOD as data of R or Stata", "wiot09_row_sep12.xlsx"),
    ("WIOT2014_PYP_Nov16_ROW.xlsb", "WIOD in prices of the previous", "in current prices"),
    ("LUX_NIOT_nov16.xlsx", "a national table of WIOD", "the table of the world"),
    ("intsut14_nov16.xlsb", "supply and use tables of WIOD", "the input-output table"),
    ("MR_HIOT_2011_v3_3_18_extensions.xlsx", "a part of hybrid EXIOBASE", "_FD.csv"),
    ("MR_HUSE_2011_v3_3_18.csv", "a part of hybrid EXIOBASE", "_FD.csv"),
    ("EXIOBASE_3rx_aggLandUseExtensions_2010_pxp.mat", "EXIOBASE 3rx, as data of", "with pymrio"),
    ("flatfile_FIGARO-e_ENE_TJ_2015.csv", "FIGARO-E3, but for", "matrix_FIGARO-e-ic-io-D"),
    ("IO_AFG_1970_BasicPrice.txt", "a national table of Eora", "take Eora26 or full Eora"),
    ("CAN IOT 2000, 2007-2024.xlsx", "a national table of the ADB", "its table of all economies"),
    ("2023 EE-MRIOT (Air Emissions).xlsx", "the ADB's air emissions", "ADB-MRIO-2024-August"),
    ("basedata.har", "a header array file (HAR), as GTAP has", "the folder with all files"),
    ("GSDFSRCxDST.csv", "GTAP-Power MRIO", "by seller and buyer"),
    ("GSDF.gdx", "data of GAMS (GDX)", "gdxdump"),
    ("Y_REX3.mat", "a part of REX3", "REX3_Labels.zip"),
    ("EMERGING_E_2021.mat", "EMERGING in another layout", "EMERGING_V2_2023_m.mat"),
    ("0.0.0.0", "a Zarr store, or a part of one", "(2022.zarr)"),
    ("mine.mat", "data of MATLAB", "scipy.io.loadmat"),
    ("mrio.nc", "data in NetCDF, as mrio-toolbox saves", "carbonflows_fast[netcdf]"),
    ("own.rds", "data of R", "as CSV in R"),
    ("own.dta", "data of Stata", "pandas.read_stata"),
]


def said(path: Path, format: str | None = None) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path, format=format)
    sentence = str(caught.value)
    assert SENTENCE.match(sentence)
    assert len(sentence) < len(str(path)) + 400
    return sentence


@pytest.mark.parametrize(("name", "database", "way"), NAMES)
@pytest.mark.parametrize("kind", ["file", "folder", "zip", "asked"])
def test_a_database_is_named_with_the_way_in(
    tmp_path: Path, name: str, database: str, way: str, kind: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x00\xff hostile \n")
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
            archive.write(path, f"data/{name}")
        path.unlink()
        path = tmp_path / "download.zip"
    sentence = said(tmp_path if kind == "folder" else path, "oecd" if kind == "asked" else None)
    assert f"expected a table that is read, got {database}" in sentence
    assert way in sentence.partition("; ")[2]
    assert name in sentence


def test_every_kind_has_a_name_here() -> None:
    for at, other in enumerate(OTHERS):
        first = [found(name) for name, *_ in NAMES]
        assert any(text.startswith(other.what) for text in first), at


def found(name: str) -> str:
    return next((got for _, got, _ in other_databases(Files(Path("x"), "", {name: 1}))), "")


def test_a_table_beside_such_files_is_read(tmp_path: Path) -> None:
    plain_files.write_csv(plain_files.own(), tmp_path)
    for name, *_ in NAMES:
        (tmp_path / name).write_bytes(b"\x00")
    assert cf.read(tmp_path).n


@given(st.text(st.characters(exclude_characters="/", exclude_categories=["C", "Z"]), min_size=1))
def test_no_name_is_too_odd(name: str) -> None:
    for text in (name, f"{name}.har", f"WIOT{name}.dta"):
        assert isinstance(found(text), str)
    assert found(f"{name}.har")


@pytest.mark.parametrize("deep", [False, True])
def test_zips_in_a_zip_with_backslashes(tmp_path: Path, deep: bool) -> None:
    names = ["data\\ICIO-2016-2020-small.zip", "data\\ReadMe.txt"]
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        for name in names if deep else [name.replace("\\", "/") for name in names]:
            archive.writestr(name, b"PK")
    sentence = said(tmp_path / "outer.zip")
    assert "zips of OECD ICIO inside a zip" in sentence
    assert ("names with backslashes" in sentence) == deep
    assert "give the folder" in sentence


def test_backslashes_say_what_the_table_is(tmp_path: Path) -> None:
    put(tmp_path / "eora", Eora26().files())
    with zipfile.ZipFile(tmp_path / "Eora26.zip", "w") as archive:
        for file in (tmp_path / "eora").rglob("*.txt"):
            archive.write(file, f"Eora26_2016_bp\\{file.name}")
    assert "a table of eora26, names with backslashes" in said(tmp_path / "Eora26.zip")
    with zipfile.ZipFile(tmp_path / "rex.zip", "w") as archive:
        archive.writestr("REX3_2015\\T_REX3.mat", b"")
    assert "a table of rex3, names with backslashes" in said(tmp_path / "rex.zip")


ORIGINALS = {
    "wiod2016/LUX_NIOT_nov16.xlsx": "a national table of WIOD",
    "exiobase/MR_HIOT_2011_v3_3_18_extensions_together.xlsx": "a part of hybrid EXIOBASE",
}


@pytest.mark.real_data
@pytest.mark.parametrize("file", ORIGINALS)
def test_original_files_are_named(real_data: Path, file: str) -> None:
    assert ORIGINALS[file] in said(real_data / "originals" / file)

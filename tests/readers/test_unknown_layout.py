"""Paths that hold a table, only not as it should be: each has a sentence of its own."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from support.files.plain_files import own, write_csv
from support.files.zips import packed
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError


def said(path: Path, format: str | None = None) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path, format=format)
    sentence = str(caught.value)
    assert SENTENCE.match(sentence)
    assert len(sentence) < len(str(path)) + 400
    return sentence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_csv(own(), tmp_path / "own")


def test_layouts_are_listed_by_name_alone(tmp_path: Path) -> None:
    sentence = said(tmp_path)
    assert "(exiobase3, exiobase_hybrid, oecd, figaro" in sentence
    assert "or plain), got nothing; give the folder or the zip of a table; format=…" in sentence
    assert "Y.csv" not in sentence


def test_what_a_format_looks_for_and_what_is_nearest(tmp_path: Path) -> None:
    for name in ("readme.txt", "ICIO_2010.csv", "x.csv"):
        (tmp_path / name).write_text("1\n")
    sentence = said(tmp_path, "oecd")
    assert "layout oecd (looked for ICIO2021_2018.csv, 2019_SML.csv" in sentence
    assert "nearest is 'ICIO_2010.csv'" in sentence


@pytest.mark.parametrize(
    ("name", "right", "format"),
    [
        ("ICIO2018_2010 (1).csv", "ICIO2018_2010.csv", "oecd"),
        ("Copy of ICIO2018_2010.csv", "ICIO2018_2010.csv", "oecd"),
        ("2019_SML - Copy (2).csv", "2019_SML.csv", "oecd"),
        ("2019_SML copy.csv", "2019_SML.csv", "oecd"),
        ("wiot09_row_sep12(2).xlsx", "wiot09_row_sep12.xlsx", "wiod2013"),
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_a_name_that_a_copy_got(
    tmp_path: Path, name: str, right: str, format: str, asked: bool
) -> None:
    (tmp_path / name).write_text("1\n")
    expected = f"names as {format} has them, got {name!r}; rename it to {right!r}"
    for path in (tmp_path, tmp_path / name):
        assert expected in said(path, format if asked else None)


def test_the_file_that_is_to_be_renamed(folder: Path) -> None:
    (folder / "Y.csv").rename(folder / "Y (1).csv")
    assert "names as plain has them, got 'Y (1).csv'; rename it to 'Y.csv'" in said(folder)


@pytest.mark.parametrize("format", [None, "plain"])
@pytest.mark.parametrize("name", ["own", "own.bin"])
def test_a_zip_without_its_extension(
    folder: Path, tmp_path: Path, name: str, format: str | None
) -> None:
    path = packed(folder, tmp_path / "own.zip").rename(tmp_path / "other")
    shutil.rmtree(folder)
    path = path.rename(tmp_path / name)
    assert f"called otherwise; rename it to {name}.zip" in said(path, format)


def test_zips_inside_zips(folder: Path, tmp_path: Path) -> None:
    inner = packed(folder, tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(inner, "data/inner.zip")
    expected = "zips inside a zip (data/inner.zip); unpack the outer zip, and give the folder"
    assert expected in said(tmp_path / "outer.zip")


def test_names_with_backslashes(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"own\\{file.name}")
    sentence = said(tmp_path / "own.zip")
    assert "names with backslashes" in sentence
    assert "unpack the zip, and give the folder" in sentence


@pytest.mark.parametrize("layout", ["plain", "exiobase3"])
def test_tables_too_far_down(tmp_path: Path, layout: str) -> None:
    place = tmp_path / "a/b/c/d"
    if layout == "plain":
        write_csv(own(), place)
    else:
        place.parent.mkdir(parents=True)
        cf.write_exiobase(cf.synthetic.world(2, 2), place)
    sentence = said(tmp_path)
    assert "at most 3 folders down, got some in a/b/c/d/ that are deeper; give the path" in sentence
    cf.read(place)


def test_a_folder_of_saved_tables(tmp_path: Path) -> None:
    for year in (2009, 2010):
        cf.save(cf.synthetic.world(2, 2, year=year), tmp_path / "saved" / str(year))
    sentence = said(tmp_path / "saved")
    assert "saved tables (2009, 2010); open one with cf.open, or the folder of all w" in sentence
    assert "unpack the zip; then open" in said(packed(tmp_path / "saved", tmp_path / "saved.zip"))


def test_another_format_than_asked_for(folder: Path) -> None:
    assert "tables of format oecd, got plain alone; leave format=… out" in said(folder, "oecd")
